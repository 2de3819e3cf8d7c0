"""seccomp(2): the system calls that this process, its threads and whatever it forks can't make any more.

A filter is a small program of the kernel's that sees a call's number and arguments, and no memory behind them.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from worker.cage import syscalls
from worker.cage.syscalls import MACHINES, Numbers

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38
_MODE_FILTER = 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of linux/bpf_common.h
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_…
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # where seccomp_data has them; arguments of 8 bytes, the low half first
_X32 = 0x40000000  # numbers from here on are those of another way to call an x86_64 kernel
_CLONE_THREAD, _CLONE_NEW = 0x10000, 0x7E020000  # a thread; any namespace
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # types into the terminal, as its user would
_AF_INET, _AF_INET6 = 2, 10
_STREAM, _STREAM_FLAGS = 1, (0, 0x800, 0x80000, 0x80800)  # without waiting, closed by execve
_LARGEST = 255  # instructions that a jump can skip

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def missing() -> str:
    """Why it can't be used here; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "only Linux has it"
    if platform.machine() not in MACHINES or sys.byteorder != "little" or struct.calcsize("P") != 8:
        return f"it is not known what {platform.machine()} calls its system calls"
    if ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "the kernel was built without it"
    return ""


def no_new_privileges() -> None:
    """For good; what both seccomp and Landlock want of somebody who is not root. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def restrict(*, may_fork: bool = False, may_connect: bool = False) -> None:
    """No program is started, no file is opened to be written, none is made, removed, renamed or changed in its modes,
    no other process is looked into or signalled, nothing of the kernel is set. Without `may_fork` there are threads and
    no other processes; without `may_connect` there are pairs of stream sockets and no others, with it those to connect
    by IP.

    For this thread and those that it starts from now on. Raises OSError.
    """
    no_new_privileges()
    program = b"".join(struct.pack("<HBBI", *each) for each in _program(may_fork, may_connect))
    given = _Program(len(program) // 8, program)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(given), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


def _program(may_fork: bool, may_connect: bool) -> list[Instruction]:
    machine = MACHINES[platform.machine()]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32),
        _fail(errno.EPERM),
    ]

    def when(found: Numbers, *body: Instruction) -> None:
        """The body ends with a return, so that behind it the number is still what is loaded."""
        number = found[machine.column]
        if number is not None:
            assert len(body) <= _LARGEST  # noqa: S101
            program.extend([(_IF_EQUAL, 0, len(body), number), *body])

    looked_at = syscalls.LOOKED_AT
    denied = [syscalls.STARTING, syscalls.PROCESSES, syscalls.FILES, syscalls.KERNEL]
    denied += [] if may_fork else [syscalls.FORKING]
    denied += [] if may_connect else [syscalls.SOCKETS]
    if may_connect:
        denied.append({name: numbers for name, numbers in syscalls.SOCKETS.items() if name != "connect"})
        when(looked_at["socket"], *_only_if_equal(0, _AF_INET, _AF_INET6))
    else:
        denied.append({"socket": looked_at["socket"]})
    # One for datagrams can be sent from to any local socket, such as the system log's.
    when(looked_at["socketpair"], *_only_if_equal(1, *(_STREAM | flags for flags in _STREAM_FLAGS)))
    when(looked_at["openat"], *_fail_if_any(2, _WRITING))
    when(looked_at["open"], *_fail_if_any(1, _WRITING))
    when(looked_at["ioctl"], *_fail_if_equal(1, _TIOCSTI, _TIOCLINUX))
    when(looked_at["prlimit64"], *_only_if_equal(0, 0, os.getpid()))
    if may_fork:  # and end what it has forked: Landlock says whom else
        when(looked_at["clone"], *_fail_if_any(0, _CLONE_NEW))
    else:
        when(looked_at["clone"], *_only_if_any(0, _CLONE_THREAD))
        when(looked_at["kill"], *_only_if_equal(0, os.getpid()))
        when(looked_at["tgkill"], *_only_if_equal(0, os.getpid()))
    for each in syscalls.MISSING.values():
        when(each, _fail(errno.ENOSYS))
    for group in denied:
        for each in group.values():
            when(each, _fail(errno.EPERM))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _fail(number: int) -> Instruction:
    return (_RETURN, 0, 0, _FAIL | number)


def _argument(position: int) -> Instruction:
    """Its low half: the kernel takes no more of an int."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * position)


def _fail_if_any(position: int, bits: int) -> list[Instruction]:
    return [_argument(position), (_IF_ANY, 0, 1, bits), _fail(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _only_if_any(position: int, bits: int) -> list[Instruction]:
    return [_argument(position), (_IF_ANY, 1, 0, bits), _fail(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _fail_if_equal(position: int, *values: int) -> list[Instruction]:
    tests = [(_IF_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(position), *tests, (_RETURN, 0, 0, _ALLOW), _fail(errno.EPERM)]


def _only_if_equal(position: int, *values: int) -> list[Instruction]:
    tests = [(_IF_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(position), *tests, _fail(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
