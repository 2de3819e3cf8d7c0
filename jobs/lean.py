"""What processes of our own do without, to start fast and stay small."""

import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=name)


def without_pandas() -> None:
    """pyarrow imports pandas where it is installed, at the first array it makes, in case that is a data frame: half a
    second and 30 MB. Commands and workers have none. (Whoever uses the Python API may, so it does not call this.)"""
    sys.meta_path.insert(0, _WithoutPandas())
