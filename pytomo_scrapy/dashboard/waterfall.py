"""The phases of one measurement, as bars on one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_BARS = 60  # a window in segments has hundreds of requests, and a screen no room for them


@dataclass(frozen=True, slots=True)
class Phase:
    """A bar: one phase with its start and length. `share_*` are percent of the whole axis."""

    name: str
    kind: str
    start_s: float
    length_s: float
    share_start: float
    share_length: float


def phases(record: Mapping[str, Any]) -> list[Phase]:
    """Return the bars of a measurement: resolution and look-up first, then the requests of each window."""
    bars: list[tuple[str, str, float, float]] = []
    at_s = 0.0
    for name, kind, column in (
        ("Media URLs", "resolve", "resolve_elapsed_s"),
        ("Name look-up", "dns", "dns_elapsed_s"),
    ):
        length_s = record.get(column)
        if length_s is not None:
            bars.append((name, kind, at_s, length_s))
            at_s += length_s
    # Window after window, as if each began where the one before ended: what lay between them is not stored.
    for window in record["downloads"]:
        for request in window["requests"]:
            bars += _request(request, at_s, window["place"])
        at_s += window["elapsed_s"] or 0.0
    end_s = max((start + length for _, _, start, length in bars), default=0.0) or 1.0
    return [Phase(n, k, s, length, 100 * s / end_s, 100 * length / end_s) for n, k, s, length in bars[:MAX_BARS]]


def _request(request: Mapping[str, Any], at_s: float, window_index: int) -> list[tuple[str, str, float, float]]:
    bars = []
    start_s = at_s + (request["t_s"] or 0.0)
    begun_s = start_s
    name = f"Window {window_index + 1}, stream {request['stream'] + 1}" + (
        f", hop {request['hop']}" if request["hop"] else ""
    )
    steps = (("look-up", "dns", "dns_s"), ("connect", "connect", "connect_s"), ("TLS", "tls", "tls_s"))
    for word, kind, column in (*steps, ("first byte", "wait", "first_byte_s")):
        if request[column]:
            bars.append((f"{name}: {word}", kind, start_s, request[column]))
            start_s += request[column]
    # The total is of curl's clock and the steps are rounded each by itself: what is left may be nothing.
    if request["total_s"] and begun_s + request["total_s"] > start_s:
        bars.append((f"{name}: media", "media", start_s, begun_s + request["total_s"] - start_s))
    return bars
