"""What Python's csv wrote comes back cell by cell, in every dialect, encoding and container; other readers agree."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.files.open import open_file
from formats.packed.unpack import peek
from tests.formats.peers import by_arrow, by_csv, by_duckdb
from tests.formats.written import check_table, write_table


@settings(max_examples=100, deadline=None)
@given(chance=st.randoms())
def test_tables_in_any_dialect_come_back(tmp_path_factory: pytest.TempPathFactory, chance: random.Random) -> None:
    check_table(write_table(chance), tmp_path_factory.getbasetemp(), chance)


@pytest.mark.parametrize("tables", [300, pytest.param(20_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_many_tables_come_back(tmp_path: Path, tables: int) -> None:
    """Of fixed seeds: the same ones everywhere."""
    for seed in range(tables):
        chance = random.Random(seed)
        check_table(write_table(chance), tmp_path, chance)


def test_other_readers_find_the_same_cells(tmp_path: Path) -> None:
    """Else we and whoever wrote the tables might err alike."""
    compared = dict.fromkeys(["csv", "pyarrow", "duckdb"], 0)
    for seed in range(1500):
        table = write_table(random.Random(seed))
        path = tmp_path / ("table.csv.gz" if table.container == "gzip" else "table.csv")
        path.write_bytes(table.content)
        plain = peek(open_file(path), 1 << 20) if table.container else table.content
        found = {"csv": by_csv(table, plain), "pyarrow": by_arrow(table, plain), "duckdb": by_duckdb(table, path)}
        for name, rows in found.items():
            if rows is not None:
                assert rows == table.rows, f"{name}, seed {seed}: {table}"
                compared[name] += 1
    assert min(compared.values()) > 20, compared
