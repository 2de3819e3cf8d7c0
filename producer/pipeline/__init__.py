"""The stations of a job: plan, enqueue, follow, collect, retry."""
