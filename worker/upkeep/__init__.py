"""What keeps a worker going beside its batches: leases, signs of life, its log and its broker."""
