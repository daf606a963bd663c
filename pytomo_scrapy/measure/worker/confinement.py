"""What a child process may still do once it has started: bounded by rlimits, and by Linux's Landlock and seccomp.

Nothing here can be undone by the process that it was done to. What the kernel does not offer is left out:
docs/security.md says what holds where.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum, auto

MEMORY_BYTES = 2 * 1024**3  # of addresses: ten times what either process takes
# In use: a resolution takes 60 MB, one of an answer of the largest size 250 MB.
RESOLVER_BYTES = 300 * 1024**2
# A JavaScript runtime inherits the limits, reserves far more addresses than it uses, and 512 MB for its code.
RESOLVER_DATA_BYTES = 1024**3
OPEN_FILES = 1024

# Source: prctl(2), seccomp(2)
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_DENY, _ALLOW = 0x00050001, 0x7FFF0000  # errno EPERM
# Source: linux/landlock.h; the calls have these numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF, _VERSION_FLAG, _PATH_BENEATH = 444, 445, 446, 1, 1
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_WRITING = 1 << 1 | sum(1 << bit for bit in range(4, 13))  # write, remove, make anything
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # from versions 2 and 3
_ANY_TCP, _ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3  # from versions 4 and 6

# By architecture: its AUDIT_ARCH, then calls that reach into other processes or widen what may be done, those that
# start programs, and those that reach the network or signal others. Source: asm/unistd.h
_CALLS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        # ptrace process_vm_readv process_vm_writev bpf perf_event_open userfaultfd keyctl unshare mount
        # pidfd_send_signal io_uring_setup pidfd_getfd
        (101, 310, 311, 321, 298, 323, 250, 272, 165, 424, 425, 438),
        (59, 322, 434),  # execve execveat pidfd_open
        (41, 42, 49, 50, 62),  # socket connect bind listen kill
    ),
    "aarch64": (
        0xC00000B7,
        (117, 270, 271, 280, 241, 282, 219, 97, 40, 424, 425, 438),
        (221, 281, 434),
        (198, 203, 200, 201, 129),
    ),
}
# Folders of the root that hold people's files, or other processes.
_OTHERS = frozenset(("home", "root", "Users", "proc", "mnt", "media", "srv"))
_X32_CALLS = 0x40000000  # x86_64's other set of numbers begins there


class Confinement(Enum):
    """How far a child is confined."""

    ONLINE = auto()  # it may reach the network and write its media
    OFFLINE = auto()  # it reads files, and answers
    RESOLVING = auto()  # as online, and it may start the programs of PATH: yt-dlp runs the service's scripts in one

    @property
    def memory_bytes(self) -> int:
        """The most memory that it may use."""
        return RESOLVER_BYTES if self is Confinement.RESOLVING else MEMORY_BYTES


def confine(confinement: Confinement) -> None:
    """Confine this process for good. Call it before there is a second thread."""
    _limit_resources(confinement)
    if confinement is Confinement.RESOLVING and hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # what it starts can be ended with it
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        _restrict_files(libc, confinement)
        _restrict_calls(libc, confinement)


def _limit_resources(confinement: Confinement) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: OPEN_FILES}
    if confinement is Confinement.RESOLVING:
        limits[resource.RLIMIT_DATA] = RESOLVER_DATA_BYTES
    else:
        limits[resource.RLIMIT_AS] = MEMORY_BYTES
    for limit, most in limits.items():
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of addresses
            resource.setrlimit(limit, (most, most))


def _restrict_files(libc: ctypes.CDLL, confinement: Confinement) -> None:
    """Forbid to read what is not the system's or ours, and to start programs; offline, also to write and to connect."""
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return
    reading = _READ_FILE | _READ_FOLDER
    files, network, scopes = _EXECUTE | reading, 0, _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
    if confinement is Confinement.OFFLINE:
        files |= _WRITING | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
        network = _ANY_TCP if version >= 4 else 0
    # Older kernels take a longer structure whose end is zero.
    attributes = struct.pack("=QQQ", files, network, scopes)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return
    paths = dict.fromkeys(_readable_paths(), reading)
    if confinement is Confinement.RESOLVING:
        paths = dict.fromkeys((*paths, *os.get_exec_path()), reading | _EXECUTE)
    for path, allowed in paths.items():
        with contextlib.suppress(OSError):
            # Never closed: the rule of a process's own folder in /proc holds as long as that is open.
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
            rule = struct.pack("=Qi", allowed if is_folder else allowed & ~_READ_FOLDER, opened)
            libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    libc.syscall(_RESTRICT_SELF, ruleset, 0)


def _readable_paths() -> Iterator[str]:
    """Yield what a child may read: the system, its own code, the certificates, the media, and of /proc only itself."""
    yield from (entry.path for entry in _entries("/") if entry.name not in _OTHERS)
    yield from (entry.path for entry in _entries("/proc") if not entry.name.isdigit() and not entry.is_symlink())
    yield f"/proc/{os.getpid()}"
    # A single-file executable holds its modules itself, wherever a user has put it.
    yield from (path for path in (sys.executable, sys.prefix, sys.base_prefix, *sys.path) if path)
    yield from (os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name))
    yield tempfile.gettempdir()


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:  # a bare machine has no /proc
        return []


def _restrict_calls(libc: ctypes.CDLL, confinement: Confinement) -> None:
    known = _CALLS.get(platform.machine())
    if known is None:
        return
    architecture, reaching, starting, networking = known
    denied = {
        Confinement.ONLINE: (*reaching, *starting),
        Confinement.OFFLINE: (*reaching, *starting, *networking),
        Confinement.RESOLVING: reaching,
    }[confinement]
    program = _filter_program(architecture, denied)
    kept = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)


def _filter_program(architecture: int, denied: tuple[int, ...]) -> bytes:
    """Return the filter: calls of another architecture and `denied` ones fail with EPERM. Source: linux/filter.h"""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    checks = [(equal, number) for number in denied]
    steps = [(load, 0, 0, 4), (equal, 0, len(checks) + 3, architecture), (load, 0, 0, 0)]
    # Each jump that is taken goes to the last step.
    for left, (code, number) in enumerate(reversed([(at_least, _X32_CALLS), *checks])):
        steps.insert(3, (code, left + 1, 0, number))
    steps += [(answer, 0, 0, _ALLOW), (answer, 0, 0, _DENY)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
