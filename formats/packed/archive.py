"""A zip archive with one file in it.

Its directory is read by zipfile; the file itself is not: zipfile would hold all that a packed piece stands for, which
has no bound in bzip2 and lzma.
"""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from formats.errors import InputError
from formats.files.opened import Opened
from formats.packed.container import ZIP
from formats.packed.feed import Feed, Progress
from formats.packed.streams import MEMORY_BYTES, PIECE_BYTES, Decoder, Inflate, decoded

DIRECTORY_BYTES = 1 << 20  # of 10,000 files and more; each costs ten times that in memory
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_END_BYTES = 22  # of the record at its end, in front of the comment
_MARKER_BYTES = 4  # of one that was to be split, before its first file
_ENCRYPTED = 0x41
_SHOWN = 3
_FAULTS = (
    zipfile.BadZipFile,
    NotImplementedError,
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    struct.error,
)


def member_of(file: Opened) -> zipfile.ZipInfo:
    """The one file in it. Raises InputError if it is no zip archive, or one of none or several files, or an office's
    document."""
    where = file.location
    try:
        with zipfile.ZipFile(_Seekable(file)) as archive:
            comment, members = archive.comment, archive.infolist()
    except _FAULTS as error:
        if isinstance(error, _DirectoryError):
            raise InputError(f"{where}: a zip archive of very many files: unpack it, and give them") from error
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"{where}: the zip archive is damaged, or not whole ({reason}): get it again") from error
    begin = file.size - _END_BYTES - len(comment)
    if file.read(max(begin, 0), 4) != b"PK\x05\x06":
        raise InputError(f"{where}: something else follows behind the zip archive: get it again")
    if min((member.header_offset for member in members), default=0) > _MARKER_BYTES:
        raise InputError(f"{where}: the zip archive has something else in it, such as another one before it: unpack it")
    if kind := _office(members):
        raise InputError(f"{where}: {kind}")
    members = [member for member in members if _counts(member.filename)]
    if len(members) != 1:
        raise InputError(f"{where}: {_several(members)}")
    return members[0]


def unpacked_member(file: Opened, progress: Progress | None = None) -> tuple[Feed, Iterator[bytes]]:
    """Its plain bytes, in pieces, and where they are read from. Raises InputError, at once or while iterating."""
    member, where = member_of(file), file.location
    if member.flag_bits & _ENCRYPTED:
        raise InputError(f"{where}: the zip archive is encrypted: unpack it, and give the file that is in it")
    begin = _begin(file, member)
    feed = Feed(file, begin, begin + member.compress_size, progress)
    if begin + member.compress_size > file.size:
        raise feed.damaged(ZIP, "its file has no room in it")
    return feed, _checked(feed, member)


def _begin(file: Opened, member: zipfile.ZipInfo) -> int:
    """Where its packed bytes begin: its own header says that, and not the directory."""
    header = file.read(member.header_offset, _LOCAL_HEADER.size)
    magic, name, extra = _LOCAL_HEADER.unpack(header) if len(header) == _LOCAL_HEADER.size else (b"", 0, 0)
    if magic != b"PK\x03\x04":
        raise InputError(f"{file.location}: the zip archive is damaged: its directory leads to no file; get it again")
    return member.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


def _checked(feed: Feed, member: zipfile.ZipInfo) -> Iterator[bytes]:
    size, crc = 0, 0
    for piece in _pieces(feed, member):
        size += len(piece)
        if size > member.file_size:
            raise feed.damaged(ZIP, "it is longer than its directory says")
        crc = zlib.crc32(piece, crc)
        yield piece
        if size == member.file_size:
            break  # lzma's may have no other end
    if size < member.file_size:
        raise feed.truncated(ZIP)
    if crc != member.CRC:
        raise feed.damaged(ZIP, "its CRC is another")


def _pieces(feed: Feed, member: zipfile.ZipInfo) -> Iterator[bytes]:
    if not member.file_size:
        return iter(())
    match member.compress_type:
        case zipfile.ZIP_STORED:
            return iter(feed.read, b"")
        case zipfile.ZIP_DEFLATED:
            return decoded(feed, ZIP, Inflate(-15))
        case zipfile.ZIP_BZIP2:
            return decoded(feed, ZIP, bz2.BZ2Decompressor())
        case zipfile.ZIP_LZMA:
            return decoded(feed, ZIP, _lzma(feed))
        case method:
            raise InputError(
                f"{feed.location}: the zip archive is packed by a method that is not known here ({method}): unpack it, "
                "and give the file that is in it"
            )


def _lzma(feed: Feed) -> Decoder:
    """Behind two bytes of a version and two of a size: one of lc, lp and pb, and four of the dictionary's size."""
    head = feed.read(9)
    if len(head) < 9 or head[2:4] != b"\x05\x00" or head[4] >= 9 * 5 * 5:
        raise feed.damaged(ZIP, "its properties for lzma are none")
    dictionary = int.from_bytes(head[5:], "little")
    if dictionary > MEMORY_BYTES:
        raise InputError(f"{feed.location}: to unpack it lzma wants more than {MEMORY_BYTES >> 20} MiB of memory")
    rest, lc = divmod(head[4], 9)
    pb, lp = divmod(rest, 5)
    if lc + lp > 4:
        raise feed.damaged(ZIP, "its properties for lzma are none")
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, PIECE_BYTES), "lc": lc, "lp": lp, "pb": pb}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def _counts(name: str) -> bool:
    """What a Mac adds is none of the user's files."""
    return not (name.endswith("/") or name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store")


def _several(members: list[zipfile.ZipInfo]) -> str:
    if not members:
        return "the zip archive has no file in it"
    names = ", ".join(repr(member.filename[:60]) for member in members[:_SHOWN])
    more = ", …" if len(members) > _SHOWN else ""
    return f"the zip archive has {len(members):,} files ({names}{more}): unpack it, and give one of them"


def _office(members: list[zipfile.ZipInfo]) -> str:
    """Documents that are zip archives: what it is and the way out, or empty."""
    names = {member.filename for member in members}
    first = {name.partition("/")[0] for name in names}
    if "[Content_Types].xml" in names:
        if "xl" in first:
            return "an Excel workbook: save it as CSV"
        return "an Office document: save what is in it as CSV"
    if "content.xml" in names and "META-INF" in first:
        return "an OpenDocument file, such as a spreadsheet (.ods): save it as CSV"
    if "Index" in first and any(name.endswith(".iwa") for name in names):
        return "a document of Numbers or Pages: save it as CSV"
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy arrays: write them as CSV with numpy.savetxt"
    return ""


class _DirectoryError(OSError):
    """A directory that is too large to be read."""


class _Seekable(io.RawIOBase):
    """A file for zipfile, which reads a directory at once."""

    def __init__(self, file: Opened) -> None:
        super().__init__()
        self._file, self._at = file, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        if at < 0:
            raise OSError("a place in front of the beginning")
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        size = max(0, min(self._file.size - self._at, size if size >= 0 else self._file.size))
        if size > DIRECTORY_BYTES:
            raise _DirectoryError("the directory is very large")
        data = self._file.read(self._at, size)
        self._at += len(data)
        return data
