// ParleySync
