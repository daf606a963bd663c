"""What pandas computes of an export of the wide table, for `agreement.py`: no figure here is the product's."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.failures import is_for_good

BIN = 0.011  # quantiles are of bins of 1 %
# Of a figure that each player has its own value of, the export holds the headline's.
FILTERS = [name for name in DIMENSIONS if name not in {"player", "study", "arm", "cause", "symptom"}]
# The family that rows are chosen by is that of the window first; `address_family` of an export is the resolution's.
COLUMNS = {name: dimension.column for name, dimension in DIMENSIONS.items()} | {"family": "family"}


def selections(rows: Any, chance: random.Random, count: int) -> Iterator[dict[str, str]]:
    """Choose periods and filters, as an address has them; across changes, whose runs no column of an export names."""
    first, last = int(rows.started_s.min()), int(rows.started_s.max()) + 1
    for _ in range(count):
        start_s = first + chance.randrange(last - first - 3600)
        chosen = {"from": str(start_s), "to": str(start_s + chance.randrange(3600, last - first)), "eras": "all"}
        chosen["rows"] = chance.choice(["valid", "valid", "all"])
        chosen["ad_hoc"] = chance.choice(["without", "with"])
        for name in chance.sample(FILTERS, chance.choice([0, 1, 1, 2])):
            known = sorted({text_of(value) for value in rows[COLUMNS[name]].dropna().unique()})
            if known:
                chosen[name] = chance.choice(known)
        yield chosen


def text_of(value: Any) -> str:
    """Return a value as an address has it: pandas reads whole numbers beside empty cells as floats."""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def chosen_rows(rows: Any, chosen: dict[str, str], *, every: bool = False) -> Any:
    """Return the rows of a selection; `every`: failed ones too."""
    mask = (rows.started_s >= int(chosen["from"])) & (rows.started_s < int(chosen["to"]))
    if chosen["rows"] == "valid" and not every:
        mask &= rows.is_valid == 1
    for name in set(chosen) & set(DIMENSIONS):
        column = rows[COLUMNS[name]]
        mask &= column.map(text_of, na_action="ignore") == chosen[name]
    # Where a period has none but single ones, or one run is asked for, they count.
    period = rows[(rows.started_s >= int(chosen["from"])) & (rows.started_s < int(chosen["to"]))]
    for name in {"vantage", "provider"} & set(chosen):
        period = period[period[COLUMNS[name]].map(text_of, na_action="ignore") == chosen[name]]
    if chosen["ad_hoc"] == "without" and "run" not in chosen and not flags(period).all():
        mask &= ~flags(rows)
    return rows[mask]


def flags(rows: Any) -> Any:
    """Return which rows are single measurements."""
    return rows.is_ad_hoc.astype(str).str.lower().isin(["true", "1", "1.0"])


def started_by(sessions: Any) -> list[tuple[float, float]]:
    """Return (delay, share of all sessions that had started by then): Aalen and Johansen, row by row."""
    events = []
    for row in sessions[["startup_delay_s", "failure", "download_s", "waited_s"]].itertuples(index=False):
        if row.startup_delay_s == row.startup_delay_s:
            events.append((row.startup_delay_s, 0))
        elif isinstance(row.failure, str) and is_for_good(row.failure):
            events.append((row.download_s if row.download_s == row.download_s else 0.0, 1))
        else:
            events.append((row.waited_s, 2))
    events.sort()
    at_risk, waiting, total, curve = len(events), 1.0, 0.0, []
    place = 0
    while place < len(events):
        seconds = events[place][0]
        kinds = [kind for at, kind in events[place:] if at == seconds]
        total += waiting * kinds.count(0) / at_risk
        waiting *= 1 - (kinds.count(0) + kinds.count(1)) / at_risk
        at_risk -= len(kinds)
        place += len(kinds)
        if kinds.count(0):
            curve.append((seconds, total))
    return curve


def half_of(curve: list[tuple[float, float]]) -> float | None:
    """Return when half had started."""
    return next((seconds for seconds, share in curve if share >= 0.5 - 1e-12), None)


def lower(values: Any) -> float | None:
    """Return the median that is one of the values."""
    return float(values.quantile(0.5, interpolation="lower")) if len(values) else None


def figures_of(frame: Any) -> dict[str, tuple[int, float | None, float]]:
    """Return n, value and tolerance of every headline figure."""
    sessions = frame[frame.is_session == 1]
    started = sessions[sessions.is_started == 1]
    methods = frame.ping_method.value_counts()
    most = max((name for name in methods.index if methods[name] == methods.max()), default=None)
    rtt = frame[frame.ping_method == most].rtt_min_s.dropna()
    stalled, played = frame.stalled_s.fillna(0).sum(), frame.played_s.fillna(0).sum()
    found = {
        "never_started": (len(sessions), mean_of(sessions.is_started == 0), 1e-9),
        "startup": (len(sessions), half_of(started_by(sessions)), BIN),
        "with_stalls": (len(started), mean_of(started.has_stall), 1e-9),
        "stall_ratio": (len(started), float(stalled / (stalled + played)) if stalled + played else None, 1e-9),
        "delivery": (len(frame.delivery_bps.dropna()), lower(frame.delivery_bps.dropna()), BIN),
        "rtt": (len(rtt), lower(rtt), BIN),
        "loaded_rtt": (len(frame.loaded_rtt_s.dropna()), lower(frame.loaded_rtt_s.dropna()), BIN),
        "mos": known_mean(frame.mos_stalling_hossfeld2011),
    }
    return found | {name: known_mean(frame[name]) for name in frame.columns if re.fullmatch(r"plays_\d+p", name)}


def mean_of(values: Any) -> float | None:
    """Return the mean, None of nothing."""
    return float(values.mean()) if len(values) else None


def known_mean(values: Any) -> tuple[int, float | None, float]:
    """Return n, mean and tolerance of what is known."""
    return len(values.dropna()), mean_of(values.dropna()), 1e-9
