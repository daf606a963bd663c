"""Labs that are up already: one for each world and kind of clips, shared by the tests of one process."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from pytomo_scrapy.lab.launcher import Lab, running_lab
from pytomo_scrapy.lab.servers import LabOptions

# What is run in a lab that is up; other words after `lab` are about the lab itself.
_IN_A_LAB = {"crawl", "doctor", "measure"}

_stack = contextlib.ExitStack()
_labs: dict[tuple[str, float | None], Lab] = {}


def shared_lab(world: str = "default", clip_ratio: float | None = None) -> Lab:
    """Return the running lab of this world. Raises LabError if it cannot start."""
    key = (world, clip_ratio)
    if key not in _labs:
        _labs[key] = _stack.enter_context(running_lab(LabOptions(world, clip_ratio=clip_ratio)))
    return _labs[key]


def close_labs() -> None:
    """End every lab of this process."""
    _labs.clear()
    _stack.close()


def in_shared_lab(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return what `lab [options] COMMAND ...` comes to where its lab is up: the command, and its environment."""
    rest, options = list(words[1:]), {}
    while rest and rest[0] in {"--world", "--clip-ratio"}:
        options[rest[0]] = rest[1]
        del rest[:2]
    if words[:1] != ("lab",) or not rest or rest[0] not in _IN_A_LAB:
        return list(words), dict(environment)
    ratio = options.get("--clip-ratio")
    lab = shared_lab(options.get("--world", "default"), float(ratio) if ratio is not None else None)
    return rest, lab.environment(environment)
