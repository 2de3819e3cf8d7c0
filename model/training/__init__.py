"""Training: the spam classifier's graph, runs that can be interrupted, and transfer learning."""
