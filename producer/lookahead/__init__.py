"""What a file would be read as, and what scoring it would take: nothing is enqueued, and nothing written."""
