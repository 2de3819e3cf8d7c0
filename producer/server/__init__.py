"""The way to a server: somebody else's, or the embedded one and its local workers."""
