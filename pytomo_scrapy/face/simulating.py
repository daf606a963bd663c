"""Play a simulated player from arrivals alone: no media file, no database, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.media.steady import steady_timeline
from pytomo_scrapy.measure.playback.simulation import StreamTrace, simulate_playback

SEGMENT_S = 5.0
_BEYOND_S = 600.0  # media that a stream without a length has more than what arrived


def simulate(
    player: str,
    arrivals: Iterable[tuple[float, int]],
    bitrate_bps: float,
    *,
    parameters: Mapping[str, float] | None = None,
    window_s: float | None = None,
    duration_s: float | None = None,
    segment_s: float = SEGMENT_S,
) -> PlaybackResult:
    """Simulate `player` on arrivals of one stream with a constant bitrate.

    `arrivals` are (seconds from the start, bytes that had arrived in all by then). `window_s` is when the session is
    judged, by default at the last arrival; `duration_s` the length of the video, by default more than arrived;
    `segment_s` the length of its segments, for players that fetch segments. `parameters` of the players are listed in
    docs/playback.md. Pure. Raises SettingError for an unknown player, parameter or an unusable number.
    """
    points = sorted(arrivals)
    if not points:
        raise SettingError("arrivals is empty: give at least one (seconds, bytes in all).")
    at_s = tuple(float(t_s) for t_s, _ in points)
    received = tuple(accumulate((int(count) for _, count in points), max))
    try:
        media_s = duration_s if duration_s is not None else received[-1] * 8 / bitrate_bps + _BEYOND_S
        timeline = steady_timeline(float(bitrate_bps), media_s, segment_s)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise SettingError(f"bitrate_bps={bitrate_bps!r}, duration_s={duration_s!r}: {error}.") from None
    is_complete = received[-1] >= timeline.offset_bytes[-1]
    stream = StreamTrace(at_s, received, timeline, is_complete=is_complete)
    return simulate_playback([stream], player, parameters, horizon_s=at_s[-1] if window_s is None else window_s)
