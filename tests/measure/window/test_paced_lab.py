"""Paced windows beside bulk ones: the same stalls on slow hosts, far fewer bytes on a fast one."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytomo_scrapy.config import Config, DownloadConfig, PathConfig, load
from pytomo_scrapy.items import DownloadResult, MediaFormat, PlaybackResult
from pytomo_scrapy.lab.servers import LabError, LabOptions, make_world
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.conftest import missing
from tests.measure.window.window_servers import Request, serving
from tests.running.labs import own_lab

WINDOW_S = 15.0
TOLERANCE_S = 0.3
SLOW = {
    "half, separate": "a host at half of the clip's rate (separate_40)",
    "half, muxed": "a host at half of the clip's rate (muxed_40)",
    "sawtooth": "a rate that rises and falls (separate_40)",
    "outage": "nothing arrives for six seconds (separate_40)",
}
# A machine busy with something else delays the lab itself; such a round says nothing and is done again.
MAX_ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """One bulk and one paced window of each slow video, with what every player made of them."""

    windows: dict[tuple[str, str], DownloadResult]
    playbacks: dict[tuple[str, str], dict[str, PlaybackResult]]

    def is_undisturbed(self) -> bool:
        starts = [
            abs((self.playbacks[name, "bulk"][player].startup_delay_s or 0.0) - (other.startup_delay_s or 0.0))
            for name in SLOW
            for player, other in self.playbacks[name, "paced"].items()
        ]
        return max(starts) <= TOLERANCE_S


def measure_round(config: Config, plans: dict[str, WindowPlan]) -> Round:
    windows: dict[tuple[str, str], DownloadResult] = {}
    for mode in ("bulk", "paced"):
        settings = replace(config.download, window_s=WINDOW_S, mode=mode, bulk_every=0, loaded_probes_per_s=0)
        with ThreadPoolExecutor(len(plans)) as pool:
            found = pool.map(lambda plan, settings=settings: download_window(plan, settings), plans.values())
            windows |= {(name, mode): result for name, result in zip(plans, found, strict=True)}
        time.sleep(1.2)  # after a pause of a second the hosts' rates begin anew
    playbacks = {}
    for key, window in windows.items():
        _, players, _ = analyse_window(window, DeclaredVideo(duration_s=plans[key[0]].duration_s), config.playback)
        playbacks[key] = {player.player: player for player in players}
    return Round(windows, playbacks)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    options = LabOptions("default")
    spool = str(tmp_path_factory.mktemp("spool"))
    try:
        with own_lab(options) as lab, pytest.MonkeyPatch.context() as patch:
            environment = lab.environment(os.environ)
            for name, value in environment.items():
                patch.setenv(name, value)
            config = load(environment.get)
            ids = {what: video_id for video_id, what in make_world(options).known.items()}
            plans = {name: plan_of(ids[what], config, spool) for name, what in SLOW.items()}
            for _ in range(MAX_ROUNDS):
                measured = measure_round(config, plans)
                if measured.is_undisturbed():
                    break
            yield measured
    except LabError as error:
        missing(f"the lab cannot run here: {error}")


def plan_of(video_id: str, config: Config, spool: str) -> WindowPlan:
    resolved = resolve_video(f"https://www.youtube.com/watch?v={video_id}", config.resolve)
    hosts = [media.host for media in resolved.formats]
    found = look_up_hosts(hosts, resolved.address_family, config.dns)
    return WindowPlan(
        resolved.formats,
        dict(found.chosen),
        resolver=config.dns.resolvers[0],
        spool_directory=spool,
        duration_s=resolved.duration_s,
    )


@pytest.mark.lab
@pytest.mark.parametrize("name", SLOW)
def test_paced_window_of_a_slow_host_stalls_as_a_bulk_one_does(measured: Round, name: str) -> None:
    bulk, paced = measured.playbacks[name, "bulk"], measured.playbacks[name, "paced"]
    assert measured.windows[name, "paced"].mode == "paced" and measured.windows[name, "paced"].failure is None
    assert bulk.keys() == paced.keys() and len(bulk) == 2
    for player, expected in bulk.items():
        found = paced[player]
        assert found.startup_delay_s == pytest.approx(expected.startup_delay_s, abs=TOLERANCE_S), player
        assert found.stall_count == expected.stall_count, player
        assert found.stalled_s == pytest.approx(expected.stalled_s, abs=TOLERANCE_S), player


@pytest.mark.lab
def test_slow_hosts_of_these_tests_do_make_players_stall(measured: Round) -> None:
    for name in ("half, separate", "half, muxed", "outage"):
        assert (measured.playbacks[name, "bulk"]["classic"].stalled_s or 0.0) > 1.0, name


MEDIA_BPS, LINK_BPS, SEGMENT_S, CLIP_S = 3_000_000, 100_000_000, 5.0, 80.0
SEGMENT_BYTES, SEGMENT_COUNT = int(MEDIA_BPS / 8 * SEGMENT_S), int(CLIP_S / SEGMENT_S)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def make_head() -> bytes:
    """Header and index of 80 s at 3 Mbit/s in segments of 5 s."""
    entry = struct.pack(">III", SEGMENT_BYTES, int(SEGMENT_S * 1000), 0x90000000)
    index = struct.pack(">IIIIIHH", 0, 1, 1000, 0, 0, 0, SEGMENT_COUNT) + entry * SEGMENT_COUNT
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", bytes(100)) + box(b"sidx", index)


HEAD = make_head()
SIZE = len(HEAD) + SEGMENT_BYTES * SEGMENT_COUNT


def serve_at_link_rate(connection: socket.socket, request: Request) -> None:
    first, last = request.range or (0, SIZE - 1)
    last = min(last, SIZE - 1)
    fields = (
        f"Content-Type: video/mp4\r\nContent-Range: bytes {first}-{last}/{SIZE}\r\nContent-Length: {last - first + 1}"
    )
    connection.sendall(f"HTTP/1.1 206 Partial Content\r\n{fields}\r\n\r\n".encode())
    due_s = time.monotonic()
    for start in range(first, last + 1, 65536):
        end = min(start + 65536, last + 1)
        connection.sendall(HEAD[start:end] + bytes(end - max(start, len(HEAD)) if end > len(HEAD) else 0))
        due_s += (end - start) * 8 / LINK_BPS
        time.sleep(max(0.0, due_s - time.monotonic()))


@pytest.mark.process
@pytest.mark.parametrize("window_s", [2.0, 8.0])
def test_paced_window_on_a_fast_line_takes_window_and_goal_and_a_segment(
    tmp_path: Path, window_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")  # the lab of the tests above may still be the environment's proxy
    goal_s = 30.0
    with serving(serve_at_link_rate) as server:
        host = "rr1---sn-test.example"
        media = MediaFormat("video", "136", f"http://{host}:{server.port}/v", host, server.port)
        plan = WindowPlan((media,), {host: "127.0.0.1"}, spool_directory=str(tmp_path), duration_s=CLIP_S)
        settings = DownloadConfig(
            window_s=window_s,
            mode="paced",
            bulk_every=0,
            buffer_goal_s=goal_s,
            loaded_probes_per_s=0,
            path=PathConfig(is_private_allowed=True),
        )
        result = download_window(plan, settings)
    assert (result.mode, result.failure, result.ended_by) == ("paced", None, "deadline")
    assert result.received_bytes is not None
    most_bytes = len(HEAD) + (window_s + goal_s + SEGMENT_S) * MEDIA_BPS / 8
    assert goal_s * MEDIA_BPS / 8 * 0.5 < result.received_bytes <= most_bytes
    assert result.received_bytes < window_s * LINK_BPS / 8 or window_s < 4
