"""What is measured beside the transfers: which instruments a window has, and the servers' clock."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import HostSamples, MediaFormat
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.window import beside
from pytomo_scrapy.measure.window.beside import SideInstruments, SideMeasurements
from pytomo_scrapy.measure.window.gateway_probes import GatewayProbes
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.probes import LoadedRoundTrips
from pytomo_scrapy.measure.window.request import Hop, MediaRequest
from pytomo_scrapy.measure.window.stream import Allowance, Spool, Stream

HOST = "rr1---sn-test.example"
URL = f"http://{HOST}/v"
MEDIA = MediaFormat("muxed", "18", URL, HOST, 80)
PLAN = WindowPlan((MEDIA,), {HOST: "192.0.2.1"})
STARTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "gateway_towards", lambda address: None)


def answered(spool: Spool, date: str, started_s: float, answered_s: float) -> MediaRequest:
    stream = Stream(0, MEDIA, read_target(URL), spool, time.monotonic, Allowance(10**9))
    request = MediaRequest(stream, Hop(read_target(URL)), None, started_s)
    for line in ("HTTP/1.1 200 OK", f"Date: {date}", ""):
        request.take_line(line.encode() + b"\r\n", answered_s, "auto")
    return request


@pytest.mark.process
def test_answers_bound_the_servers_clock(tmp_path: Path) -> None:
    instruments, spool = SideInstruments(PLAN, DownloadConfig(loaded_probes_per_s=0)), Spool(str(tmp_path), 0)
    # Asked at 0.2 s and answered at 0.4 s by a clock that says 03:04:05, that is 05.0 to 06.0: between
    # 05.2 - 06.0 = -0.8 and 05.4 - 05.0 = 0.4. Asked at 0.7 s and answered at 0.9 s with 03:04:06: between
    # 05.7 - 07.0 = -1.3 and 05.9 - 06.0 = -0.1. Together -0.8 to -0.1: -0.45 within 0.35.
    instruments.note_answer(answered(spool, "Fri, 02 Jan 2026 03:04:05 GMT", 0.2, 0.4))
    instruments.note_answer(answered(spool, "Fri, 02 Jan 2026 03:04:06 GMT", 0.7, 0.9))
    clock = instruments.close(STARTED_AT).clock
    spool.close()
    assert clock is not None
    assert (clock.offset_s, clock.error_s) == (pytest.approx(-0.45), pytest.approx(0.35))


def without_machine(measured: SideMeasurements) -> SideMeasurements:
    """Return the measurements without what this machine did: it has an interface on every test's way or has none."""
    return replace(measured, host=HostSamples(), paused_s=None)


@pytest.mark.process
def test_answer_without_a_date_says_nothing_of_the_clock(tmp_path: Path) -> None:
    instruments, spool = SideInstruments(PLAN, DownloadConfig(loaded_probes_per_s=0)), Spool(str(tmp_path), 0)
    instruments.note_answer(answered(spool, "", 0.2, 0.4))
    spool.close()
    assert without_machine(instruments.close(STARTED_AT + timedelta(hours=1))) == SideMeasurements()


@pytest.mark.process
@pytest.mark.parametrize(
    ("plan", "config"),
    [
        (PLAN, DownloadConfig(loaded_probes_per_s=0)),
        (PLAN, DownloadConfig(loaded_probes_per_s=2, path=PathConfig(proxy="http://192.0.2.3:3128"))),
        (WindowPlan((MEDIA,), {}), DownloadConfig(loaded_probes_per_s=2)),  # nothing is pinned
        (WindowPlan((), {}), DownloadConfig(loaded_probes_per_s=2)),
    ],
)
def test_window_without_probes_sends_none(plan: WindowPlan, config: DownloadConfig) -> None:
    instruments = SideInstruments(plan, config)
    instruments.tick(10.0)
    assert without_machine(instruments.close(STARTED_AT)) == SideMeasurements()


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="handshakes are timed by the kernel on Linux only")
def test_every_instrument_is_read_at_each_tick_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[tuple[str, float]] = []

    class Probes:
        def __init__(self, name: str) -> None:
            self.name = name

        def tick(self, now_s: float) -> None:
            ticks.append((self.name, now_s))

        def close(self) -> LoadedRoundTrips:
            return LoadedRoundTrips.of(2, [(1.0, 0.02), (0.5, 0.01)])

    monkeypatch.setattr(beside, "LoadedProbes", lambda *_: Probes("loaded"))
    monkeypatch.setattr(beside, "gateway_towards", lambda address: f"gateway towards {address}")
    monkeypatch.setattr(GatewayProbes, "open", lambda gateway, *_: Probes(gateway))
    instruments = SideInstruments(PLAN, DownloadConfig(loaded_probes_per_s=2))
    instruments.tick(0.5)
    measured = instruments.close(STARTED_AT)
    assert ticks == [("loaded", 0.5), ("gateway towards 192.0.2.1", 0.5)]
    assert measured.loaded == measured.gateway == LoadedRoundTrips(2, (0.5, 1.0), (0.01, 0.02))
