"""What replays give: the name of their results, and how the answers moved against each stored player."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.playback.window_replay import differing_figures

StoredRow = Mapping[str, Any]
Pair = tuple[StoredRow, PlaybackResult]


@dataclass(slots=True)
class ReplaySummary:
    """How the answers moved against what was stored before, of every player that was."""

    name: str
    measurements: int = 0
    without_trace: int = 0
    added: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list)
    pairs: dict[str, list[Pair]] = field(default_factory=dict)  # by the stored player

    def compare(self, measurement: int, stored: StoredRow, result: PlaybackResult) -> None:
        """Count a result of a name that is stored already: it came out the same, or which figures did not."""
        different = differing_figures(result, stored)
        if different:
            self.different.append(f"measurement {measurement}, window {result.place}: {', '.join(different)}")
        else:
            self.same += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON: against each stored player, before and after."""
        return {
            "name": self.name,
            "measurements": self.measurements,
            "without_trace": self.without_trace,
            "added": self.added,
            "same": self.same,
            "different": self.different,
            "compared_with": sorted(self.pairs),
            "against": {name: _figures(pairs) for name, pairs in sorted(self.pairs.items())},
        }


def _figures(pairs: Sequence[Pair]) -> dict[str, list[Any]]:
    """Return each figure of the stored rows and of the results; the medians are of all sessions, as in a report."""
    before = [row for row, _ in pairs]
    after = [result for _, result in pairs]
    return {
        "windows": [len(before), len(after)],
        "started": [sum(bool(row["is_started"]) for row in before), sum(result.is_started for result in after)],
        "startup_median_s": [
            _median([(row["startup_delay_s"], row["horizon_s"]) for row in before]),
            _median([(result.startup_delay_s, result.horizon_s) for result in after]),
        ],
        "stalls_mean": [
            _mean([row["stall_count"] for row in before]),
            _mean([result.stall_count for result in after]),
        ],
        "stalled_mean_s": [
            _mean([row["stalled_s"] for row in before]),
            _mean([result.stalled_s for result in after]),
        ],
    }


def _median(sessions: Sequence[tuple[float | None, float | None]]) -> float | None:
    """Return the delay by which half of the sessions had started; one that did not was over at its horizon."""
    delays = [
        Delay(horizon_s or 0.0, False) if delay_s is None else Delay(delay_s, True) for delay_s, horizon_s in sessions
    ]
    found = incidence_quantile(incidence_curve(delays), 0.5)
    return None if found is None else round(found, 3)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 3) if known else None


def result_name(player: str, changes: Mapping[str, float]) -> str:
    """Return the name that results are stored under: the player, and what was changed."""
    return " ".join([player, *(f"{name}={value:g}" for name, value in sorted(changes.items()))])
