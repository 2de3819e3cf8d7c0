"""Messages in the queue that the ledger did not put there: doubled ones, and those of jobs that have ended."""

import json

from jobs import keys
from jobs.queue import TASK
from jobs.record import Life


def message(life: Life, batch: int) -> str:
    """A call of the task, as Celery's workers read it."""
    arguments = [life.id, batch, life.incarnation] if life.incarnation else [life.id, batch]
    queue = keys.generation(life).queue.removeprefix(keys.PREFIX)
    return json.dumps({
        "body": json.dumps([arguments, {}, {}]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": TASK, "id": f"{life.name}:{batch}"},
        "properties": {"delivery_info": {"exchange": "", "routing_key": queue}, "delivery_tag": f"{life.name}:{batch}"},
    })  # fmt: skip
