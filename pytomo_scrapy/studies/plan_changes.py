"""What differs between two versions of a plan, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_MOST_SHOWN = 3


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each value that differs between two plans as JSON has them."""
    return [*_differences("", before, after)]


def _differences(where: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if where == "arms":
        yield from _arms(before, after)
    elif where in {"videos", "panel.videos"}:
        # The panel as it was drawn says it already where it was written out.
        if where == "videos":
            yield from _videos(before, after)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _differences(f"{where}.{name}".lstrip("."), before.get(name), after.get(name))
    else:
        yield f"{where} is {_shown(after)}, before {_shown(before)}."


def _arms(before: Any, after: Any) -> Iterator[str]:
    old, new = ({arm["name"]: arm for arm in arms} for arms in (before, after))
    for name in old:
        if name not in new:
            yield f"The arm {name!r} is gone."
    for name in new:
        if name not in old:
            yield f"The arm {name!r} is new."
        else:
            yield from _differences(f"arm {name!r}", old[name], new[name])
    # The first is what all others are compared with.
    if next(iter(new)) != next(iter(old)):
        yield f"The arms are compared with {next(iter(new))!r}, before with {next(iter(old))!r}."
    elif list(old) != list(new) and old.keys() == new.keys():
        yield "The arms are written in another order."


def _videos(before: Any, after: Any) -> Iterator[str]:
    for what, ids in (
        ("has no longer", [video for video in before if video not in set(after)]),
        ("also has", [video for video in after if video not in set(before)]),
    ):
        if ids:
            more = f" and {len(ids) - _MOST_SHOWN} more" if len(ids) > _MOST_SHOWN else ""
            yield f"The panel {what} {', '.join(ids[:_MOST_SHOWN])}{more}."
    if sorted(before) == sorted(after):
        yield "The panel is written in another order."


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
