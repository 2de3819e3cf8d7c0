"""Files of a zip archive from the internet, read into memory: nothing is extracted, and no path in it is used."""

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from model.errors import ModelError

MAX_BYTES = 50_000_000  # a hundred times each collection: neither an archive nor a member of it may fill the memory


def members(archive: bytes, names: tuple[str, ...]) -> list[bytes]:
    """The contents of the files of these names, in whichever folder of the archive each is. Raises ModelError if it is
    no zip, if a file is missing or there twice, or can't be read or is larger than MAX_BYTES."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return [_member(opened, name) for name in names]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError) as error:
        # A torn, an encrypted, an oddly packed one: the zip module has an exception for each.
        wanted = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        raise ModelError(f"not a zip archive with {wanted} in it: {error}") from None


def _member(opened: zipfile.ZipFile, name: str) -> bytes:
    found = [entry for entry in opened.infolist() if PurePosixPath(entry.filename).name == name and not entry.is_dir()]
    if len(found) != 1:
        raise ModelError(f"the archive has {'no' if not found else len(found)} {name} in it")
    with opened.open(found[0]) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ModelError(f"{name} in the archive has more than {MAX_BYTES:,} bytes")
    return content


def content(path: Path) -> bytes:
    """The bytes of an archive that is a file here. Raises ModelError."""
    try:
        with path.open("rb") as file:
            found = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    if len(found) > MAX_BYTES:
        raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes: it is not the published archive")
    return found
