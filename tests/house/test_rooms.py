"""The house rules: imports follow the arrows between the rooms, and no file tells where it was written."""

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]

ARROWS = {
    "producer": ["jobs", "formats", "graphs"],
    "worker": ["jobs", "model", "formats", "graphs"],
    "jobs": ["formats", "graphs"],
    "model": ["formats", "graphs"],
    "formats": [],
    "graphs": [],  # but for the root of our errors
}
FORBIDDEN = [
    *((room, other) for room, allowed in ARROWS.items() for other in ARROWS if other not in (room, *allowed)),
    ("producer", "tensorflow"),
    ("jobs", "tensorflow"),
    ("formats", "tensorflow"),
    ("formats", "celery"),
    ("formats", "redis"),
    ("graphs", "tensorflow"),
    ("graphs", "numpy"),
    ("graphs", "celery"),
    ("graphs", "redis"),
    ("model", "celery"),
    ("model", "redis"),
]

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [
    [re.split(r" [|:] ", layer) for layer in contract["layers"]]
    for contract in CONTRACTS
    if contract["type"] == "layers"
]


def breaches() -> Iterator[tuple[str, str]]:
    """Imports that the layers forbid, by who would make them: of the layer above, and of an independent neighbour."""
    for layers in LAYERS:
        for upper, lower in itertools.pairwise(layers):
            yield from ((module, upper[0]) for module in lower)
        for layer in layers:
            yield from itertools.pairwise(layer)


TOLD_TALES = {
    "a package registry's host": r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|anaconda\.org|debian\.org)\b",
    "a package index": r"--(?:extra-)?index-url|\bindex-url\s*=",
    "a path on somebody's machine": r"(?<![\w.])/(?:home|Users|root)/\w|\b[A-Z]:\\Users\\",
}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT, cwd=directory, capture_output=True, text=True, check=False)


def test_the_arrows_hold() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def build(folder: Path) -> Path:
    """Empty rooms under our contracts; each imports what it may."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for room, allowed in ARROWS.items():
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("".join(f"import {other}\n" for other in allowed))
    for module in itertools.chain.from_iterable(itertools.chain.from_iterable(LAYERS)):
        package = folder / module.replace(".", "/")
        package.mkdir(parents=True)
        for each in (package, package.parent):
            (each / "__init__.py").open("a").close()
    return folder


def said_of(folder: Path, imports: Iterable[tuple[str, str]]) -> str:
    """What is said of a house with these imports, deep inside a room and inside a function: as lazily as somebody in a
    hurry would do it."""
    house = build(folder)
    for number, (module, other) in enumerate(imports):
        (house / module.replace(".", "/") / f"corner_{number}.py").write_text(f"def later():\n    import {other}\n")
    run = lint_imports(house)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def between_rooms(tmp_path_factory: pytest.TempPathFactory) -> str:
    return said_of(tmp_path_factory.mktemp("house"), FORBIDDEN)


@pytest.fixture(scope="module")
def within_rooms(tmp_path_factory: pytest.TempPathFactory) -> str:
    return said_of(tmp_path_factory.mktemp("house"), breaches())


def test_what_the_arrows_allow_passes(tmp_path: Path) -> None:
    run = lint_imports(build(tmp_path))
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("number", "room", "other"),
    [(number, *each) for number, each in enumerate(FORBIDDEN)],
    ids=[f"{room}-{other}" for room, other in FORBIDDEN],
)
def test_what_the_arrows_forbid_is_noticed(between_rooms: str, number: int, room: str, other: str) -> None:
    """Without this, a contract dropped from pyproject.toml would go unnoticed."""
    assert re.search(rf"{room}\.corner_{number} -> {other}\b", between_rooms), between_rooms


@pytest.mark.parametrize(("number", "module", "other"), [(number, *each) for number, each in enumerate(breaches())])
def test_an_arrow_that_runs_back_up_inside_a_room_is_noticed(
    within_rooms: str, number: int, module: str, other: str
) -> None:
    assert re.search(rf"{re.escape(module)}\.corner_{number} -> {re.escape(other)}", within_rooms), within_rooms


@pytest.fixture(scope="module")
def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_nothing_installs_a_name_that_is_not_ours(tracked_files: list[Path]) -> None:
    """On the public index `nightshift` is a stranger's program, and our distribution is not there yet: who typed such a
    line would run somebody else's code. Only a checkout or its wheel is ours."""
    stranger = re.compile(rb"pip install (?:-\S+ )*['\"]?nightshift(?![\w])(?!.{0,40}\.whl)", re.IGNORECASE)
    assert stranger.search(b"pip install --quiet 'nightshift[worker]'")
    assert stranger.search(b"pip install " + b"nightshift-scoring")
    found = {
        str(path.relative_to(ROOT)): hit[0] for path in tracked_files if (hit := stranger.search(path.read_bytes()))
    }
    assert set(found) <= {str(Path(__file__).relative_to(ROOT))}, found


@pytest.mark.parametrize("tale", TOLD_TALES)
def test_no_file_names(tracked_files: list[Path], tale: str) -> None:
    """Binary files too: a frozen graph may carry the paths of the sources that made it."""
    pattern = re.compile(TOLD_TALES[tale].encode())
    found = {
        str(path.relative_to(ROOT)): hit[0] for path in tracked_files if (hit := pattern.search(path.read_bytes()))
    }
    assert not found


def test_no_file_names_this_checkout(tracked_files: list[Path]) -> None:
    if len(ROOT.parts) < 3:
        pytest.skip(f"{ROOT} is too short a path to be anybody's own")
    pattern = re.compile(re.escape(str(ROOT)).encode() + rb"(?![\w-])")
    assert not [str(path.relative_to(ROOT)) for path in tracked_files if pattern.search(path.read_bytes())]


def test_secrets_and_state_are_not_tracked(tracked_files: list[Path]) -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked_files}
    assert not names & {".env", ".nightshift", ".venv"}


def test_git_ignores_the_secrets_file(tracked_files: list[Path]) -> None:
    """docker-compose.yml tells everybody to write the password to .env; `git add .` must not take it along."""
    assert subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=False).returncode == 0
