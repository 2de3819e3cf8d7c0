"""A hook that is a command: it is run without a shell; NIGHTSHIFT_EVENT has the event, and standard input the body."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from formats.harmless import without_secrets
from producer.notify.delivery import Delivery, DeliveryError

COMMAND_SECONDS = 30.0  # before it is killed


def run(command: Sequence[str], delivery: Delivery) -> None:
    """Runs the command with the body on its standard input, and without what is secret in the environment. Raises
    DeliveryError unless it ends with 0 in time."""
    # Files rather than pipes: nothing blocks, whatever the command reads, writes or leaves behind.
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as words:
        body.write(json.dumps(delivery.document).encode())
        body.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=body,
                stdout=subprocess.DEVNULL,  # ours is for results
                stderr=words,
                env={**without_secrets(os.environ), "NIGHTSHIFT_EVENT": delivery.event},
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryError(f"{command[0]}: {error.strerror}") from None
        try:
            code = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):  # it ended at this moment
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise DeliveryError(f"{command[0]} was killed after {COMMAND_SECONDS:.0f} s") from None
        if code:
            words.seek(0)
            last = words.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DeliveryError(": ".join([f"{command[0]} ended with {code}", *last])[:500])
