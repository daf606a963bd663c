"""Damages JSON as a service that changed, or somebody in its place, would: type, size and nesting of each field."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

LONG_BYTES = 1_000_000
MOST_BYTES = 4_000_000  # the lab shares this machine with what is tried
DEEP_LEVELS = 100_000
# Stand for what cannot be written by recursion.
_DEEP_LIST, _DEEP_OBJECT = "deep-list-", "deep-object-"
_MARK = {mark: re.compile(f'"{mark}([0-9]+)"'.encode()) for mark in (_DEEP_LIST, _DEEP_OBJECT)}

Step = str | int
Path = tuple[Step, ...]

# What stands in the place of a value: its type, its size, its nesting.
DAMAGES: dict[str, Callable[[Any, Random], Any]] = {
    "null": lambda value, random: None,
    "true": lambda value, random: True,
    "zero": lambda value, random: 0,
    "negative": lambda value, random: -1,
    "huge": lambda value, random: 10**30,
    "fraction": lambda value, random: random.choice([1e308, -1e-308, 0.1]),
    "not a number": lambda value, random: float("nan"),
    "infinite": lambda value, random: float("inf"),
    "digits": lambda value, random: "9" * random.choice([20, 400, 5000]),
    "empty text": lambda value, random: "",
    "text": lambda value, random: "something else",
    "odd text": lambda value, random: random.choice(
        ["\0", "\ud800", "\x1b[2J", "\u202e", "%s%n", "=1+1", "../..", "'"]
    ),
    "long text": lambda value, random: (
        random.choice(["a", "/", " ", "<", "(", "\\", "é"]) * random.choice([5000, LONG_BYTES])
    ),
    "date": lambda value, random: random.choice(["0000-00-00", "9999-99-99T99:99:99", "-1", "20231301"]),
    "address": lambda value, random: random.choice(
        ["http://", "https://[::1", "file:///etc/passwd", "//host", "https://a:b@c:99999/", "javascript:1", "\r\nX: y"]
    ),
    "empty object": lambda value, random: {},
    "empty list": lambda value, random: [],
    "object": lambda value, random: {"simpleText": {"runs": value}},
    "list": lambda value, random: [value],
    "list of lists": lambda value, random: [[[value]], None, 0],
    "repeated": lambda value, random: [value] * at_most(random.choice([50, 2000]), value),
    "deep list": lambda value, random: f"{_DEEP_LIST}{random.choice([50, 900, DEEP_LEVELS])}",
    "deep object": lambda value, random: f"{_DEEP_OBJECT}{random.choice([50, 900, DEEP_LEVELS])}",
    "wide object": lambda value, random: {
        f"key{number}": value for number in range(at_most(random.choice([100, 5000]), value))
    },
}


def encode(value: Any) -> bytes:
    """Write JSON as services do: NaN, lone surrogates, and nesting that no writer of JSON would follow."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text = _MARK[_DEEP_LIST].sub(lambda found: b"[" * int(found[1]) + b"0" + b"]" * int(found[1]), text)
    return _MARK[_DEEP_OBJECT].sub(lambda found: b'{"a":' * int(found[1]) + b"0" + b"}" * int(found[1]), text)


def at_most(count: int, value: Any) -> int:
    """Return how often a value may stand in an answer that stays below MOST_BYTES."""
    return min(count, MOST_BYTES // (len(json.dumps(value)) + 1) + 1)


def paths(value: Any, most: int = 5000) -> list[Path]:
    """Return the places of every value within, its own first."""
    found: list[Path] = []
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting and len(found) < most:
        path, here = waiting.pop(0)
        found.append(path)
        waiting += [((*path, step), inner) for step, inner in _inner(here)]
    return found


def _inner(value: Any) -> Iterator[tuple[Step, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value[:3])  # a list's entries are alike


def damaged(value: Any, random: Random) -> tuple[Any, list[str]]:
    """Return a copy of an answer with one to three of its fields damaged, and in words what was done."""
    places, done = paths(value), list[str]()
    # The switches of the service's player are most of an answer, and little of them is read.
    rare = [path for path in places if path[:1] == ("playerConfig",)]
    places = [*rare[:: len(rare) // 20 + 1], *(path for path in places if path[:1] != ("playerConfig",))]
    answer = copy.deepcopy(value)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        path = random.choice(places)
        name = random.choice([*DAMAGES, "left out"])
        if not path:
            if name in DAMAGES:
                return DAMAGES[name](answer, random), [f"the whole: {name}"]
            continue
        holder, step = _holder(answer, path[:-1]), path[-1]
        try:
            if name == "left out":
                del holder[step]
            else:
                holder[step] = DAMAGES[name](holder[step], random)
        except (KeyError, IndexError, TypeError):  # an earlier damage took it away
            continue
        done.append(f"{'.'.join(map(str, path))}: {name}")
    return answer, done


def _holder(value: Any, path: Path) -> Any:
    """Return what holds the last step. None where an earlier damage took it away."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
