"""NIGHTSHIFT_ALLOW_OPS names ops, one by one: a pattern would allow what nobody thought of."""

import pytest

from graphs import allowed
from graphs.errors import GraphError
from jobs.errors import SettingsError
from jobs.settings import Settings


def test_names_are_separated_by_commas() -> None:
    assert allowed.parse("") == allowed.parse(" , ") == frozenset()
    assert allowed.parse("ReadFile, _FusedConv3D,Addons>Gelu") == {"ReadFile", "_FusedConv3D", "Addons>Gelu"}


@pytest.mark.parametrize("text", ["*", "Read.*File", "ReadFile WriteFile", "all,*", "ReadFile;Print", "1x"])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(GraphError, match="is no name of an op"):
        allowed.parse(text)
    with pytest.raises(SettingsError, match=r"NIGHTSHIFT_ALLOW_OPS: .* is no name of an op"):
        Settings.from_environment({"NIGHTSHIFT_ALLOW_OPS": text})


def test_it_is_a_setting() -> None:
    assert Settings.from_environment({}).allow_ops == frozenset()
    assert Settings.from_environment({"NIGHTSHIFT_ALLOW_OPS": "ReadFile"}).allow_ops == {"ReadFile"}


def test_the_setting_is_read_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from model.errors import ModelError
    from model.graph.registry import op_list

    plain = op_list()
    monkeypatch.setenv("NIGHTSHIFT_ALLOW_OPS", "ReadFile")
    assert (op_list().allowed, op_list().digest != plain.digest) == ({"ReadFile"}, True)
    monkeypatch.setenv("NIGHTSHIFT_ALLOW_OPS", "*")
    with pytest.raises(ModelError, match="is no name of an op"):
        op_list()
