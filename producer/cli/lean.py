"""What the commands do without, to start fast and stay small."""

import os
import sys
from importlib.abc import MetaPathFinder


class WithoutPandas(MetaPathFinder):
    """pyarrow imports pandas where it is installed, at the first array it makes, in case that is a data frame: half a
    second and 30 MB. No command has data frames; the Python API does, and is left alone."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("the producer's commands do without pandas", name=name)


def stay_lean() -> None:
    """Call it before anything of Arrow is imported."""
    sys.meta_path.insert(0, WithoutPandas())
    # Arrow's own allocators keep what they freed; the system's keeps the producer some 30 MB smaller.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
