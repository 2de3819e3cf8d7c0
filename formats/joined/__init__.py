"""Several files as one source, each of whatever format."""
