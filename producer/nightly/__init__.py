"""The nightly schedule: at each firing of a crontab, whatever matches the input pattern and has no complete scores file
from the current model is scored. It looks for undone work and trusts no memory of its own, so that a missed night, a
restart, a second scheduler or a crash in the middle are all harmless."""
