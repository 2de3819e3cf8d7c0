"""Landlock(7): the files that this process, its threads and whatever it forks may still read, and the ports that they
may connect to."""

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from worker.cage.seccomp import no_new_privileges

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, of the same number on all machines
_ABI = 1  # LANDLOCK_CREATE_RULESET_VERSION
_BENEATH, _PORT = 1, 2  # kinds of rules
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}  # from an ABI on, so many rights to files are known; execution is the first
_CONNECT, _PORTS = 1 << 1, 3  # binding and connecting by TCP, from ABI 4 on
_SCOPED = 3  # abstract sockets and signals of others, from ABI 6 on


def abi() -> int:
    """The version of the kernel's interface; 0 without Landlock."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, ctypes.c_size_t(0), _ABI)))


def restrict(readable: Iterable[Path], ports: Iterable[int] = ()) -> None:
    """From now on files can be opened to be read where they are `readable`, or below; others can't, none can be
    written, made or removed, and none can be executed. Of TCP there are connections to these ports, from ABI 4 on; no
    signal reaches a process outside, from ABI 6 on. What is open stays open; modes and times are none of its business.

    For this thread and those that it starts from now on. Raises OSError.
    """
    version = abi()
    files = (1 << _FILES[max(each for each in _FILES if each <= version)]) - 1
    handled = [files, *([_PORTS] if version >= 4 else []), *([_SCOPED] if version >= 6 else [])]
    rules = _call(_CREATE, struct.pack(f"={len(handled)}Q", *handled), flags=0)
    try:
        for path in readable:
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _allow(rules, path)
        for port in ports if version >= 4 else ():
            _call(_ADD_RULE, rules, _PORT, struct.pack("=QQ", _CONNECT, port), flags=0)
        no_new_privileges()
        _call(_RESTRICT_SELF, rules, flags=0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        _call(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, place), flags=0)
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes, flags: int) -> int:
    given: list[object] = [ctypes.c_int(each) if isinstance(each, int) else each for each in arguments]
    if number == _CREATE:
        given.append(ctypes.c_size_t(len(arguments[0])))  # type: ignore[arg-type]
    result = int(ctypes.CDLL(None, use_errno=True).syscall(number, *given, ctypes.c_uint(flags)))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{os.strerror(error)}, of Landlock")
    return result
