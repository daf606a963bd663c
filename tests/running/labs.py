"""Labs, forked from the server of commands; and those that are up already: one for each world and kind of clips,
shared by the tests of one process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from pytomo_scrapy.lab.launcher import Lab, running_lab
from pytomo_scrapy.lab.servers import LabOptions
from tests.running import forked
from tests.running.sharing import server_socket

# What is run in a lab that is up; other words after `lab` are about the lab itself.
_IN_A_LAB = {"crawl", "doctor", "measure"}

_OPTIONS = {"--world", "--seed", "--clip-ratio"}
# It draws guests: what a crawl meets in it must not depend on who was there before, so each has its own.
_NOT_SHARED = {"autumn2026"}

_stack = contextlib.ExitStack()
_labs: dict[tuple[str, float | None, int], Lab] = {}


@contextlib.contextmanager
def own_lab(options: LabOptions) -> Iterator[Lab]:
    """Run a lab while the block lasts, as `running_lab` does. Raises LabError if it cannot start."""
    with contextlib.ExitStack() as stack:
        with forked.in_use(server_socket()):
            lab = stack.enter_context(running_lab(options))
        yield lab


def shared_lab(world: str = "default", clip_ratio: float | None = None, seed: int = 0) -> Lab:
    """Return the running lab of this world. Raises LabError if it cannot start."""
    key = (world, clip_ratio, seed)
    if key not in _labs:
        _labs[key] = _stack.enter_context(own_lab(LabOptions(world, seed, clip_ratio)))
    return _labs[key]


def close_labs() -> None:
    """End every lab of this process."""
    _labs.clear()
    _stack.close()


def in_shared_lab(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return what `lab [options] COMMAND ...` comes to where its lab is up: the command, and its environment.

    A lab with other options (those about guests) is not shared.
    """
    rest, options = list(words[1:]), {}
    while rest and rest[0] in _OPTIONS:
        options[rest[0]] = rest[1]
        del rest[:2]
    world = options.get("--world", "default")
    if words[:1] != ("lab",) or not rest or rest[0] not in _IN_A_LAB or world in _NOT_SHARED:
        return list(words), dict(environment)
    ratio = options.get("--clip-ratio")
    lab = shared_lab(world, float(ratio) if ratio is not None else None, int(options.get("--seed", "0")))
    return rest, lab.environment(environment)
