"""How a replay moved the answers: against every stored player, over all sessions."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.analysis.replay_summary import ReplaySummary
from tests.factories import make_playback


def stored(player: str, startup_delay_s: float | None) -> dict[str, Any]:
    return {
        "player": player, "is_started": startup_delay_s is not None, "startup_delay_s": startup_delay_s,
        "horizon_s": 30.0, "stall_count": 0, "stalled_s": 0.0,
    }  # fmt: skip


def test_median_counts_the_sessions_that_did_not_start() -> None:
    # 5 windows: before, 3 of them start at 1, 2 and 3 s; half of all 5 had started at 3 s, of those that did at 2 s.
    summary = ReplaySummary("shaka")
    started = [(1.0, 1.5), (2.0, 2.5), (3.0, None), (None, None), (None, None)]
    for before, after in started:
        result = make_playback(player="shaka", startup_delay_s=after, is_started=after is not None)
        summary.pairs.setdefault("dashjs", []).append((stored("dashjs", before), result))
    figures = summary.to_dict()["against"]["dashjs"]
    assert figures["started"] == [3, 2]
    assert figures["startup_median_s"] == [3.0, None]


def test_every_stored_player_is_compared_with() -> None:
    summary = ReplaySummary("shaka")
    for player in ("classic", "dashjs", "youtube"):
        summary.pairs.setdefault(player, []).append((stored(player, 1.0), make_playback(player="shaka")))
    assert summary.to_dict()["compared_with"] == ["classic", "dashjs", "youtube"]
