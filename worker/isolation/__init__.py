"""A batch that killed its process is scored apart, where a crash costs little, and its fatal records are found."""
