"""Metrics for Prometheus: what the ledger says, read at each scrape. Nothing is kept in Redis for it."""
