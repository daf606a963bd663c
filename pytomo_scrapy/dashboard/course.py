"""The course of one measurement, stage by stage: how far it came, and what failed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.failures import meaning_of
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.format import NOTHING, milliseconds, readable, seconds, size

_SKIPPED = "skipped_after_"


@dataclass(frozen=True, slots=True)
class Step:
    """A stage as it went. `outcome` is done, failed or not reached."""

    name: str
    outcome: str
    words: str
    failure: str | None = None


def course(record: Mapping[str, Any]) -> list[Step]:
    """Return the stages of a measurement in their order, each window a step of its own."""
    steps = [
        _step("Media URLs", record["resolve_failure"], seconds(record["resolve_elapsed_s"])),
        _step("Name look-up", record["dns_failure"], milliseconds(record["dns_elapsed_s"])),
        _step("Ping", record["ping_failure"], _pings(record["pings"])),
    ]
    # The second is of the other transport or address family, from the same resolution.
    several = len(record["downloads"]) > 1
    for window in record["downloads"]:
        name = f"Window {window['place'] + 1}" if several else "Window"
        steps.append(_step(name, window["failure"], _window(window)))
    return steps


def first_failure(record: Mapping[str, Any]) -> str | None:
    """Say in a few words what failed first. None where nothing did."""
    failed = next((step for step in course(record) if step.outcome == "failed"), None)
    return None if failed is None else f"{failed.name.lower()} ({readable(failed.failure or '')})"


def shown_windows(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the windows in which something arrived: the others have nothing to draw."""
    return [window for window in record["downloads"] if window["received_bytes"]]


def _step(name: str, failure: str | None, words: str) -> Step:
    if failure is None:
        return Step(name, "done", words.removeprefix(NOTHING))
    # Not tried, since an earlier stage failed: its class says that and nothing of this stage.
    if failure.startswith(_SKIPPED):
        return Step(name, "not reached", "not reached")
    tried = f" ({words})" if words != NOTHING else ""
    return Step(name, "failed", f"{readable(failure)}, {meaning_of(failure)}{tried}", failure)


def _pings(pings: Sequence[Mapping[str, Any]]) -> str:
    sent = sum(ping["sent_count"] or 0 for ping in pings)
    received = sum(ping["received_count"] or 0 for ping in pings)
    return f"{received} of {counted(sent, 'probe')} answered" if pings else NOTHING


def _window(window: Mapping[str, Any]) -> str:
    """Say how far a window came, and where its first request failed."""
    parts = []
    if window["received_bytes"] is not None:
        parts.append(f"{size(window['received_bytes'])} in {seconds(window['elapsed_s'])}")
    failed = next((request for request in window["requests"] if request["failure"] is not None), None)
    if failed is not None:
        # When it began and how long it tried: the instant that it was given up.
        whole = (failed["t_s"] or 0.0) + (failed["total_s"] or 0.0)
        address = f" at {failed['address']}" if failed["address"] else ""
        parts.append(f"stream {failed['stream'] + 1} from {failed['host']}{address}, {seconds(whole)} into the window")
    return "; ".join(parts) or NOTHING
