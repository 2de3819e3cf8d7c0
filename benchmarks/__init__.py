"""What we measure, and against what: see README.md."""
