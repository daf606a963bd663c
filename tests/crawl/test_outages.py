"""An outage of the line is told from a bad session, waited for, and noted in the sessions that met it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.crawl import outages as module
from pytomo_scrapy.crawl.outages import OutageConfig, Outages, fell_silent_at, met_silence
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, HttpRequest, StreamDownload, VideoItem
from pytomo_scrapy.measure.tools import Activity, Stopped
from tests.factories import make_download, make_item, make_resolve

STARTED = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DNS = DnsConfig((ResolverConfig("system", "system"),), 1.0)


def failed(failure: str = "resolve_unreachable", received_bytes: int | None = None, **overrides: object) -> VideoItem:
    """A session that failed by the network, with a window of so many bytes, or without one."""
    downloads = () if received_bytes is None else (make_download(received_bytes=received_bytes),)
    values: dict[str, Any] = {"failure": failure, "failure_stage": Stage.RESOLVE, "started_at": STARTED, **overrides}
    return make_item(downloads=downloads, **values)


class Line:
    """A line whose resolvers answer each question with the next of these codes, then with NOERROR."""

    source_address: str | None = None

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *codes: str | None, stops_after: int | None = None) -> None:
        self.codes, self.asked, self.pauses = list(codes), [], []  # type: ignore[var-annotated]
        self.stops_after = stops_after
        monkeypatch.setattr(module, "look_up_hosts", self.look_up)
        monkeypatch.setattr(module, "utc_now", lambda: STARTED.replace(minute=len(self.pauses)))

    def look_up(self, hosts: Sequence[str], family: int | None, config: DnsConfig) -> DnsResult:
        self.asked.append(hosts)
        code = self.codes.pop(0) if self.codes else "NOERROR"
        return DnsResult((DnsLookup(hosts[0], "system", "192.0.2.53", "udp", "A", rcode=code),))

    @asynccontextmanager
    async def hold(self, activity: Activity) -> AsyncIterator[None]:
        assert activity is Activity.PROBE
        yield

    async def pause(self, seconds: float) -> None:
        if self.stops_after is not None and len(self.pauses) >= self.stops_after:
            raise Stopped
        self.pauses.append(seconds)

    async def in_thread(self, function: Callable[..., Any], *given: Any) -> Any:
        return function(*given)

    def outages(self, is_on: bool = True) -> Outages:
        config = OutageConfig(DNS, self.source_address, is_on)
        return Outages(config, self.hold, self.pause, self.in_thread)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "is_silent"),
    [
        (failed(), True),
        (failed("dns_timeout"), True),
        (failed("connect_timeout", received_bytes=0, resolve=make_resolve()), True),  # the service had answered before
        (failed("no_progress", received_bytes=500), False),  # a bad session: media came
        (failed("bot_check"), False),
        (failed("worker_died"), False),
    ],
)
def test_session_met_silence_where_the_network_failed_it_without_a_byte(item: VideoItem, is_silent: bool) -> None:
    assert met_silence(item) is is_silent


@pytest.mark.parametrize("code", ["NOERROR", "NXDOMAIN"])
def test_bad_session_on_a_line_that_answers_is_stored_at_once(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    line, item = Line(monkeypatch, code), failed()
    asyncio.run(line.outages().outlast(item))
    assert (item.outage_started_at, item.outage_ended_at, line.pauses, len(line.asked)) == (None, None, [], 1)


def test_session_that_met_an_outage_waits_for_its_end_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # A resolver at home says SERVFAIL of a dead line; others say nothing.
    line, item = Line(monkeypatch, "SERVFAIL", *[None] * 6), failed()
    asyncio.run(line.outages().outlast(item))
    assert line.pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert (item.outage_started_at, item.outage_ended_at) == (STARTED, STARTED.replace(minute=7))


def test_sessions_that_meet_one_outage_have_the_same_start(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, None, None)
    outages = line.outages()
    first, second = failed(), failed(started_at=STARTED.replace(second=30))

    async def both() -> None:
        await asyncio.gather(outages.outlast(first), outages.outlast(second))

    asyncio.run(both())
    assert first.outage_started_at == second.outage_started_at == STARTED


def test_session_that_comes_from_an_outage_when_the_line_is_back_has_met_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Line(monkeypatch, None)  # answers again from minute 1 on
    outages, first, late, next_one = line.outages(), failed(), failed(), failed(started_at=STARTED.replace(minute=5))
    for item in (first, late, next_one):
        asyncio.run(outages.outlast(item))
    assert late.outage_started_at == STARTED and late.outage_ended_at == first.outage_ended_at
    assert next_one.outage_started_at is None


SENDER = make_download(
    received_bytes=900, address="192.0.2.1", requests=(HttpRequest(0, 0, "rr.example", 8443, "192.0.2.1"),)
)


@pytest.mark.parametrize(
    ("sent_before", "refusal", "is_out"),
    [
        (False, TimeoutError(), False),  # nobody is known who could be silent too
        (True, TimeoutError(), True),
        (True, OSError("no route to host"), True),
        (True, ConnectionRefusedError(), False),  # from the other end of the line
        (True, None, False),
    ],
)
def test_session_whose_resolution_was_answered_met_an_outage_where_media_hosts_are_silent_too(
    monkeypatch: pytest.MonkeyPatch, sent_before: bool, refusal: OSError | None, is_out: bool
) -> None:
    asked: list[object] = []

    def connect(address: object, timeout_s: float, source: object) -> socket.socket:
        assert source is None
        asked.append(address)
        if refusal is not None:
            raise refusal
        return socket.socket()

    monkeypatch.setattr(module.socket, "create_connection", connect)
    line = Line(monkeypatch, None)
    outages, item = line.outages(), failed("dns_timeout", resolve=make_resolve())
    if sent_before:
        asyncio.run(outages.outlast(make_item(downloads=(SENDER,))))
    asyncio.run(outages.outlast(item))
    assert (item.outage_started_at is not None) is is_out
    assert asked == [("192.0.2.1", 8443)] * sent_before


def window(*streams: StreamDownload, **overrides: Any) -> VideoItem:
    """A session whose window of 30 s began 10 s after it."""
    values: dict[str, Any] = {"started_at": STARTED.replace(second=10), "received_bytes": 500, "address": "192.0.2.1"}
    request = HttpRequest(0, 0, "rr.example", 8443, "192.0.2.1")
    download = make_download(streams=streams, requests=(request,), **values | overrides)
    return make_item(downloads=(download,), resolve=make_resolve(), started_at=STARTED, failure=download.failure)


def stream(last_s: float, *no_demand: tuple[float, float], is_complete: bool = False) -> StreamDownload:
    return StreamDownload(
        "video", "137", received_bytes=500, arrival_s=(0.5, last_s), arrival_bytes=(100, 500),
        no_demand=no_demand, is_complete=is_complete,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("item", "silent_s"),
    [
        (window(stream(12.0)), 12.0),
        (window(stream(12.0), failure="no_progress", elapsed_s=22.0), 12.0),
        (window(stream(12.0), failure="reset", elapsed_s=12.5), None),  # at once: a line that goes out says nothing
        (window(stream(29.0)), None),
        (window(stream(12.0), stream(15.0)), 15.0),
        (window(stream(12.0), stream(29.5)), None),  # sound still came
        (window(stream(12.0), stream(3.0, is_complete=True)), 12.0),
        (window(stream(12.0, is_complete=True)), None),
        (window(stream(12.0, (12.0, 30.0))), None),  # a player that has enough asks for nothing
        (window(stream(12.0, (12.0, 25.0))), 25.0),
        (window(stream(12.0), failure="probe_paused"), None),
        (window(stream(12.0), failure="http_5xx"), None),
    ],
)
def test_window_fell_silent_where_nothing_came_at_its_end_though_asked_for(
    item: VideoItem, silent_s: float | None
) -> None:
    began_at = STARTED + timedelta(seconds=10)
    assert fell_silent_at(item) == (None if silent_s is None else began_at + timedelta(seconds=silent_s))


@pytest.mark.parametrize("failure", [None, "no_progress"])
@pytest.mark.parametrize("is_host_silent", [True, False])
def test_window_that_was_open_when_the_line_went_out_is_part_of_the_outage(
    monkeypatch: pytest.MonkeyPatch, is_host_silent: bool, failure: str | None
) -> None:
    asked: list[object] = []

    def connect(address: object, timeout_s: float, source: object) -> socket.socket:
        asked.append((address, source))
        if is_host_silent:
            raise TimeoutError
        return socket.socket()

    monkeypatch.setattr(module.socket, "create_connection", connect)
    line, item = Line(monkeypatch, None, None), window(stream(12.0), failure=failure)
    line.source_address = "192.0.2.77"
    asyncio.run(line.outages().outlast(item))
    began_at = STARTED + timedelta(seconds=22) if is_host_silent else None
    assert item.outage_started_at == began_at
    assert (item.outage_ended_at is not None) is is_host_silent
    assert set(asked) == {(("192.0.2.1", 8443), ("192.0.2.77", 0))}, "by the address that the crawl measures from"


@pytest.mark.process
@pytest.mark.parametrize(
    ("source_address", "bound"), [("127.0.0.2", "127.0.0.2"), (None, "127.0.0.1"), ("2001:db8::1", "127.0.0.1")]
)
def test_connection_to_the_sender_leaves_by_the_source_address(source_address: str | None, bound: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert module._connects(server.getsockname(), source_address)
        connection, peer = server.accept()
        connection.close()
    assert peer[0] == bound
    assert not module._connects(("127.0.0.1", 9), "192.0.2.77"), "an address that this machine does not have any more"


def test_stop_during_an_outage_leaves_its_end_open(monkeypatch: pytest.MonkeyPatch) -> None:
    line, item = Line(monkeypatch, *[None] * 9, stops_after=2), failed()
    asyncio.run(line.outages().outlast(item))
    assert (item.outage_started_at, item.outage_ended_at) == (STARTED, None)


def test_where_nobody_waits_for_the_line_no_outage_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    line, item = Line(monkeypatch, None), failed()
    asyncio.run(line.outages(is_on=False).outlast(item))
    assert (item.outage_started_at, line.asked) == (None, [])


def test_page_of_a_source_that_met_an_outage_is_asked_again_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, None)
    outages = line.outages()
    assert asyncio.run(outages.met_page("https://www.youtube.com/feed", "page_timeout"))
    assert not asyncio.run(outages.met_page("https://www.youtube.com/feed", "page_timeout"))
    assert not asyncio.run(outages.met_page("https://www.youtube.com/feed", "http_5xx"))
    assert line.asked == [("www.youtube.com",)] * 3
