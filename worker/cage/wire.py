"""What a caged process and its gatekeeper say to each other: JSON, each text behind its length; an answer may have a
descriptor with it."""

import json
import os
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("<Q")
_LARGEST = 1 << 30  # bytes


def write(end: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    """Raises OSError when nobody is there to read it."""
    text = json.dumps(message).encode()
    length = _LENGTH.pack(len(text))
    if descriptor is None:
        end.sendall(length + text)
        return
    socket.send_fds(end, [length], [descriptor])
    end.sendall(text)


def read(end: socket.socket) -> tuple[dict[str, Any], int | None]:
    """Raises EOFError when the other end is closed, OSError."""
    head, descriptors, *_ = socket.recv_fds(end, _LENGTH.size, 1)
    descriptor = next(iter(descriptors), None)
    try:
        (length,) = _LENGTH.unpack(head + _exactly(end, _LENGTH.size - len(head)))
        if length > _LARGEST:
            raise EOFError
        message: dict[str, Any] = json.loads(_exactly(end, length))
    except BaseException:
        if descriptor is not None:
            os.close(descriptor)
        raise
    return message, descriptor


def _exactly(end: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        received = end.recv(min(length - len(data), 1 << 20))
        if not received:
            raise EOFError
        data += received
    return bytes(data)
