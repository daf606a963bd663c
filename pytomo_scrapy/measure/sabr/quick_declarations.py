"""Lets protobug declare messages without reading the source of every caller.

`protobug.message` looks up the names in annotations in the frame of its caller, which it takes from `inspect.stack()`.
That finds file and line of source for each frame below, through all modules that are loaded: for the messages of SABR
two to three seconds of processor time at each start of a crawl. Here the same frames come without their sources.
"""

from __future__ import annotations

import inspect
import sys
from types import FrameType, ModuleType, SimpleNamespace

from protobug import _core

_DECLARING_FRAMES = 3  # protobug takes the third: itself twice, and who declares


class _QuickInspect(ModuleType):
    """The module `inspect`, with a stack of frames alone."""

    def __getattr__(self, name: str) -> object:
        return getattr(inspect, name)

    @staticmethod
    def stack() -> list[SimpleNamespace]:
        frame: FrameType | None = sys._getframe(1)
        found: list[SimpleNamespace] = []
        while frame is not None and len(found) < _DECLARING_FRAMES:
            found.append(SimpleNamespace(frame=frame))
            frame = frame.f_back
        return found


def use_quick_declarations() -> None:
    """Make protobug quick in this process. What it declares is the same."""
    _core.inspect = _QuickInspect("inspect")  # type: ignore[attr-defined]
