// ParleyWire
