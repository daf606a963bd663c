"""Reading untrusted JSON: nothing here raises, whatever the types are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_DETAIL_CHARACTERS = 200
_TITLE_CHARACTERS = 20_000


def dig(value: Any, *path: str | int) -> Any:
    """Follow keys and indexes. None where one is missing or a type differs."""
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        else:
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
            value = value[step]
    return value


def items(value: Any, *path: str | int) -> list[Any]:
    """Return the list at `path`, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the pairs of a JSON object; nothing for anything else."""
    if isinstance(value, dict):
        yield from value.items()


def text_of(value: Any) -> str | None:
    """Read one of the service's texts: a string, `simpleText`, `content`, or `runs` joined."""
    if isinstance(value, dict):
        for key in ("simpleText", "content"):
            if isinstance(value.get(key), str):
                return clean(value[key])
        runs = [dig(run, "text") for run in items(value, "runs")]
        joined = "".join(run for run in runs if isinstance(run, str))
        return clean(joined) if joined else None
    return clean(value) if isinstance(value, str) else None


def clean(text: str, limit: int = _TITLE_CHARACTERS) -> str:
    """Cut `text` and mend surrogates: JSON may carry half of a pair, which no file, terminal or database takes."""
    return text[:limit].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def detail(text: str) -> str:
    """Make one short printable line of `text`, for a failure's detail."""
    line = " ".join(clean(text, 4 * _DETAIL_CHARACTERS).split())
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:_DETAIL_CHARACTERS]


def video_id(value: Any) -> str | None:
    """Return `value` if it is a video id: eleven letters, digits, hyphens or underscores."""
    return value if isinstance(value, str) and _VIDEO_ID.fullmatch(value) else None


def whole(value: Any) -> int | None:
    """Read a count given as number or digits. None for anything else, for a negative one and beyond 64 bits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


def find_key(value: Any, key: str, budget: int = 2000) -> Any:
    """Return the first value under `key`, breadth first, looking at `budget` nodes at most."""
    queue, seen = [value], 0
    while seen < len(queue) and seen < budget:
        node = queue[seen]
        seen += 1
        if isinstance(node, dict):
            if key in node:
                return node[key]
            queue.extend(node.values())
        elif isinstance(node, list):
            queue.extend(node[:budget])
    return None
