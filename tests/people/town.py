"""Two worlds, one that is tried and a clean one that says what is right, and the embedded mode's if it is needed."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.people.models import write_models
from tests.people.notebook import Notebook
from tests.people.world import World
from tests.support import Worker, until


@dataclass
class Town:
    folder: Path
    tried: World
    clean: World
    models: "dict[str, Path]"
    tree: Path | None = None
    _notebook: "Notebook | None" = None

    def notebook(self) -> Notebook:
        """The embedded mode's world, once somebody needs it."""
        if self._notebook is None:
            self._notebook = Notebook(self.folder / "notebook")
        return self._notebook

    def stop(self) -> None:
        for world in (self.tried, self.clean, self._notebook):
            if world:
                world.stop()

    def ready(self) -> None:
        for world in (self.tried, self.clean):
            if isinstance(world.worker, Worker):
                world.worker.ready()
            else:
                logs = sorted(world.folder.glob("worker-*.log"))
                until(lambda logs=logs: " ready." in logs[-1].read_text(), 90)  # type: ignore[misc]


@contextlib.contextmanager
def open_town(tree: "Path | None" = None) -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    (folder / "models").mkdir()
    town = Town(
        folder, World(folder / "tried", tree), World(folder / "clean", tree), write_models(folder / "models"), tree
    )
    try:
        town.ready()
        yield town
    finally:
        town.stop()
        shutil.rmtree(folder, ignore_errors=True)
