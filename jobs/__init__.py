"""What the producer and the workers agree on: settings, the job record, the payload, the ledger and the queue."""
