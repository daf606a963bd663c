"""Stands for `pytomo` on a file system that is read only: `run_command("tests.running.read_only", FOLDER, WORD, ...)`.

The folder is mounted so in a namespace of this process alone. Ends with NO_MOUNTS where the system forbids that.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from pathlib import Path

NO_MOUNTS = 77
# Source: linux/sched.h, linux/mount.h
_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_READ_ONLY, _REMOUNT, _BIND = 1, 32, 4096


def _mount_read_only(folder: bytes) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    # Whoever is not root may mount in a namespace of users only.
    if libc.unshare(_NEW_MOUNTS | (_NEW_USERS if user else 0)):
        return False
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    # Else the mount would be seen outside too.
    is_apart = libc.mount(None, b"/", None, 0x4000 | 0x40000, None) == 0
    return (
        is_apart
        and libc.mount(folder, folder, None, _BIND, None) == 0
        and libc.mount(None, folder, None, _REMOUNT | _BIND | _READ_ONLY, None) == 0
    )


if __name__ == "__main__":
    if not _mount_read_only(os.fsencode(sys.argv[1])):
        sys.exit(NO_MOUNTS)
    sys.argv = ["pytomo", *sys.argv[2:]]
    runpy.run_module("pytomo_scrapy", run_name="__main__", alter_sys=True)
