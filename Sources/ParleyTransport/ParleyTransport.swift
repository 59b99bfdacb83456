// ParleyTransport
