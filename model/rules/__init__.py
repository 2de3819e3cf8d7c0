"""Rules beside a model: lists, phrases, patterns and thresholds, compiled into its frozen graph."""
