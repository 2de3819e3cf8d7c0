"""Where things are in this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / "data" / "messages.csv"
MODEL = ROOT / "data" / "spam.pb"
PRODUCER = str(Path(sys.executable).parent / "producer")
MODELS = str(Path(sys.executable).parent / "model")  # the command
