"""Public collections of labelled messages, and how they get here from their publisher's archives."""
