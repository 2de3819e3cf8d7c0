"""Graphs without variables: making one frozen file of a model, reading it, and refusing what is unsafe."""
