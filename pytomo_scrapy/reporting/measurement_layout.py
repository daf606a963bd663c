"""Layout of a measurement, stage by stage: which tables, which columns, each cell as a person reads it.

Terminal and page draw them; neither formats a figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.stored import rows_of
from pytomo_scrapy.reporting.format import NOTHING, megabits, megabytes, milliseconds, percent, readable, seconds
from pytomo_scrapy.reporting.tables import TableLayout, as_it_is, laid_out

# Rows of the item with a layout of their own (on the page alone: networks).
_LAID_OUT = frozenset({"networks", "autopsies"})


def measurement_tables(record: Mapping[str, Any]) -> list[TableLayout]:
    """Lay out one measurement, stage by stage, as `Repository.measurement` gives it."""
    return [
        _lookups(record.get("dns_lookups", [])),
        _pings(record.get("pings", [])),
        *further_tables(record),
        _windows(record.get("downloads", [])),
        _playbacks(record.get("playbacks", [])),
    ]


def further_tables(record: Mapping[str, Any]) -> list[TableLayout]:
    """Lay out, column by column, the rows of probes that have no layout of their own, as a new one."""
    # From the item itself: a new probe is shown before anybody has laid it out.
    found = {rows.field: record.get(rows.field) for rows in rows_of(VideoItem) if rows.field not in _LAID_OUT}
    return [laid_out(readable(name).capitalize(), tuple(one[0]), [map(as_it_is, row.values()) for row in one])
            for name, one in found.items() if one]  # fmt: skip


def _lookups(lookups: Sequence[Mapping[str, Any]]) -> TableLayout:
    rows = [
        (
            one["resolver"],
            one["host"],
            one["record_type"],
            milliseconds(one["elapsed_s"]),
            ", ".join(one.get("addresses") or []) or one["failure"] or NOTHING,
        )
        for one in lookups
    ]
    return laid_out("Name look-ups (DNS)", ("resolver", "host", "type", "time", "answer"), rows)


def _pings(pings: Sequence[Mapping[str, Any]]) -> TableLayout:
    rows = [
        (
            one["address"],
            one["method"] or one["failure"],
            f"{one['received_count']}/{one['sent_count']}",
            *(milliseconds(one[f"rtt_{name}_s"]) for name in ("min", "avg", "max", "stddev")),
        )
        for one in pings
    ]
    return laid_out("Idle round trips", ("address", "method", "replies", "min", "avg", "max", "stddev"), rows)


def _windows(downloads: Sequence[Mapping[str, Any]]) -> TableLayout:
    rows = [
        (
            one["host"],
            one["address"],
            one["mode"],
            megabytes(one["received_bytes"]),
            seconds(one["first_byte_s"]),
            megabits(one["delivery_bps"]),
            megabits(one["bin_min_bps"]),
            megabits(one["bin_max_bps"]),
            one["failure"] or one["ended_by"],
        )
        for one in downloads
        # A window that never opened has its failure in the verdict, and nothing to show here.
        if one["window_s"] is not None
    ]
    columns = ("host", "address", "mode", "received", "first byte", "delivery", "1 s min", "1 s max", "ended by")
    return laid_out("Window", columns, rows)


def _playbacks(playbacks: Sequence[Mapping[str, Any]]) -> TableLayout:
    rows = [
        (
            one["player"],
            # Censored: the delay is longer than the window was, and no number says that.
            seconds(one["startup_delay_s"]) if one["is_started"] else f"not within {seconds(one['horizon_s'])}",
            one["stall_count"],
            seconds(one["stalled_s"]),
            percent(one["stall_ratio"]),
            seconds(one["played_s"]),
            seconds(one["buffer_end_s"]),
        )
        for one in playbacks
    ]
    columns = ("player", "startup", "stalls", "stalled", "ratio", "played", "buffer at end")
    return laid_out("Playback", columns, rows)
