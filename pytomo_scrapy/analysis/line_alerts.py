"""Which lines are in trouble by which threshold, and what has changed since the last look. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytomo_scrapy.analysis.line_health import Line
from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.items.in_words import duration

# Shares and medians of fewer sessions are the luck of single videos.
LEAST_SESSIONS = 10


@dataclass(frozen=True, slots=True)
class LineAlert:
    """One figure of one line that is beyond its threshold."""

    vantage: str
    provider: str
    what: str  # silence, startup, stalls, refusals or data cap
    value: float  # infinite where fewer than half of the sessions started
    threshold: float
    sentence: str

    @property
    def key(self) -> str:
        """What is the same at the next look while the trouble lasts."""
        return "\t".join((self.vantage, self.provider, self.what))

    def to_dict(self) -> dict[str, Any]:
        """Return the alert as JSON values; an infinite value is None."""
        return {**asdict(self), "value": self.value if math.isfinite(self.value) else None}


def alerts_of_lines(lines: Iterable[Line], config: AlertConfig) -> list[LineAlert]:
    """Return what is beyond a threshold now. A threshold of 0 raises nothing."""
    return [
        LineAlert(line.vantage, line.provider, what, value, threshold, f"{_name(line)} {words}")
        for line in lines
        for what, value, threshold, words in _checks(line, config)
        if threshold > 0 and value is not None and value > threshold
    ]


def _name(line: Line) -> str:
    return f"{line.vantage} ({line.provider})" if line.provider else line.vantage


def _checks(line: Line, config: AlertConfig) -> Iterator[tuple[str, float | None, float, str]]:
    is_known = line.session_count >= LEAST_SESSIONS
    # Fewer than half started: longer than any threshold.
    startup_s = float("inf") if line.startup_median_s is None else line.startup_median_s
    startup = "too late or never" if line.startup_median_s is None else f"after {startup_s:.1f} s"
    why = f"; most bad sessions were put down to: {line.main_cause.replace('_', ' ')}" if line.main_cause else ""
    yield "silence", line.silent_s, config.silence_s, f"has not measured for {duration(line.silent_s or 0)}"
    yield "startup", startup_s if is_known else None, config.startup_s, f"starts half of its videos {startup}{why}"
    stalls = line.stall_share if is_known else None
    yield "stalls", stalls, config.stall_share, f"stalls in {stalls or 0:.0%} of its sessions{why}"
    refusals = line.refusal_share
    yield "refusals", refusals, config.refusal_share, f"is refused {refusals or 0:.0%} of its videos by the service"
    cap = line.cap_share
    yield "data cap", cap, config.cap_share, f"has used {cap or 0:.0%} of the day's data cap"


def changes(before: Iterable[str], now: Sequence[LineAlert]) -> tuple[list[LineAlert], list[str]]:
    """Return the alerts that are new, and the keys of those that are over."""
    known, standing = set(before), {alert.key for alert in now}
    return [alert for alert in now if alert.key not in known], sorted(known - standing)
