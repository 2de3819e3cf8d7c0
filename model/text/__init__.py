"""Text processing as TensorFlow ops: what a program in Python did before a graph of token ids."""
