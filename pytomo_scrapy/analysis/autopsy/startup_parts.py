"""A start taken apart: resolution, look-up, handshakes, the server's wait, slow start, transfer."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise

from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.span_facts import waiting_s
from pytomo_scrapy.items import DownloadResult

STEP_S = 0.1
# Slow start is over once a tenth of a second brings this share of what the rest of the start brings at its median.
_GROWN_RATIO = 0.8
RESOLUTION = "resolution"


def startup_parts(evidence: Evidence, end_s: float) -> Mapping[str, float]:
    """Return the seconds of each part of a start that ended `end_s` after t0, or was given up then.

    Those from `connect` on add up to `end_s`. A part that did not happen is left out; redirects count to the part that
    each of their steps is.
    """
    before = {RESOLUTION: evidence.resolve_elapsed_s, "dns": evidence.dns_elapsed_s}
    parts = {name: value for name, value in before.items() if value is not None}
    window = evidence.window
    if window is None or end_s <= 0:
        return parts
    spent = _handshakes(window, end_s)
    waited_s = min(waiting_s(window, 0.0, end_s), end_s - sum(spent.values()))
    if window.first_byte_s is None or window.first_byte_s >= end_s:
        open_step, rest_s = _open_step(window), end_s - sum(spent.values())
        return parts | spent | {open_step: spent.get(open_step, 0.0) + rest_s}
    transfer_s = max(0.0, end_s - sum(spent.values()) - waited_s)
    slow_start_s = min(transfer_s, _slow_start_s(window, end_s))
    rest = {"server_wait": waited_s, "slow_start": slow_start_s, "transfer": transfer_s - slow_start_s}
    return parts | spent | rest


def longest_part(parts: Mapping[str, float]) -> str | None:
    """Return the part that took longest, without the resolution, which is our tool's and no viewer's."""
    rest = {name: value for name, value in parts.items() if name != RESOLUTION}
    return max(rest, key=lambda name: rest[name], default=None)


def _handshakes(window: DownloadResult, end_s: float) -> dict[str, float]:
    """Return what look-ups and handshakes took of the first stream's way to its media, redirects too."""
    first = min((row.stream for row in window.requests if row.t_s is not None), default=None)
    spent: dict[str, float] = {}
    left_s = min(end_s, window.first_byte_s if window.first_byte_s is not None else end_s)
    for hop in window.requests:
        if hop.stream != first:
            continue
        for name, value in (("dns", hop.dns_s), ("connect", hop.connect_s), ("tls", hop.tls_s)):
            if value is not None and left_s > 0:
                spent[name] = spent.get(name, 0.0) + min(left_s, value)
                left_s -= min(left_s, value)
        if hop.received_bytes:
            break
    return spent


def _open_step(window: DownloadResult) -> str:
    """Return what was waited for when nothing had come: the step that the last request had begun."""
    last = window.requests[-1] if window.requests else None
    if last is None or (last.connect_s is None and last.status is None and last.first_byte_s is None):
        return "connect"
    return "tls" if last.failure is not None and last.failure.startswith("tls_") else "server_wait"


def _slow_start_s(window: DownloadResult, end_s: float) -> float:
    begin_s = window.first_byte_s or 0.0
    steps = int((end_s - begin_s) / STEP_S)
    if steps < 4:
        return 0.0
    edges = [sum(_bytes_at(s.arrival_s, s.arrival_bytes, begin_s + i * STEP_S) for s in window.streams)
             for i in range(steps + 1)]  # fmt: skip
    bins = [after - before for before, after in pairwise(edges)]
    grown = _GROWN_RATIO * statistics.median(bins[steps // 2 :])
    return next((index * STEP_S for index, count in enumerate(bins) if count >= grown), 0.0)


def _bytes_at(arrival_s: tuple[float, ...], arrival_bytes: tuple[int, ...], t_s: float) -> int:
    count = bisect_right(arrival_s, t_s)
    return arrival_bytes[count - 1] if count else 0
