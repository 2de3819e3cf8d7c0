"""In which container a file is, told by how it begins and not by its name."""

from formats.errors import InputError
from formats.packed.foreign import foreign_format, is_binary

HEAD_BYTES = 4096  # what has to be known of a file's beginning; a tar archive is told by its first 512 bytes

GZIP, ZSTD, BZIP2, XZ, LZ4, ZIP = "gzip", "zstd", "bzip2", "xz", "lz4", "zip"
MAGIC = {
    GZIP: b"\x1f\x8b",
    ZSTD: b"\x28\xb5\x2f\xfd",
    BZIP2: b"BZh",
    XZ: b"\xfd7zXZ\x00",
    LZ4: b"\x04\x22\x4d\x18",
    ZIP: b"PK\x03\x04",
}
_BZIP2_BLOCKS = b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"  # the first block, or the end of an empty one
_OTHER_ZIPS = b"PK\x05\x06", b"PK\x07\x08"  # an empty one; one that was to be split
_SKIPPABLE = b"\x2a\x4d\x18"  # behind 0x50 to 0x5f: a frame that zstd and lz4 pass over


def container_of(head: bytes, named: object = "it") -> str:
    """One of the names above, or empty: `head` has the first HEAD_BYTES of a file, or all of it. A file that is cut in
    its magic number is known as well. Of a zip the members are not looked at (formats/packed/archive.py does).

    Raises InputError if it is known to be what can't be read here, with a way out; `named` is the file's name.
    """
    if found := foreign_format(head):
        raise InputError(f"{named}: {found}")
    if head[1:4] == _SKIPPABLE and head[0] & 0xF0 == 0x50:
        behind = 8 + int.from_bytes(head[4:8], "little")
        return LZ4 if head[behind : behind + 4] == MAGIC[LZ4] else ZSTD
    for container, magic in MAGIC.items():
        cut = head[: len(magic)]
        if container == BZIP2:
            if cut == magic and head[3:4].isdigit() and any(blocks.startswith(head[4:10]) for blocks in _BZIP2_BLOCKS):
                return container
        elif cut == magic or (len(head) >= 2 and magic.startswith(cut) and (is_binary(head) or not head.isascii())):
            return container
    return ZIP if head.startswith(_OTHER_ZIPS) else ""
