"""What all player models share: their input, their output, and the steps of bytes and media time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytomo_scrapy.items import Interval, Ladder, MediaTimeline
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class StreamTrace:
    """The arrivals of one media stream in a window, and its media time. `is_complete`: the whole file arrived.

    `no_demand_s` are the (start, end) times in which a paced window asked for nothing.
    """

    arrival_s: Sequence[float]
    arrival_bytes: Sequence[int]
    timeline: MediaTimeline
    is_complete: bool = False
    no_demand_s: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What a window shows of its line besides the arrivals.

    `round_trip_s` is that without load; None: half of the time to the first byte. `probes` are (sent_s, round_trip_s)
    of small packets while media came; none: how much may wait before the line is assumed.
    """

    round_trip_s: float | None = None
    probes: Sequence[tuple[float, float]] = ()


UNKNOWN_LINE = LineFacts()


@dataclass(frozen=True, slots=True)
class PlayerParameter:
    """A player's parameter: its default value, its unit, its meaning and its source."""

    default: float
    unit: str
    help: str
    source: str


@dataclass(slots=True)
class PlaybackTrace:
    """What a player did, on the window's clock. `end_s` is when the video ended, None where it did not."""

    started_s: float | None = None
    stalls: list[Interval] = field(default_factory=list)
    freezes: list[Interval] | None = None
    end_s: float | None = None
    played_s: float = 0.0
    initial_buffer_s: float | None = None
    buffer_end_s: float | None = None
    is_identifiable: bool = True


PlayerRule = Callable[[Sequence[StreamTrace], Mapping[str, float], float], PlaybackTrace]
# Makes the machine (`adaptive/adaptive_player.py`) that plays a ladder by parameters.
MakePlayer = Callable[[Ladder, Mapping[str, float]], Any]
# Plays a ladder over what the line carried: (streams, ladder, parameters, horizon, what else is known of the line).
LadderRule = Callable[[Sequence[StreamTrace], Ladder, Mapping[str, float], float, LineFacts], AdaptivePlayback]


@dataclass(frozen=True, slots=True)
class ClientParameters:
    """The parameters that a client of the service is known to be given, and where that was read."""

    values: Mapping[str, float]
    source: str


@dataclass(frozen=True, slots=True)
class Player:
    """A named rule with its parameters. Its module declares it as `PLAYER`, and says in its docstring how it plays.

    `run` plays the streams that were fetched; `adapt`, of an adaptive player, chooses among a ladder instead.

    `declared` returns the parameters in what the service declares of its player (`ResolveResult.player_config`); what
    is left out there is that of `by_client`, else the default. None: the player's parameters are its own.
    `extractor` is yt-dlp's name of the service that plays so: every window of it is played by this player too.
    """

    name: str
    run: PlayerRule | None
    parameters: Mapping[str, PlayerParameter]
    is_validated: bool = False  # compared with a real browser
    declared: Callable[[Mapping[str, Any] | None], Mapping[str, float]] | None = None
    by_client: Mapping[str, ClientParameters] = field(default_factory=dict)
    extractor: str | None = None
    adapt: LadderRule | None = None
    make: MakePlayer | None = None  # of an adaptive player: the machine that a replay, or a live window, drives


def declared_number(value: object, scale: float = 1000.0) -> float | None:
    """Return a declared number divided by `scale` (ms to s). None where it is none that a player could play by."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # An hour of milliseconds is more than any player waits for or holds; infinity and NaN fail the comparison too.
    return value / scale if 0 <= value <= 3_600_000 else None


@dataclass(frozen=True, slots=True)
class MediaSteps:
    """Media seconds complete over time: from `at_s[i]` on, `complete_s[i]` seconds can be played."""

    at_s: Sequence[float]
    complete_s: Sequence[float]
    end_s: float | None  # length of the video, where all of it arrived

    def complete_at(self, t_s: float) -> float:
        """Return the seconds complete at time `t_s`."""
        count = bisect_right(self.at_s, t_s)
        return self.complete_s[count - 1] if count else 0.0


def bytes_at(stream: StreamTrace, t_s: float) -> int:
    """Return how many bytes of the stream had arrived at `t_s`."""
    count = bisect_right(stream.arrival_s, t_s)
    return stream.arrival_bytes[count - 1] if count else 0


def stream_steps(stream: StreamTrace, horizon_s: float, block_bytes: int = 1) -> list[tuple[float, float]]:
    """Return (time, media seconds complete) steps of one stream; bytes count in whole blocks, and at the file's end."""
    offsets, seconds = stream.timeline.offset_bytes, stream.timeline.complete_s
    at_s, counts = stream.arrival_s, stream.arrival_bytes
    steps: list[tuple[float, float]] = []
    last = counts[-1] if counts and stream.is_complete else -1
    packet = arrival = 0
    # From one wanted packet to the arrival that completes it: a search each, not a look at every arrival.
    while packet < len(offsets):
        wanted = -(-offsets[packet] // block_bytes) * block_bytes
        if last >= offsets[packet]:
            wanted = min(wanted, last)
        arrival = bisect_left(counts, wanted, arrival)
        if arrival == len(counts) or at_s[arrival] > horizon_s:
            break
        usable = counts[arrival] if counts[arrival] == last else counts[arrival] - counts[arrival] % block_bytes
        packet = bisect_right(offsets, usable, packet)
        steps.append((at_s[arrival], seconds[packet - 1]))
    return steps


def media_received_s(stream: StreamTrace, horizon_s: float) -> float:
    """Return the media seconds of one stream that were complete at `horizon_s`."""
    count = bisect_right(stream.timeline.offset_bytes, bytes_at(stream, horizon_s))
    return stream.timeline.complete_s[count - 1] if count else 0.0


def media_steps(streams: Sequence[StreamTrace], horizon_s: float, block_bytes: int = 1) -> MediaSteps:
    """Return the media seconds that all streams have, over time."""
    steps_of_streams = [stream_steps(stream, horizon_s, block_bytes) for stream in streams]
    events = sorted((t_s, index, value) for index, steps in enumerate(steps_of_streams) for t_s, value in steps)
    level = [0.0] * len(streams)
    at_s: list[float] = []
    complete_s: list[float] = []
    for t_s, index, value in events:
        level[index] = value
        lowest = min(level)
        if not complete_s or lowest > complete_s[-1]:
            at_s.append(t_s)
            complete_s.append(lowest)
    ends = [stream.timeline.complete_s[-1] for stream in streams if stream.is_complete and stream.timeline.complete_s]
    has_all = len(ends) == len(streams) and bool(streams) and all(level[i] >= end for i, end in enumerate(ends))
    return MediaSteps(at_s, complete_s, min(ends) if has_all else None)
