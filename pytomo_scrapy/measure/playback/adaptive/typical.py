"""The most typical of several replays: two runs of one player on one line differ, and so do two replays.

Some sessions are chaotic: a few milliseconds flip a decision, and everything after it is another story. One replay may
then be any of these stories. Several with slightly other beginnings and rates are played, and the one that is most like
the others is the answer: by the squares of its distances, so that it lies near the middle of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

# How far two runs of one browser lie apart in the recorded sessions, about: so much of each figure weighs alike.
STARTUP_S = 0.4
STALLS = 0.15
STALLED_S = 0.8
BITRATE_LOG = 0.1
RUNG_SHARE = 0.1


def mean_bitrate_bps(playback: AdaptivePlayback, ladder: Ladder) -> float | None:
    """Return the rungs' bitrates weighted by the time that each was played. None where nothing was."""
    played_s = sum(playback.played_by_rung_s.values())
    if not played_s:
        return None
    weighted = sum(ladder.video[rung].bitrate_bps * time_s for rung, time_s in playback.played_by_rung_s.items())
    return weighted / played_s


def distance(one: AdaptivePlayback, other: AdaptivePlayback, ladder: Ladder, horizon_s: float) -> float:
    """Return how unlike two playbacks are: 0 the same."""
    startups = [horizon_s if playback.started_s is None else playback.started_s for playback in (one, other)]
    stalled = [sum(stall.duration_s for stall in playback.stalls) for playback in (one, other)]
    bitrates = [mean_bitrate_bps(playback, ladder) or ladder.video[0].bitrate_bps for playback in (one, other)]
    return (
        abs(startups[0] - startups[1]) / STARTUP_S
        + abs(len(one.stalls) - len(other.stalls)) / STALLS
        + abs(stalled[0] - stalled[1]) / STALLED_S
        + abs(math.log(bitrates[0] / bitrates[1])) / BITRATE_LOG
        + _share_distance(one.played_by_rung_s, other.played_by_rung_s) / RUNG_SHARE
    )


def _share_distance(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    totals = [sum(times.values()) for times in (one, other)]
    if not all(totals):
        return 0.0 if not any(totals) else 1.0
    rungs = {*one, *other}
    return sum(abs(one.get(rung, 0.0) / totals[0] - other.get(rung, 0.0) / totals[1]) for rung in rungs) / 2


def most_typical(playbacks: Sequence[AdaptivePlayback], ladder: Ladder, horizon_s: float) -> AdaptivePlayback:
    """Return the playback whose squared distances to all others are the least; of several, the first."""
    return min(
        playbacks,
        key=lambda playback: sum(distance(playback, other, ladder, horizon_s) ** 2 for other in playbacks),
    )


def are_alike(playbacks: Sequence[AdaptivePlayback], ladder: Ladder, horizon_s: float) -> bool:
    """Tell whether they are one story: no two of them further apart than two runs of one browser in one figure."""
    return all(distance(one, other, ladder, horizon_s) <= 1.0 for one, other in combinations(playbacks, 2))
