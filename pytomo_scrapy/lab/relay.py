"""Runs a command as if it stood in our place: it gets our signals, and we end as it does."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

# `timeout` signals a process and then its whole group: two within this time are one.
_SAME_SIGNAL_S = 0.3


def run_command(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command to its end and return its exit code, 128 + n where signal n ended it.

    It gets each SIGINT, SIGTERM and SIGHUP exactly once, whether it was sent to us, to our group or by a terminal.
    """
    # On a terminal the command shares our group, so that it can read from it and Ctrl-C reaches it directly.
    is_on_terminal = sys.stdin is not None and sys.stdin.isatty()
    with _forwarded_signals(is_on_terminal) as children:
        child = subprocess.Popen(words, env=dict(environment), process_group=None if is_on_terminal else 0)
        children.append(child)
        exit_code = child.wait()
    return exit_code if exit_code >= 0 else 128 - exit_code


@contextlib.contextmanager
def _forwarded_signals(is_on_terminal: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Hand signals on to the processes of the yielded list while the block lasts."""
    children: list[subprocess.Popen[bytes]] = []
    last_s: dict[int, float] = {}

    def forward(number: int, _: FrameType | None) -> None:
        now_s = time.monotonic()
        is_repeated = now_s - last_s.get(number, float("-inf")) < _SAME_SIGNAL_S
        last_s[number] = now_s
        if is_repeated or (is_on_terminal and number == signal.SIGINT):
            return
        for child in children:
            child.send_signal(number)

    # Handlers, not SIG_IGN: an ignored signal stays ignored in the command, a handled one does not.
    old = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield children
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
