"""What a job feeds and fetches, as its record has it: JSON that a worker of any later version reads."""

from dataclasses import dataclass, fields
from typing import Any, Literal, Self

Form = Literal["cell", "stack", "list", "example", "sparse", "ragged"]


class _Plain:
    """A dataclass as a JSON object, without the fields that have their defaults: older records have not got them."""

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = [each.to_dict() for each in value] if field.name == "features" else value
        return found

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        lists = {name: _tuple(value) for name, value in content.items() if name in known}
        return cls(**lists)


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Feature(_Plain):
    """One feature of a tf.Example. `shape` is that of one record's value; None where its length is free. One that is
    not `required` may be absent."""

    name: str
    column: str
    dtype: str  # float32, int64 or string
    shape: tuple[int, ...] | None = None
    required: bool = False


@dataclass(frozen=True)
class Feed(_Plain):
    """One input of the graph, and the columns that it is fed from.

    `shape` has -1 for an unknown dimension and is None where the rank is unknown; `dtype` is TensorFlow's name for it.
    `form` says how cells become rows:

    - cell: one column, a value in each cell.
    - stack: several columns, [rows, k], or of higher rank in row-major order.
    - list: one column, a list in each cell; shorter ones are padded.
    - sparse, ragged: the same, as the three or more tensors that TensorFlow takes for one (`tensors`).
    - example: the columns are `features`, and each row is a serialised tf.Example.
    """

    placeholder: str
    columns: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...] | None
    form: Form = "cell"
    tensors: tuple[str, ...] = ()  # the nodes that are fed; none: the placeholder itself
    base64: bool = False
    pad: str = "0"
    fill: str | None = None  # for an empty cell
    truncate: bool = False
    exact: bool = False  # a list is neither padded nor cut
    features: tuple[Feature, ...] = ()
    null: tuple[str, ...] = ()  # cells that count as empty, sorted; bytes that are not UTF-8 are surrogates
    strict: bool = False  # a text that is not UTF-8 is a reject

    @property
    def column(self) -> str:
        """The column, or the first of several."""
        return self.columns[0]

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns whose cells go into the graph as the texts they are."""
        if self.form == "example":
            return tuple(each.column for each in self.features if each.dtype == "string")
        return self.columns if self.dtype == "string" and not self.base64 else ()

    @property
    def is_plain(self) -> bool:
        """Whether a record of format 2 can have it: one column, a value in each cell."""
        return self.to_dict().keys() == {"placeholder", "column", "dtype", "shape"}

    def to_dict(self) -> dict[str, Any]:
        found = super().to_dict()
        if self.shape is None:
            found["shape"] = None
        if len(self.columns) == 1 and self.form == "cell":  # as format 2 has it
            found["column"] = found.pop("columns")[0]
        return found

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        columns = content["columns"] if "columns" in content else [content["column"]]
        found = super().from_dict({**content, "columns": columns, "features": ()})
        features = tuple(Feature.from_dict(each) for each in content.get("features", ()))
        return cls(**{**{field.name: getattr(found, field.name) for field in fields(found)}, "features": features})


@dataclass(frozen=True)
class Constant(_Plain):
    """A value that a placeholder has in every call."""

    placeholder: str
    dtype: str
    value: str  # as a cell would have it


@dataclass(frozen=True)
class Fetch(_Plain):
    """An output: `tensor`, or of a matrix the column `index`. One that is not `asked` for, but taken because nobody
    said what, is left out where it turns out to have no row a record. A sparse or ragged one, called `tensor`, is
    several `tensors` (`graphs.composites`)."""

    name: str
    tensor: str
    index: int | None = None
    asked: bool = True
    form: Literal["dense", "sparse", "ragged"] = "dense"
    tensors: tuple[str, ...] = ()

    @property
    def fetched(self) -> tuple[str, ...]:
        """What the graph is asked for."""
        return self.tensors or (self.tensor,)

    @property
    def is_plain(self) -> bool:
        return self.index is None and self.asked and self.name == self.tensor and not self.tensors
