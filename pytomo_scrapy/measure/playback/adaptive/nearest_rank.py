"""A player that takes the highest rung under a percentile of its last downloads, as the service's own declares to do.

The rate of each of the last segments is kept; the estimate is the value of the percentile's nearest rank, times a
factor. Sound keeps its best rung: the service offers hardly more than one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytomo_scrapy.items import Ladder, MediaTrack
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Command, Transfer
from pytomo_scrapy.measure.playback.adaptive.adaptive_playhead import AdaptivePlayhead, element_rule
from pytomo_scrapy.measure.playback.adaptive.dashjs_rules import highest_rung
from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

INFINITE = float("inf")


def nearest_rank(values: Sequence[float], percentile: float) -> float:
    """Return the smallest value that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(percentile * len(values)) - 1)]


class NearestRankRules:
    """The estimate and the rung that follows from it. Pure: the same calls give the same answers."""

    def __init__(self, bitrates: Sequence[float], parameters: Mapping[str, float]) -> None:
        self._bitrates = bitrates
        self._parameters = parameters
        self._rates: deque[float] = deque(maxlen=max(1, int(parameters["estimate_window"])))

    def add_sample(self, size_bytes: int, duration_s: float) -> None:
        """Take note of a segment's bytes and the time from its first byte to its last."""
        if duration_s > 0:
            self._rates.append(8 * size_bytes / duration_s)

    def rate_bps(self) -> float:
        """Return the estimate; before the first segment, the rate to begin with."""
        if not self._rates:
            return self._parameters["first_rate_bps"]
        return nearest_rank(self._rates, self._parameters["estimate_percentile"]) * self._parameters["estimate_factor"]

    def rung(self, beside_bps: float) -> int:
        """Return the highest rung that leaves `beside_bps` for the sound."""
        return highest_rung(self._bitrates, self.rate_bps() - beside_bps)


@dataclass(slots=True)
class RankStream:
    """What the player knows of one kind."""

    kind: str
    tracks: Sequence[MediaTrack]
    timer_s: float
    rung: int = 0
    initialised_rung: int | None = None
    running: Transfer | None = None
    begun_s: float = 0.0
    end_s: float = 0.0  # media seconds fetched


class NearestRankPlayer:
    """The player over a ladder; see `AdaptivePlayer` for how it is driven."""

    def __init__(self, ladder: Ladder, parameters: Mapping[str, float]) -> None:
        self._parameters = parameters
        self._rules = NearestRankRules([track.bitrate_bps for track in ladder.video], parameters)
        buffers = {kind: MediaBuffer() for kind in ladder.kinds}
        self.playhead = AdaptivePlayhead(element_rule(parameters), buffers, ladder.duration_s)
        self._streams = {kind: RankStream(kind, ladder.rungs(kind), parameters["prepare_s"]) for kind in ladder.kinds}
        if "audio" in self._streams:
            self._streams["audio"].rung = len(ladder.audio) - 1
        self._next_id = 0
        self._requested_bytes = 0

    def wake_s(self) -> float:
        """Return when it wants to be woken at the latest."""
        return min(self.playhead.ready_s, *(stream.timer_s for stream in self._streams.values()))

    def wake(self, now_s: float) -> Sequence[Command]:
        """Let each kind whose time has come ask for its next segment, and for its header first."""
        self.playhead.advance(now_s)
        commands: list[Command] = []
        for stream in self._streams.values():
            if stream.timer_s <= now_s and stream.running is None:
                stream.timer_s = INFINITE
                transfer = self._next(stream, now_s)
                if transfer is not None:
                    stream.running = transfer
                    commands.append(transfer)
        return commands

    def first_byte(self, transfer: Transfer, now_s: float) -> None:
        """Take note that the answer to a request has begun."""
        self._streams[transfer.kind].begun_s = now_s

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> bool:
        """Take note of nothing: whole segments count."""
        return False

    def completed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        """Append a segment, and take its rate."""
        self.playhead.advance(now_s)
        stream = self._streams[transfer.kind]
        if transfer != stream.running:
            return
        stream.running = None
        self._requested_bytes += received_bytes
        if transfer.number is None:
            stream.initialised_rung, stream.timer_s = transfer.rung, now_s
            return
        segment = stream.tracks[transfer.rung].segments[transfer.number]
        self._rules.add_sample(received_bytes, now_s - stream.begun_s)
        self.playhead.append(stream.kind, Piece(segment.start_s, segment.end_s, transfer.rung))
        stream.end_s = segment.end_s
        stream.timer_s = now_s + self._parameters["request_gap_s"]

    def close(self, now_s: float) -> AdaptivePlayback:
        """End at `now_s`."""
        shown = self.playhead.close(now_s)
        shown.requested_bytes = self._requested_bytes
        return shown

    def _next(self, stream: RankStream, now_s: float) -> Transfer | None:
        parameters = self._parameters
        grown_s = parameters["readahead_min_s"] + parameters["readahead_growth"] * self.playhead.media_s
        goal_s = min(grown_s, parameters["readahead_max_s"], parameters["readahead_target_s"])
        # Never less than a threshold: else it would wait for ever for media that it does not fetch.
        goal_s = max(goal_s, parameters["start_buffer_s"], parameters["resume_buffer_s"])
        if self.playhead.level_s(stream.kind) >= goal_s:
            stream.timer_s = now_s + parameters["poll_s"]
            return None
        if stream.kind == "video":
            audio = self._streams.get("audio")
            stream.rung = self._rules.rung(audio.tracks[audio.rung].bitrate_bps if audio else 0.0)
        track = stream.tracks[stream.rung]
        if stream.initialised_rung != stream.rung:
            return self._transfer(stream, "init", None, track.init_bytes)
        number = track.number_at(stream.end_s + 1e-3)
        return None if number is None else self._transfer(stream, "segment", number, track.segment_bytes(number))

    def _transfer(self, stream: RankStream, part: str, number: int | None, size_bytes: int) -> Transfer:
        self._next_id += 1
        return Transfer(self._next_id, stream.kind, stream.rung, part, number, max(1, size_bytes))
