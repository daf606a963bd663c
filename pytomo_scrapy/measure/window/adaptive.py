"""The demand of an adaptive window: a player that chooses its quality says what is asked for, live.

The player is the same machine that a replay drives (`measure/playback/adaptive/`); here the network answers it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, AdaptivePlayer, Held, Transfer
from pytomo_scrapy.measure.playback.adaptive_result import summed_up
from pytomo_scrapy.measure.playback.players.registry import PLAYERS
from pytomo_scrapy.measure.window.live_ladder import LivePlan
from pytomo_scrapy.measure.window.part_queue import MAX_PART_BYTES
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.rung_queue import RungQueue
from pytomo_scrapy.measure.window.stream import Stream, StreamState

LIVE = "live"  # behind the player's name
MAX_COMMAND_ROUNDS = 100  # of one moment: a player that asks for ever is a mistake


@dataclass(slots=True)
class _Running:
    transfer: Transfer
    from_bytes: int  # of the stream
    told_bytes: int = 0  # a player is told of bytes when they come, and of nothing in between, as a browser tells it
    has_begun: bool = False


class AdaptiveDemand:
    """What each stream asks for next, and when it asked for nothing."""

    def __init__(self, plan: LivePlan, player: AdaptivePlayer, streams: Sequence[Stream]) -> None:
        self._plan, self._player, self._streams = plan, player, streams
        self._by_kind = {_kind_of(stream): stream for stream in streams}
        # A player may want a header and a segment at once: here they follow each other on the stream's connection.
        self._wanted: dict[str, deque[Transfer]] = {kind: deque() for kind in self._by_kind}
        self._running: dict[str, _Running] = {}
        self._idle_from_s: list[float | None] = [None] * len(streams)
        self._idle: list[list[tuple[float, float]]] = [[] for _ in streams]
        self._queues = {kind: RungQueue() for kind in self._by_kind}
        for kind, stream in self._by_kind.items():
            stream.parts = self._queues[kind]

    def look(self, now_s: float) -> list[Stream]:
        """Tell the player what has come and let it decide. Return the streams whose request it gives up."""
        for running in self._running.values():
            self._report(running, now_s)
        given_up: list[Stream] = []
        for _ in range(MAX_COMMAND_ROUNDS):
            commands = self._player.wake(now_s)
            if not commands:
                break
            for command in commands:
                if isinstance(command, Abort):
                    given_up += self._give_up(command.transfer)
                elif isinstance(command, Held):
                    continue  # here it waits for the connection of its kind
                elif not self._take_at_once(command, now_s):
                    self._wanted[command.kind].append(command)
        return given_up

    def next_range(self, stream: Stream, now_s: float) -> tuple[int, int] | None:
        """Return what `stream` asks for at `now_s`. None while its player wants nothing."""
        kind = _kind_of(stream)
        if not self._wanted[kind]:
            if self._idle_from_s[stream.stream_index] is None:
                self._idle_from_s[stream.stream_index] = now_s
            return None
        self._end_idle(stream.stream_index, now_s)
        transfer = self._wanted[kind].popleft()
        rung = self._plan.rungs[kind][transfer.rung]
        part = rung.header if transfer.number is None else rung.segments[transfer.number]
        assert part is not None  # without one the request was answered at once
        self._queues[kind].ask(part, transfer.rung)
        self._running[kind] = _Running(transfer, stream.received_bytes)
        stream.target = read_target(part.url)
        return self._queues[kind].range() or (0, MAX_PART_BYTES - 1)

    def begun(self, stream: Stream, now_s: float) -> None:
        """Tell the player that the answer to a request has begun."""
        running = self._running.get(_kind_of(stream))
        if running is not None and not running.has_begun:
            running.has_begun = True
            self._player.first_byte(running.transfer, now_s)

    def answered(self, stream: Stream, now_s: float) -> bool:
        """Tell the player that a request is whole. False where it wants no more of it: it gave it up in a look-up."""
        running = self._running.pop(_kind_of(stream), None)
        if running is not None:
            self._player.completed(running.transfer, stream.received_bytes - running.from_bytes, now_s)
        return running is not None

    def wake_s(self) -> float:
        """Return when the player wants to look again at the latest."""
        return self._player.wake_s()

    def finish(self, now_s: float) -> list[list[tuple[float, float]]]:
        """Return for each stream the (start, end) times in which it asked for nothing, though it was not complete."""
        for stream_index in range(len(self._streams)):
            self._end_idle(stream_index, now_s)
        return self._idle

    def idle_until(self, now_s: float) -> list[list[tuple[float, float]]]:
        """Return for each stream the (start, end) times without demand so far."""
        return [
            [*spans, (began_s, now_s)] if began_s is not None else list(spans)
            for spans, began_s in zip(self._idle, self._idle_from_s, strict=True)
        ]

    def playback(self, end_s: float) -> PlaybackResult:
        """End the playback and return its figures."""
        # A replay of the same player is another row.
        name = f"{self._plan.player} {LIVE}"
        result = PlaybackResult(player=name, parameters=dict(self._plan.parameters), horizon_s=end_s)
        return summed_up(result, self._player.close(end_s), self._plan.ladder)

    def _report(self, running: _Running, now_s: float) -> None:
        stream = self._by_kind[running.transfer.kind]
        received_bytes = stream.received_bytes - running.from_bytes
        if received_bytes > running.told_bytes and running.has_begun and stream.state is StreamState.FETCHING:
            running.told_bytes = received_bytes
            self._player.progressed(running.transfer, received_bytes, now_s)

    def _take_at_once(self, transfer: Transfer, now_s: float) -> bool:
        """Answer what is there already: an index that was read before the window, a header that no segment needs."""
        is_segment = transfer.number is not None
        if is_segment or (
            transfer.part == "init" and self._plan.rungs[transfer.kind][transfer.rung].header is not None
        ):
            return False
        self._player.first_byte(transfer, now_s)
        self._player.completed(transfer, 0, now_s)
        return True

    def _give_up(self, transfer: Transfer) -> list[Stream]:
        running = self._running.get(transfer.kind)
        if running is None or running.transfer != transfer:
            if transfer in self._wanted[transfer.kind]:
                self._wanted[transfer.kind].remove(transfer)
            return []
        del self._running[transfer.kind]
        return [self._by_kind[transfer.kind]]

    def _end_idle(self, stream_index: int, now_s: float) -> None:
        began_s = self._idle_from_s[stream_index]
        if began_s is not None:
            self._idle[stream_index].append((began_s, now_s))
            self._idle_from_s[stream_index] = None


def _kind_of(stream: Stream) -> str:
    """Return what a player calls the stream's kind: where picture and sound share it, that is the picture's."""
    return "audio" if stream.media.kind == "audio" else "video"


def adaptive_demand(plan: WindowPlan, streams: Sequence[Stream]) -> AdaptiveDemand:
    """Return the demand of the plan's player."""
    assert plan.live is not None
    make = PLAYERS[plan.live.player].make
    assert make is not None
    return AdaptiveDemand(plan.live, make(plan.live.ladder, plan.live.parameters), streams)
