"""What every output format offers: a *sink* turns rows into bytes, batch by batch, and finds the rows again.

The bytes of a batch depend on its rows alone, so that whoever encodes it, and whenever, the file is the same: a file is
a header and the batches' bytes, one behind the other. A new format is a class with these members and a line in
formats/registry.py; tests/formats/test_sinks.py has the tests that it has to pass.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

import pyarrow as pa


class Sink(Protocol):
    """One output format. It keeps no state."""

    def header(self, names: Sequence[str]) -> bytes:
        """What the file begins with, for columns of these names."""

    def encode(self, columns: Sequence[pa.Array]) -> bytes | memoryview:
        """The rows of a batch: columns of equal length, each binary (bytes as they are) or of an output's own
        type; a null is an empty value."""

    def decode(self, rows: bytes, names: Sequence[str]) -> pa.RecordBatch:
        """What `encode` made: the columns, which have these names, each binary."""

    def rows(self, file: BinaryIO) -> Iterator[bytes]:
        """The rows of a file that was written so, each as its bytes, the header first."""

    def fields(self, row: bytes) -> list[bytes]:
        """The row's values; one at least, however broken the row is."""

    def renumber(self, row: bytes, record: int) -> bytes:
        """The row with `record` as the value of its first column, which is a number."""
