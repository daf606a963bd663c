"""What replays give: the name of their results, the stored row to compare each with, and how the answers moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from pytomo_scrapy.items import PlaybackResult, headline_player
from pytomo_scrapy.measure.playback.window_replay import differing_figures

StoredRow = Mapping[str, Any]


@dataclass(slots=True)
class ReplaySummary:
    """How the answers moved against what was stored before."""

    name: str
    measurements: int = 0
    without_trace: int = 0
    added: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list)
    pairs: list[tuple[StoredRow, PlaybackResult]] = field(default_factory=list)

    def compare(self, measurement: int, stored: StoredRow, result: PlaybackResult) -> None:
        """Count a result of a name that is stored already: it came out the same, or which figures did not."""
        different = differing_figures(result, stored)
        if different:
            self.different.append(f"measurement {measurement}, window {result.place}: {', '.join(different)}")
        else:
            self.same += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        before = [row for row, _ in self.pairs]
        after = [result for _, result in self.pairs]
        return {
            "name": self.name,
            "measurements": self.measurements,
            "without_trace": self.without_trace,
            "added": self.added,
            "same": self.same,
            "different": self.different,
            "compared_with": sorted({row["player"] for row in before}),
            "started": [sum(bool(row["is_started"]) for row in before), sum(result.is_started for result in after)],
            "startup_median_s": [
                _median([row["startup_delay_s"] for row in before]),
                _median([result.startup_delay_s for result in after]),
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


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 3) if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 3) if known else None


def result_name(player: str, changes: Mapping[str, float]) -> str:
    """Return the name that results are stored under: the player, and what was changed."""
    return " ".join([player, *(f"{name}={value:g}" for name, value in sorted(changes.items()))])


def row_to_compare(rows: Sequence[StoredRow], player: str) -> StoredRow | None:
    """Return the stored row of a window to compare with: the player's own, else the headline's."""
    by_name = {row["player"]: row for row in rows}
    chosen = player if player in by_name else headline_player(by_name)
    return by_name[chosen] if chosen else None
