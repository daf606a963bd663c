"""Stands for a command that `server.py` runs: hands on its folder, environment, files and signals, and ends as it does.

Started as `python -S -E client.py SOCKET MODULE WORD ...`; it imports little, for it is started hundreds of times.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys


def main(path: str, entry: str, words: list[str]) -> None:
    """Ask for the command, and end with its exit code or its signal."""
    asking = socket.socket(socket.AF_UNIX)
    asking.connect(path)
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all of this
    request = json.dumps([entry, words, folder, dict(os.environ)]).encode() + b"\n"
    socket.send_fds(asking, [request[:1]], [0, 1, 2])
    asking.sendall(request[1:])
    answers = asking.makefile()
    pid = int(answers.readline())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: os.kill(pid, got))
    # What kills the command; to kill this process alone would take the server a moment to notice.
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(pid, signal.SIGKILL))
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # a pipe ends when the command closes it, not when we do
    code = int(answers.readline() or 1)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
