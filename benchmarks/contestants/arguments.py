"""The command line that all contestants share."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Arguments:
    input: Path
    model: Path
    output: Path
    cores: int


def arguments() -> Arguments:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, required=True, help="a CSV file of message_id,text")
    parser.add_argument("--model", type=Path, required=True, help="a frozen graph (.pb) from text to score")
    parser.add_argument("--output", type=Path, required=True, help="an empty folder for the scores")
    parser.add_argument("--cores", type=int, required=True, help="how many processes score")
    return Arguments(**vars(parser.parse_args()))
