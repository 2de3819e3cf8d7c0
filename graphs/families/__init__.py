"""Which ops a worker accepts and which it refuses, reviewed family by family. The rules are in `graphs.ops`."""
