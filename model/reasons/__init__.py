"""Why a message has its score: which pieces of its text moved it, and which rules."""
