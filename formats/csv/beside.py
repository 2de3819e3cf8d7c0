"""What somebody wrote down, once, of how files are to be read: the table `dialect` of a TOML file beside them."""

import tomllib
from pathlib import Path
from typing import Any

from formats.csv.dialect import Dialect
from formats.errors import InputError
from formats.files.local import LocalFile
from formats.files.location import Location, Url

FOR_ALL = "messages.toml"  # of all files of a folder
TABLE = "dialect"
KNOWN = tuple(Dialect.__dataclass_fields__)


def said_beside(location: Location) -> dict[str, Any]:
    """By `night.toml` beside night.csv, or else by the folder's messages.toml. Raises InputError for a file that can't
    be understood; nothing is looked for in object storage."""
    if isinstance(location, Url):
        return {}
    name = location.with_suffix("")  # and without a second one, as night.csv.gz has
    for path in (*(each.with_suffix(".toml") for each in (location, name) if each.name), location.with_name(FOR_ALL)):
        if path != location and path.is_file():
            said = _read(path)
            if said is not None:
                return said
    return {}


def _read(path: Path) -> dict[str, Any] | None:
    """None if it does not speak of dialects: it may be beside a model of the same name."""
    file = LocalFile(path)
    try:
        content = tomllib.loads(file.read(0, file.size).decode("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no TOML file: {' '.join(str(error).split())}") from None
    finally:
        file.close()
    table = content.get(TABLE)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise InputError(f"{path}: dialect is a table: [dialect]")
    said = {name.replace("-", "_"): value for name, value in table.items()}
    if unknown := sorted(said.keys() - set(KNOWN)):
        raise InputError(f"{path}: [dialect] has {unknown[0]!a}; what is known: {', '.join(KNOWN)}")
    return checked(said, str(path))


def checked(said: dict[str, Any], where: str) -> dict[str, Any]:
    """Options as they may be given, by the fields of Dialect. Raises InputError."""
    try:
        Dialect.from_dict(said)
    except InputError as error:
        raise InputError(f"{where}: {error}" if where else str(error)) from None
    except TypeError as error:
        raise InputError(f"{where or 'the dialect'}: {error}") from None
    return said
