"""Play a simulated player from arrivals alone: no media file, no database, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import inf
from numbers import Real
from pathlib import Path

from pytomo_scrapy.exchange.trace_files import read_ladder
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import Ladder, MediaTimeline, PlaybackResult
from pytomo_scrapy.measure.media.steady import steady_ladder, steady_timeline
from pytomo_scrapy.measure.playback.adaptive_result import LadderSource
from pytomo_scrapy.measure.playback.simulation import PLAYERS, StreamTrace, simulate_playback

SEGMENT_S = 5.0
_BEYOND_S = 600.0  # media that a stream without a length has more than what arrived


def simulate(
    player: str,
    arrivals: Iterable[tuple[float, int]],
    ladder_or_bitrate: float | Sequence[float] | Ladder | str | Path,
    *,
    parameters: Mapping[str, float] | None = None,
    window_s: float | None = None,
    duration_s: float | None = None,
    segment_s: float = SEGMENT_S,
) -> PlaybackResult:
    """Simulate `player` on what had arrived of a video.

    `arrivals` are (seconds from the start, bytes that had arrived in all by then). `ladder_or_bitrate` is one bitrate
    in bits per second; or, for an adaptive player, a sequence of them, a Ladder, or a ladder's file (docs/playback.md).
    `window_s` is when the session is judged, by default at the last arrival; `duration_s` the length of the video, by
    default more than arrived; `segment_s` the length of its segments, where no ladder says it. `parameters` of the
    players are listed in docs/playback.md. Pure. Raises SettingError for an unknown player, parameter or an unusable
    number.
    """
    at_s, received = _arrived(arrivals)
    horizon_s = at_s[-1] if window_s is None else float(window_s)
    if not 0 <= horizon_s < inf:
        raise SettingError(f"window_s={window_s!r} is not usable: it must be a number of at least 0.")
    # Numbers of NumPy are real too, and what a notebook has at hand.
    if isinstance(ladder_or_bitrate, int | float | Real):
        timeline = _timeline(ladder_or_bitrate, received[-1], duration_s, segment_s)
        stream = StreamTrace(at_s, received, timeline, is_complete=received[-1] >= timeline.offset_bytes[-1])
        return simulate_playback([stream], player, parameters, horizon_s=horizon_s)
    ladder = _ladder(ladder_or_bitrate, received[-1], duration_s, segment_s)
    # With a ladder the short name can only mean the player that chooses from it.
    name = player if player.endswith("-adaptive") else f"{player}-adaptive"
    if name not in PLAYERS:
        adaptive = [one.removesuffix("-adaptive") for one in PLAYERS if one.endswith("-adaptive")]
        raise SettingError(f"The player {player!r} plays one bitrate: a ladder is for {' or '.join(adaptive)}.")
    stream = StreamTrace(at_s, received, MediaTimeline("video", "segments"))
    return simulate_playback([stream], name, parameters, horizon_s=horizon_s, source=LadderSource(ladder))


def _arrived(arrivals: Iterable[tuple[float, int]]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return when how many bytes had arrived in all. Raises SettingError."""
    # By time, and never falling: what several streams or threads noted down may be out of order.
    points = sorted(arrivals)
    if not points:
        raise SettingError("arrivals is empty: give at least one (seconds, bytes in all).")
    for point in points:
        if not all(0 <= value < inf for value in point):
            raise SettingError(f"The arrival {point!r} is not usable: seconds and bytes must be numbers of at least 0.")
    return tuple(float(t_s) for t_s, _ in points), tuple(accumulate((int(count) for _, count in points), max))


def _timeline(bitrate_bps: float, received_bytes: int, duration_s: float | None, segment_s: float) -> MediaTimeline:
    try:
        media_s = duration_s if duration_s is not None else received_bytes * 8 / bitrate_bps + _BEYOND_S
        return steady_timeline(float(bitrate_bps), media_s, segment_s)
    except (ValueError, ZeroDivisionError) as error:
        raise SettingError(f"A bitrate of {bitrate_bps!r} bit/s cannot be played: {error}.") from None


def _ladder(
    given: Sequence[float] | Ladder | str | Path, received_bytes: int, duration_s: float | None, segment_s: float
) -> Ladder:
    if isinstance(given, Ladder):
        return given
    try:
        if isinstance(given, str | Path):
            return read_ladder(Path(given))
        # As long as at the lowest rate: media must not end before what arrived is played, whichever rate is chosen.
        rates = sorted(float(rate_bps) for rate_bps in given)
        media_s = duration_s if duration_s is not None else received_bytes * 8 / rates[0] + _BEYOND_S
        return steady_ladder(rates, media_s, segment_s)
    except OSError as error:
        raise SettingError(f"The ladder {given} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        raise SettingError(f"{given!r} is neither a bitrate nor a ladder ({error}).") from None
