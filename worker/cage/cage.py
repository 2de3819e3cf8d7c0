"""The cage: what a process that runs graphs can't do any more, whatever they make it do. It is set while the process
has one thread: threads that there are already, such as a session's, would stay outside.

Inside, files can be read where Python and TensorFlow lie, and where the kernel tells of the processor; nothing can be
written, started or connected to. What a worker's process needs beyond that, its gatekeeper opens (gatekeeper.py); only
object storage is reached from within, where a root is in one.
"""

import contextlib
import os
import resource
import ssl
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jobs.address import PATHS, Address
from worker.cage import landlock, seccomp

# What glibc, Python and TensorFlow read as they run. Of /proc/self neither the environment, where passwords are, nor
# the memory.
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/stat", "/proc/self/cmdline", "/proc/self/maps", "/proc/self/stat", "/proc/self/statm", "/proc/self/status",
    "/proc/self/task", "/proc/sys/vm", "/sys/devices/system", "/sys/bus/cpu", "/sys/bus/node", "/sys/fs/cgroup",
    "/sys/kernel/mm",
)  # fmt: skip
_NETWORK = (
    "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
    "/etc/services", "/etc/protocols",
)  # fmt: skip
_CERTIFICATES = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates")
_STORAGE = ("~/.aws", "~/.config/gcloud")
_STORAGE_FILES = (
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "SSL_CERT_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)  # fmt: skip
_STORAGE_URLS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "STORAGE_EMULATOR_HOST",
)
_GPUS = ("/dev/nvidiactl", "/dev/kfd")
_HARMLESS_THREADS = ("jemalloc_bg_thd",)  # of Arrow's allocator, from its import on


@dataclass(frozen=True, slots=True)
class Cage:
    """`readable` and `ports` are beyond what every process has; without ports there are no connections at all."""

    landlock: int  # the kernel's ABI; 0 without
    readable: tuple[Path, ...] = ()
    ports: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.landlock:
            return f"landlock ABI {self.landlock}, seccomp"
        return "seccomp alone: the kernel has no landlock, so files can still be read"

    def enter(self) -> None:
        """For good. Raises OSError if the kernel does not let us, or if there are threads."""
        if others := threads():
            raise OSError(f"there are threads already: {', '.join(others)}")
        if self.landlock:
            landlock.restrict((*map(Path, _SYSTEM), *_python(), *self.readable), self.ports)
        seccomp.restrict(may_connect=bool(self.ports))

    def enter_to_fork(self) -> None:
        """Of a process that runs no graph, and forks those that do: each of them enters by itself, since to each
        /proc/self is another place."""
        seccomp.restrict(may_fork=True)


def find_cage(address: Address | None = None, buckets: bool = False) -> Cage | str:
    """The cage of a process that connects there, and to object storage if there are buckets; or, why there is none:
    tried out, in a process that is forked for it."""
    if missing := seccomp.missing():
        return f"no seccomp: {missing}"
    if gpu := next((each for each in _GPUS if Path(each).exists()), None):
        return f"there is a GPU ({gpu}), whose driver wants more"
    readable = list(_tls_files(address)) if address and address.tls is not None else []
    if buckets:
        readable += _storage_files(os.environ)
    cage = Cage(landlock.abi(), tuple(readable), tuple(_storage_ports(os.environ)) if buckets else ())
    reason = _try(cage)
    return f"the kernel refuses: {reason}" if reason else cage


def threads() -> list[str]:
    """The names of this process's other threads."""
    found = []
    for each in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            name = (each / "comm").read_text().strip()
            if int(each.name) != os.getpid() and name not in _HARMLESS_THREADS:
                found.append(name)
    return found


def limit_memory(more: int | None) -> None:
    """To so many bytes more than the process has mapped at this moment; what is inherited from the parent and shared
    with it does not count."""
    if more is not None:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _is_linux() else 0
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = mapped + more if hard == resource.RLIM_INFINITY else min(mapped + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _is_linux() -> bool:
    return sys.platform.startswith("linux")


def _try(cage: Cage) -> str:
    """Why it can't be entered here; empty if it can."""
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            cage.enter()
        except BaseException as error:
            os.write(sink, (str(error) or type(error).__name__).encode()[:1000])
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        reason = file.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return reason or (f"the process that tried ended with {code}" if code else "")


def _python() -> Iterator[Path]:
    """Where modules are that may be imported yet: Python's own, what is installed, and the packages that are in use,
    ours too. Not the directory in which a worker was started, which may be anything."""
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_path(name))
    yield Path(sys.base_prefix, "lib")
    for entry in filter(None, sys.path):
        if Path(entry).name in ("site-packages", "dist-packages") or Path(entry).suffix == ".zip":
            yield Path(entry)
    for name, module in list(sys.modules.items()):
        if "." not in name:
            yield from map(Path, filter(None, getattr(module, "__path__", None) or []))
            if file := getattr(module, "__file__", None):
                yield Path(file)


def _tls_files(address: Address) -> Iterator[Path]:
    yield from map(Path, _CERTIFICATES)
    yield from (Path(str(address.tls[name])) for name in PATHS if address.tls and address.tls.get(name))
    default = ssl.get_default_verify_paths()
    yield from (Path(each) for each in (default.cafile, default.capath) if each)


def _storage_files(environment: Mapping[str, str]) -> Iterator[Path]:
    yield from map(Path, (*_NETWORK, *_CERTIFICATES))
    yield from (Path(each).expanduser() for each in _STORAGE)
    yield from (Path(environment[name]) for name in _STORAGE_FILES if environment.get(name))


def _storage_ports(environment: Mapping[str, str]) -> Iterable[int]:
    """Landlock knows ports and no hosts: that of https, that of the host's credentials, and those of a server of one's
    own."""
    ports = {443, 80}
    for name in _STORAGE_URLS:
        with contextlib.suppress(ValueError):
            ports.add(urlsplit(environment.get(name, "")).port or 443)
    return sorted(ports)
