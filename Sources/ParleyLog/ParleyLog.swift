// ParleyLog
