"""Stands for a command that `server.py` runs: hands on its folder, environment, files and signals, and ends as it does.

Started as `python -S -E client.py SOCKET MODULE WORD ...`; it imports little, for it is started hundreds of times.
"""

from __future__ import annotations

# What `signal` and `socket` wrap: to import these, or json, takes longer than Python's own start.
import _signal
import _socket
import marshal
import os
import sys

HEAD_BYTES = 8  # ahead of a request, with its length


def main(path: str, entry: str, words: list[str]) -> None:
    """Ask for the command, and end with its exit code or its signal."""
    asking = _socket.socket(_socket.AF_UNIX)
    asking.connect(path)
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all of this
    request = marshal.dumps((entry, words, folder, dict(os.environ)))
    files = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (0, 1, 2))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)]
    asking.sendmsg([len(request).to_bytes(HEAD_BYTES, "big")], rights)
    asking.sendall(request)
    pid = int(_line(asking))
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        _signal.signal(number, lambda got, _: os.kill(pid, got))
    # What kills the command; to kill this process alone would take the server a moment to notice.
    _signal.signal(_signal.SIGUSR1, lambda *_: os.kill(pid, _signal.SIGKILL))
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # a pipe ends when the command closes it, not when we do
    code = int(_line(asking) or 1)
    if code < 0:
        if -code != _signal.SIGKILL:
            _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _line(asking: _socket.socket) -> bytes:
    """Return the server's next line, or less where it has ended."""
    line = b""
    while not line.endswith(b"\n") and (part := asking.recv(1)):
        line += part
    return line


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
