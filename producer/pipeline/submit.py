"""Makes a job on the server, or attaches to the one that is there; and begins a job again whose scores were lost."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from formats.source import Source
from jobs import rights
from jobs.errors import JobError, LostError, MissingError
from jobs.progress import IN_VAIN
from jobs.record import Job
from producer.outlook.deadline import keep_deadline
from producer.pipeline.acceptance import named, who_accepts
from producer.pipeline.batching import make_cursor
from producer.pipeline.plan import Plan, renewed
from producer.server.connection import Connection
from producer.server.outages import wait_for_server


def submit(
    connection: Connection, plan: Plan, workers: int, deadline: datetime | None, say: Callable[[str], object]
) -> Job:
    """The plan's job, as it was submitted first; one that failed, was cancelled or stopped begins again. In the
    embedded mode this starts `workers` worker processes (0: one a core) if there is something to score. `deadline`,
    local unless it has a time zone, is when the job is wanted; one that it has already stays if it is earlier. Waits
    for a server that can't serve at this moment, and has `say` say so; and that the workers don't all judge graphs
    alike. Raises GraphError if all of them refuse this one, ServerError if the server's user may not do what a producer
    does: a script that is denied in its middle has done half of it."""
    wait_for_server(lambda: rights.check(connection.ledger.redis, "producer"), say, connection.check)
    op_lists = wait_for_server(connection.ledger.presence.op_lists, say, connection.check)
    about_model = who_accepts(plan.graph, op_lists)
    job = wait_for_server(lambda: _submit(connection, plan, workers, deadline), say, connection.check)
    if len(op_lists) > 1:
        say(_unlike(op_lists))
    if about_model and not connection.embedded:
        say(about_model)
    return job


def _unlike(op_lists: Mapping[str, Sequence[str]]) -> str:
    having = []
    for op_list, workers in op_lists.items():
        having.append(f"{named(workers)} {'has' if len(workers) == 1 else 'have'} that of {op_list}")
    return f"the workers have different lists of ops, so one may refuse what another scores: {'; '.join(having)}"


def _submit(connection: Connection, plan: Plan, workers: int, deadline: datetime | None) -> Job:
    ledger, job = connection.ledger, plan.job
    cursor = make_cursor(plan.source.start)
    state = ledger.submit(job, cursor)
    if state in IN_VAIN:
        ledger.removal.erase(ledger.job(job.id).life)
        state = ledger.submit(job, cursor)
    job = ledger.job(job.id)
    if state == "running":
        if deadline:
            keep_deadline(ledger, job.life, deadline)
        ledger.put_model(job.model, plan.graph.data, filter(None, [plan.graph.signed]))
        if plan.graph.signer:
            ledger.note(job.life, signer=plan.graph.signer)
        connection.start_workers(workers, job)
    return job


def submit_again(connection: Connection, job: Job, source: Source | None, graph: bytes | None, lost: LostError) -> Job:
    """Another life of a job whose scores are `lost`: its input is scored again, by `graph` or else by the model that
    the server has. Raises JobError if the input or the model is gone."""
    ledger = connection.ledger
    graph = graph or ledger.model(job.model)
    if source is None:
        raise JobError(f"{lost}; {job.input} is gone or has changed, so it can't be scored again")
    if graph is None:
        raise JobError(f"{lost}; its model is not on the server any more: enqueue the file again")
    signatures = ledger.signatures(job.model)
    try:
        deadline = ledger.progress(job.id).deadline
    except MissingError:  # the server has lost that too
        deadline = None
    ledger.cancel(job.life, "what was collected of it is lost")
    ledger.removal.erase(job.life)
    again = renewed(job)
    ledger.submit(again, make_cursor(source.start))
    ledger.put_model(again.model, graph, signatures)
    again = ledger.job(again.id)
    if deadline is not None:
        keep_deadline(ledger, again.life, datetime.fromtimestamp(deadline).astimezone())
    connection.start_workers(job=again)
    return again
