"""What a person sees while a job runs and when it has ended."""
