"""An adaptive window: what a player chooses is asked for, given up and played, live."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat, MediaPart, MediaTrack
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, Command, Transfer
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.players.registry import PLAYERS
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.window import adaptive
from pytomo_scrapy.measure.window.events import Fetch, GiveUp, HostLookedUp, LookUp, Tick, TransferGivenUp
from pytomo_scrapy.measure.window.live_ladder import LivePlan, Rung, make_ladder, read_rung
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.measure.window.window_machine import DONE, HOST, T0_S, Window, make_format, redirect
from tests.measure.window.window_media import FILE, INIT_BYTES, SEGMENT_BYTES
from tests.measure.window.window_servers import BODY, Request, serving


@pytest.fixture(autouse=True)
def no_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def media(format_id: str, rate_bps: float, kind: str = "video", *, has_header: bool = True) -> MediaFormat:
    """A quality in ten segments of 4 s."""
    base = f"https://{HOST}/{format_id}"
    header = (MediaPart(f"{base}/init", 0.0, None),) if has_header else ()
    parts = (*header, *(MediaPart(f"{base}/{number}", 4.0 * number, 4.0) for number in range(10)))
    return make_format(
        kind,
        format_id=format_id,
        url=parts[0].url,
        parts=parts,
        delivery="dash",
        declared_bitrate_bps=rate_bps,
        height_px=1,
    )


def plan(*formats: MediaFormat, player: str = "dashjs-adaptive") -> LivePlan:
    rungs = [rung for one in formats if (rung := read_rung(one)) is not None]
    made = make_ladder(rungs)
    assert made is not None
    return LivePlan(*made, player, player_parameters(player))


LOW, HIGH, SOUND = media("low", 200_000), media("high", 2_000_000), media("sound", 100_000, "audio")


class Scripted:
    """Stands in for a player: each look gives the commands of the next line of its script."""

    def __init__(self, *script: Sequence[Command]) -> None:
        self._script = [list(commands) for commands in script]
        self.told: list[tuple[object, ...]] = []

    def wake_s(self) -> float:
        return math.inf

    def wake(self, now_s: float) -> Sequence[Command]:
        return self._script.pop(0) if self._script else []

    def first_byte(self, transfer: Transfer, now_s: float) -> None:
        self.told.append(("begun", transfer.transfer_id, now_s))

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        self.told.append(("came", transfer.transfer_id, received_bytes, now_s))

    def completed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        self.told.append(("whole", transfer.transfer_id, received_bytes, now_s))

    def close(self, now_s: float) -> AdaptivePlayback:
        return AdaptivePlayback(
            started_s=1.0, switches=[(1.0, 0)], played_s=now_s - 1.0, played_by_rung_s={0: now_s - 1.0}
        )


class GivesUp(Scripted):
    """Asks for a segment, gives it up once bytes of it came, and then looks whether its connection is closed."""

    def __init__(self, closed: threading.Event) -> None:
        super().__init__([segment(1, 0)])
        self._closed = closed
        self.saw_it_closed = False

    def wake(self, now_s: float) -> Sequence[Command]:
        self.saw_it_closed |= self._closed.is_set()
        return super().wake(now_s)

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        self._script = [[Abort(transfer)]]


def play_by(monkeypatch: pytest.MonkeyPatch, player: Scripted) -> None:
    found = PLAYERS["dashjs-adaptive"]
    made = type(found)(found.name, None, found.parameters, adapt=found.adapt, make=lambda *_: player)
    monkeypatch.setattr(adaptive, "PLAYERS", {"dashjs-adaptive": made})


def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, player: Scripted, *formats: MediaFormat) -> Window:
    play_by(monkeypatch, player)
    chosen = [one for one in formats if one.format_id != "high"]
    return Window(tmp_path, *chosen, mode="adaptive", live=plan(*formats))


def segment(transfer_id: int, number: int | None, rung: int = 0, kind: str = "video") -> Transfer:
    return Transfer(transfer_id, kind, rung, "segment" if number is not None else "init", number, 100)


def asked(commands: Sequence[object]) -> list[str]:
    return [c.request.hop.target.url.partition(HOST)[2] for c in commands if isinstance(c, Fetch)]


def test_window_asks_for_what_its_player_wants_and_tells_it_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Scripted([segment(1, None)], [], [segment(2, 0)], [], [], [segment(3, 1, rung=1)])
    window = opened(tmp_path, monkeypatch, player, LOW, HIGH)
    assert asked(window.opened) == []  # it is woken by the first tick
    assert asked(window.state.handle(Tick(0.01))) == ["/low/init"]
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 50")
    window.body(0.1, 50)
    assert asked(window.end(0.2)) == []
    assert asked(window.state.handle(Tick(0.3))) == ["/low/0"]
    window.head(0.4, "HTTP/1.1 200 OK", "Content-Length: 100")
    window.body(0.5, 60)
    assert window.state.handle(Tick(0.6)) == []
    window.body(0.7, 40)
    assert asked(window.end(0.8)) == []
    assert asked(window.state.handle(Tick(0.9))) == ["/high/1"]
    window.cut(30.0, 0)
    assert player.told == [
        ("begun", 1, 0.1), ("whole", 1, 50, 0.2), ("begun", 2, 0.4), ("came", 2, 60, 0.6), ("whole", 2, 100, 0.8),
    ]  # fmt: skip
    assert window.rows("segment", "rung", "received_bytes") == [(0, 1, 50), (1, 1, 100), (2, 2, 0)]
    stream = window.streams[0].close(T0_S)
    assert stream.no_demand == ((0.0, 0.01), (0.2, 0.3), (0.8, 0.9))
    assert [(one.start_byte, one.end_byte, one.duration_s, one.is_whole) for one in stream.parts] == [
        (0, 50, None, True), (50, 150, 4.0, True), (150, 150, 4.0, False),
    ]  # fmt: skip


def test_request_that_is_given_up_while_its_redirects_host_is_looked_up_costs_the_window_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = segment(1, 0, rung=1)
    player = Scripted([slow], [], [Abort(slow), segment(2, 0)])
    window = opened(tmp_path, monkeypatch, player, LOW, HIGH)
    assert asked(window.state.handle(Tick(0.01))) == ["/high/0"]
    assert redirect(window, 0.1, "https://moved.example/high/0") == [LookUp(0, "moved.example", 4)]
    assert window.state.handle(Tick(0.2)) == []
    (moved,) = window.state.handle(HostLookedUp(0.3, 0, 0.2, "192.0.2.9"))
    assert isinstance(moved, Fetch)
    window.head(0.4, "HTTP/1.1 200 OK", "Content-Length: 1000")
    window.body(0.5, 1000)
    assert asked(window.end(0.5)) == ["/low/0"]
    window.head(0.6, "HTTP/1.1 200 OK", "Content-Length: 100")
    window.body(0.7, 100)
    window.end(0.7)
    assert [call for call in player.told if call[0] == "whole"] == [("whole", 2, 100, 0.7)]
    assert [(one.start_byte, one.end_byte, one.duration_s) for one in window.streams[0].close(T0_S).parts] == [
        (0, 1000, None), (1000, 1100, 4.0),
    ]  # fmt: skip


def test_request_that_its_player_gives_up_is_ended_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = segment(1, 0, rung=1)
    player = Scripted([slow], [], [Abort(slow), segment(2, 0)], [])
    window = opened(tmp_path, monkeypatch, player, LOW, HIGH)
    assert asked(window.state.handle(Tick(0.01))) == ["/high/0"]
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 1000")
    window.body(0.2, 300)
    assert window.state.handle(Tick(0.7)) == [GiveUp(0)]
    assert asked(window.state.handle(TransferGivenUp(0.7, 0, DONE))) == ["/low/0"]
    window.head(0.8, "HTTP/1.1 200 OK", "Content-Length: 100")
    window.body(0.9, 100)
    window.end(0.9)
    window.cut(30.0)
    assert window.rows("rung", "received_bytes", "failure") == [(2, 300, None), (1, 100, None)]
    # What came of it is no media, and no time of the video.
    assert [(one.start_byte, one.end_byte, one.duration_s) for one in window.streams[0].close(T0_S).parts] == [
        (0, 300, None), (300, 400, 4.0),
    ]  # fmt: skip


def test_header_and_segment_that_are_wanted_at_once_follow_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Scripted([segment(1, None), segment(2, 0)], [])
    window = opened(tmp_path, monkeypatch, player, LOW)
    assert asked(window.state.handle(Tick(0.01))) == ["/low/init"]
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 50")
    window.body(0.1, 50)
    assert asked(window.end(0.2)) == ["/low/0"]


@pytest.mark.process
def test_connection_of_a_request_that_is_given_up_is_closed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its host would go on sending, and take the line's rate from what the player wants."""
    closed = threading.Event()

    def send_on(connection: socket.socket, request: Request) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            for _ in range(2000):
                connection.sendall(BODY[:10_000])
                time.sleep(0.005)
        except OSError:
            closed.set()

    player = GivesUp(closed)
    play_by(monkeypatch, player)
    with serving(send_on) as server:
        part = MediaPart(f"http://{HOST}:{server.port}/0", 0.0, 4.0)
        low = make_format(format_id="low", url=part.url, port=server.port, parts=(part,), declared_bitrate_bps=2e5)
        window = WindowPlan((low,), {HOST: "127.0.0.1"}, spool_directory=str(tmp_path), live=plan(low))
        path = PathConfig(is_private_allowed=True)
        seen = download_window(window, DownloadConfig(window_s=2, mode="adaptive", loaded_probes_per_s=0, path=path))
    assert player.saw_it_closed, "while the window was open"
    assert [row.failure for row in seen.requests] == [None] and seen.failure is None


def test_header_that_no_segment_needs_is_there_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Scripted([segment(1, None)], [segment(2, 0)])
    window = opened(tmp_path, monkeypatch, player, media("low", 2e5, has_header=False))
    assert asked(window.state.handle(Tick(0.01))) == ["/low/0"]
    assert player.told == [("begun", 1, 0.01), ("whole", 1, 0, 0.01)]


def test_playback_ends_where_the_media_were_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Scripted([segment(1, 0)], [], [segment(2, 1)], [])
    window = opened(tmp_path, monkeypatch, player, LOW)
    window.state.handle(Tick(0.01))
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 50")
    window.body(0.1, 50)
    window.end(0.2)
    window.state.handle(Tick(0.3))
    window.head(5.0, "HTTP/1.1 403 Forbidden", "Content-Length: 0")
    window.end(5.0)
    played = window.state.live_playback(5.2)
    assert played is not None and (played.horizon_s, played.played_s) == (5.0, 4.0)
    assert (played.player, played.height_s, played.mean_bitrate_bps) == ("dashjs-adaptive live", {"1": 4.0}, 200_000.0)


@pytest.mark.parametrize("player", ["dashjs-adaptive", "shaka-adaptive", "youtube-adaptive"])
def test_every_adaptive_player_plays_on_a_line_of_the_tests(tmp_path: Path, player: str) -> None:
    """4 s of the lower quality and the sound are 150 kB; the line answers each request in 0.2 s."""
    formats = (LOW, SOUND)
    window = Window(tmp_path, *formats, mode="adaptive", live=plan(LOW, HIGH, SOUND, player=player))
    due: list[tuple[float, int]] = []
    for tick in range(1, 2000):
        now_s = tick / 100
        commands = list(window.state.handle(Tick(now_s)))
        for index in [index for at_s, index in due if at_s <= now_s]:
            size = 100_000 if index == 0 else 50_000
            window.head(now_s, "HTTP/1.1 200 OK", f"Content-Length: {size}", stream=index)
            window.body(now_s, size, stream=index)
            commands += window.end(now_s, stream=index)
            due = [(at_s, other) for at_s, other in due if other != index]
        for command in commands:
            if isinstance(command, Fetch):
                due.append((now_s + 0.2, command.request.stream.stream_index))
            elif isinstance(command, GiveUp):
                due = [(at_s, other) for at_s, other in due if other != command.stream_index]
                again = window.state.handle(TransferGivenUp(now_s, command.stream_index, DONE))
                due += [(now_s + 0.2, c.request.stream.stream_index) for c in again if isinstance(c, Fetch)]
    played = window.state.live_playback(20.0)
    assert played is not None and played.startup_delay_s is not None and played.startup_delay_s < 2.0
    assert (played.stall_count, played.player) == (0, f"{player} live")
    assert played.played_s == pytest.approx(20.0 - played.startup_delay_s, abs=0.1)


# What is there to choose from.


def test_qualities_of_a_file_are_those_of_its_index() -> None:
    file = make_format("video", declared_bitrate_bps=1e5, declared_size_bytes=len(FILE))
    rung = read_rung(file, FILE[: INIT_BYTES + 10])
    assert isinstance(rung, Rung) and isinstance(rung.track, MediaTrack)
    assert rung.header is not None and (rung.header.start_byte, rung.header.end_byte) == (0, INIT_BYTES)
    assert [(one.start_byte, one.duration_s) for one in rung.segments[:2]] == [
        (INIT_BYTES, 2.0), (INIT_BYTES + SEGMENT_BYTES, 2.0),
    ]  # fmt: skip
    assert rung.track.segments[0].size_bytes == SEGMENT_BYTES


@pytest.mark.parametrize(
    ("of", "head"),
    [
        (make_format("video", declared_bitrate_bps=1e5), b""),
        (make_format("video", declared_bitrate_bps=1e5), b"<html>"),
        (make_format("video", declared_bitrate_bps=1e5), FILE[:40]),
        (make_format("video"), FILE[: INIT_BYTES + 10]),  # of an unknown rate
    ],
)
def test_quality_without_segments_or_rate_is_left_out(of: MediaFormat, head: bytes) -> None:
    assert read_rung(of, head) is None


def test_ladder_is_in_order_of_the_rates_and_needs_a_picture() -> None:
    made = make_ladder([rung for one in (HIGH, SOUND, LOW) if (rung := read_rung(one))])
    assert made is not None
    ladder, rungs = made
    assert [track.format_id for track in ladder.video] == ["low", "high"]
    assert [rung.track.format_id for rung in rungs["audio"]] == ["sound"]
    assert make_ladder(rungs["audio"]) is None
