"""What a command left behind."""

from dataclasses import dataclass


@dataclass
class Run:
    """`code` is as `subprocess` has it."""

    code: int
    out: str
    err: str
