"""The files that a job writes: what they are called, how they come to be, and the proof of what is in them."""
