"""What runs a model. One module a runtime; nothing else in the worker knows which one it is."""
