"""Looks at what was rejected, and tries again what can be mended.

    python examples/rejects.py night.csv

Some rejects are the file's fault (`too_few_fields`, `unclosed_quote`): they stay, and somebody should see them. Others
another model or a higher limit mends: here, records that were larger than the limit.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import producer

LIMIT = "NIGHTSHIFT_MAX_RECORD_BYTES"
HIGHER = 16 << 20  # bytes


def main(file: str) -> None:
    path = Path(file)
    with producer.enqueue(path) as job:
        receipt = job.wait(path.with_suffix(".scores.csv"))
        codes = Counter(reject.code for reject in job.rejects())
    print(f"{receipt.records:,} records, {receipt.rejected:,} rejected: {dict(codes)}")
    if not codes["record_too_large"]:
        return
    os.environ[LIMIT] = str(HIGHER)  # settings come from the environment, and are read when a job is opened
    with producer.attach(job.id) as job:
        after = job.retry()  # those that are scored now get their places in the scores file
        print(f"with records of up to {HIGHER:,} bytes: {receipt.rejected - after.rejected:,} more scored")
        for reject in job.rejects():
            print(f"line {reject.line}: {reject.code}, {reject.detail}: {reject.raw[:60]!r}")


if __name__ == "__main__":
    main(sys.argv[1])
