"""Where `pytomo` begins and ends: a Ctrl-C there ends it at once and in silence, as nothing has begun or all is done.

While Python imports, a KeyboardInterrupt comes out of any line, with a traceback; in the callback of a finalizer it is
printed ("Exception ignored in ...") and lost. Only what is imported here comes before that is taken care of.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

EXIT_INTERRUPTED = 130
AGAIN_S = 0.05
# Made before they are looked through for garbage. A command imports and reads a lot, and little of it ever is: with
# Python's own 700 that took a tenth of most commands' time.
NEW_OBJECTS = 20_000


def main() -> NoReturn:
    """Run one command and exit with its code."""
    # A shell that starts a command in the background has it ignore the signal: so it stays.
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, _end)
        sys.unraisablehook = _interrupt_again
    gc.disable()
    from pytomo_scrapy.cli import main as commands

    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    try:
        commands.main(begin=_interruptible if is_ours else None)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)


def _interruptible() -> None:
    """From here on the command cleans up after itself: the signal is a KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _end:  # Scrapy may have put its own in place
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt_again(unraisable: Any) -> None:
    """Give back an interrupt that a callback would swallow; show everything else."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        # Not from within: it would be swallowed again.
        timer = threading.Timer(AGAIN_S, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        timer.daemon = True
        timer.start()
    else:
        sys.__unraisablehook__(unraisable)
