"""Fits a model to a table: which columns feed which placeholders, and what goes into the scores file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from formats.columns import id_column_of
from formats.errors import InputError
from formats.files.location import Location, Url
from formats.files.mirror import OBJECTS, mirrored, mirrored_if_there
from formats.shown import quoted, shown
from formats.source import Source
from graphs.errors import GraphError
from graphs.feeding import Fed, NoColumnError
from graphs.feeds import Fetch
from graphs.words import NOTHING, Words, of_job, read_file
from jobs.error_rows import ERROR
from jobs.reasons import REASONS, UNEXPLAINED, Explain
from jobs.record import Job
from jobs.settings import Settings
from jobs.verdicts import VERDICT
from producer.graph import Graph, read_graph
from producer.outputs.names import check_names
from producer.pipeline.explaining import check_explainable
from producer.pipeline.judging import checked_threshold

SHIPPED_MODEL = "spam.pb"
WORDS = ".toml"  # the suffixes of what stands beside a model
SIGNATURE = ".sig"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model, with all the words that are said for it."""

    graph: Graph
    words: Words
    fetches: tuple[Fetch, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of a table goes into the model, and what goes beside its scores."""

    fed: Fed
    id_column: str | None
    keep: tuple[str, ...]
    threshold: float | None


def choose_model(model: Location | None, settings: Settings, words: Words, like: Job | None = None) -> Chosen:
    """`words` win over those in the file beside the model, and these over what the job `like` has, as far as the model
    has such inputs. Raises GraphError (no frozen graph, no such node, not signed where it has to be), InputError for an
    object that is not there."""
    path = _local(model or settings.model or shipped_model(), settings.home)
    graph = checked(read_graph(path), settings.model_keys)
    words = words.over(words_beside(path))
    if like:
        inputs = [want.name for want in graph.signature.wants]
        words = words.over(of_job(like.feeds, like.constants, like.fetches).about(inputs))
    try:
        fetches = graph.signature.fetches(words)
        graph.signature.needed_by(fetches)
    except GraphError as error:
        raise GraphError(f"{path} has {error}" if str(error).startswith("no") else f"{path}: {error}") from None
    return Chosen(graph, words, fetches)


def fit_table(
    chosen: Chosen, source: Source, id_column: str | None, keep: Sequence[str],
    *, all_columns: bool = False, errors: bool = False, threshold: float | None = None,
    explain: Explain = UNEXPLAINED,
) -> Fitted:  # fmt: skip
    """`all_columns`: as if `keep` had each column of the table; `errors`: the scores file has a column of them;
    `threshold`: it has one of verdicts; `explain`: it has one of reasons.

    Raises InputError (no such column, two of one name, a threshold that is no number), GraphError (nothing to feed, a
    placeholder that a column can't feed, an output that takes no threshold, none that can be explained).
    """
    if id_column is None:
        id_column = id_column_of(source.columns)
    fed = _fit(chosen, source, id_column)
    if source.file_column:
        keep = (source.file_column, *keep)
    keep = _kept(source, id_column, keep, all_columns)
    outputs = [fetch.name for fetch in chosen.fetches]
    if threshold is not None:
        threshold = checked_threshold(threshold, chosen.graph, chosen.fetches)
        outputs.append(VERDICT)
    if explain.pieces:
        check_explainable(chosen.graph, chosen.fetches, fed.feeds)
        outputs.append(REASONS)
    check_names([id_column or "record", *keep, *outputs, *([ERROR] if errors else [])])
    return Fitted(fed, id_column, keep, threshold)


def shipped_model() -> Path:
    """The spam model that comes with Nightshift: data/spam.pb in a checkout, beside this module when installed."""
    room = Path(__file__).resolve().parents[1]
    checkout = room.parent / "data" / SHIPPED_MODEL
    return checkout if checkout.exists() else room / SHIPPED_MODEL


def _local(model: Location, home: Path) -> Path:
    """The model as a file; an object is copied, with the words beside it."""
    if not isinstance(model, Url):
        return model
    path = mirrored(model, home / OBJECTS)
    for name in (path.with_suffix(WORDS).name, path.name + SIGNATURE):
        mirrored_if_there(model.with_name(name), home / OBJECTS)
    return path


def checked(graph: Graph, keys: Sequence[Path]) -> Graph:
    """The graph with the signature beside it. With `keys`, public ones or folders of such, raises GraphError unless one
    of them made it."""
    if not keys and not graph.path.with_name(graph.path.name + SIGNATURE).exists():
        return graph  # what reads signatures takes a while to import
    from graphs.model_signature import read_beside, verify
    from graphs.signing_keys import trusted

    known = trusted(keys) if keys else {}
    try:
        found = read_beside(graph.path)
    except GraphError:
        if keys:
            raise
        return graph
    signed = found.encode() if found and found.sha256 == graph.sha256 else None
    if not keys:
        return replace(graph, signed=signed)
    try:
        signer = verify(graph.sha256, [found] if found else [], known)
    except GraphError as error:
        raise GraphError(f"{graph.path} {error}") from None
    return replace(graph, signed=signed, signer=signer)


def words_beside(model: Path) -> Words:
    """What the file beside a model says: `spam.toml` for `spam.pb`."""
    path = model.with_suffix(WORDS)
    return read_file(path) if path.is_file() else NOTHING


def _kept(source: Source, id_column: str | None, keep: Sequence[str], all_columns: bool) -> tuple[str, ...]:
    """The columns to carry through beside the id, each once. Raises InputError for one that is not there, or twice."""
    wanted = (*source.columns, *keep) if all_columns else keep
    kept = tuple(dict.fromkeys(name for name in wanted if name != id_column))
    counts = Counter(source.columns)  # a table may have a hundred thousand
    for name in kept if id_column is None else (id_column, *kept):
        if counts[name] != 1:
            raise _no_column(source, name, "")
    return kept


def _fit(chosen: Chosen, source: Source, id_column: str | None) -> Fed:
    try:
        return chosen.graph.signature.fit(chosen.fetches, chosen.words, source.columns, id_column)
    except NoColumnError as error:
        raise InputError(f"{source.path} has {error}; {_columns(source)}") from None
    except GraphError as error:
        raise GraphError(f"{chosen.graph.path}: {error}") from None


def _no_column(source: Source, name: str, purpose: str) -> InputError:
    what = "more than one column" if name in source.columns else "no column"
    return InputError(f"{source.path} has {what} {quoted(name)}{purpose}; {_columns(source)}")


def _columns(source: Source) -> str:
    """What there is in the place of a column that is missing, and what may have been read wrongly."""
    dialect = source.dialect
    if not dialect.header and not dialect.columns:
        names = ",".join(f"NAME{number}" for number in range(1, len(source.columns) + 1))
        return f"it was read without a header: --columns {names if len(names) < 60 else 'NAME,...'} names its columns"
    read = "" if dialect.is_plain else f", read as {dialect}"
    return f"its columns: {shown(source.columns)}{read}"
