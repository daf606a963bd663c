"""Loaded round trips: timed by the kernel, counted when lost, none where nobody asked."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.probes import FIRST_S, TIMEOUT_S, LoadedProbes
from tests.measure.window.window_servers import Request, media_head, serving

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="handshakes are timed by the kernel on Linux only"),
    pytest.mark.process,
]

HOST = "rr1---sn-test.example"


def trickle(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(10**9))
    while True:
        connection.sendall(bytes(10_000))
        time.sleep(0.01)


def fetch(directory: Path, port: int, per_s: float) -> DownloadResult:
    media = MediaFormat("muxed", "18", f"http://{HOST}:{port}/v", HOST, port)
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory))
    return download_window(
        plan,
        DownloadConfig(window_s=1.5, mode="bulk", loaded_probes_per_s=per_s, path=PathConfig(is_private_allowed=True)),
    )


@pytest.mark.slow
def test_window_with_probes_has_loaded_round_trips(tmp_path: Path) -> None:
    with serving(trickle) as server:
        result = fetch(tmp_path, server.port, 5.0)
    assert result.failure is None
    # From 0.5 s on every 0.2 s until 1.5 s: five, of which the last may be cut off, and others come late.
    assert result.loaded.sent_count in {2, 3, 4, 5}
    assert result.loaded.received_count == result.loaded.sent_count == len(result.loaded.sample_rtt_s)
    assert result.loaded.rtt_min_s is not None and result.loaded.rtt_max_s is not None
    assert 0 < result.loaded.rtt_min_s <= result.loaded.rtt_max_s < 1.0
    assert all(t_s >= FIRST_S for t_s in result.loaded.sample_s)


@pytest.mark.slow
def test_window_without_probes_has_no_loaded_figures(tmp_path: Path) -> None:
    with serving(trickle) as server:
        result = fetch(tmp_path, server.port, 0.0)
        connection_count = server.connection_count
    assert (result.loaded.sent_count, result.loaded.rtt_median_s) == (None, None)
    assert connection_count == 1


def test_probe_without_answer_is_a_loss_after_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    probes = LoadedProbes("127.0.0.1", port, 1.0)
    probes.tick(FIRST_S)
    probes.tick(FIRST_S + TIMEOUT_S)
    figures = probes.close()
    # One is lost, the other was sent just now and does not count.
    assert (figures.sent_count, figures.rtt_s) == (1, ())


def test_probe_is_timed_by_the_kernel_not_by_when_it_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        probes = LoadedProbes("127.0.0.1", listener.getsockname()[1], 1.0)
        probes.tick(FIRST_S)
        time.sleep(0.2)
        probes.tick(FIRST_S + 0.2)
        figures = probes.close()
    assert figures.sample_s == (FIRST_S,)
    assert 0 < figures.rtt_s[0] < 0.1
