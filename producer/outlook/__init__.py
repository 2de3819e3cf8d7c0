"""When a job will be done, and whether that is in time."""
