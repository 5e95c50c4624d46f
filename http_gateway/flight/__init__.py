"""The gateway's side of Arrow Flight: raw messages over one shared gRPC channel.

Raw, because the bytes of a Flight message are the bytes of the Arrow stream that HTTP
callers get: nothing is decoded on the way (decision 0010).
"""
