"""A window's state machine with its clock and its servers played by hand, as the tests of it need them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import HttpRequest, MediaFormat
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.window.events import (
    Closed,
    Command,
    Fetch,
    HeadLine,
    Opened,
    TransferCut,
    TransferEnded,
)
from pytomo_scrapy.measure.window.judge import TransferError
from pytomo_scrapy.measure.window.live_ladder import LivePlan
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.state import WindowState
from pytomo_scrapy.measure.window.stream import Allowance, Spool, Stream
from tests.measure.window.window_media import FILE

HOST = "rr1---sn-test.example"
OTHER = "rr2---sn-test.example"
T0_S = 100.0  # what the clock reads at t0: every time of an event is from there
OPENED_AT = datetime(2026, 10, 1, tzinfo=UTC)  # by the wall clock
DONE = Transfer(is_connected=True, is_sent=True, total_s=0.5)


class Window:
    """A state machine with streams of its own, a clock that is set by hand, and servers that are played."""

    def __init__(
        self,
        folder: Path,
        *formats: MediaFormat,
        duration_s: float | None = None,
        live: LivePlan | None = None,
        **settings: object,
    ):
        self.now_s = 0.0
        config = DownloadConfig(**{"window_s": 30.0, "bulk_every": 0, "mode": "bulk", **settings})  # type: ignore[arg-type]
        allowance = Allowance(config.max_bytes)
        self.streams = [
            Stream(index, media, read_target(media.url), Spool(str(folder), 10**6), self.clock, allowance)
            for index, media in enumerate(formats)
        ]
        plan = WindowPlan(formats, {HOST: "192.0.2.1"}, duration_s=duration_s, live=live)
        self.state = WindowState(plan, config, self.streams, allowance)
        self.said: list[Command] = []
        self.opened = self.state.handle(Opened(T0_S, OPENED_AT))

    def clock(self) -> float:
        return T0_S + self.now_s

    def head(self, now_s: float, *lines: str, stream: int = 0) -> list[Command]:
        """Send the lines of an answer's head until the window has enough of it."""
        self.now_s = now_s
        for line in (*lines, ""):
            if commands := self.state.handle(HeadLine(now_s, stream, line.encode() + b"\r\n")):
                return commands
        return []

    def body(self, now_s: float, body: bytes | int, stream: int = 0) -> int | None:
        """Send a piece of the body: what the write callback returns."""
        self.now_s = now_s
        return self.streams[stream].receive(bytes(body) if isinstance(body, int) else body)

    def end(self, now_s: float, transfer: Transfer = DONE, stream: int = 0) -> list[Command]:
        """End the transfer of a stream."""
        self.now_s = now_s
        return self.state.handle(TransferEnded(now_s, stream, transfer))

    def serve(self, now_s: float, first: int, last: int, size: int, stream: int = 0) -> list[Command]:
        """Answer a range with all of its bytes, which are those of FILE."""
        content_range = f"Content-Range: bytes {first}-{last}/{size}"
        assert self.head(now_s, "HTTP/1.1 206 Partial Content", content_range, stream=stream) == []
        self.body(now_s, FILE[first : last + 1], stream)
        return self.end(now_s, stream=stream)

    def cut(self, now_s: float, *streams: int, transfer: Transfer = DONE) -> None:
        """End the window with these streams' transfers under way."""
        for stream in streams:
            assert self.state.handle(TransferCut(now_s, stream, transfer)) == []
        assert self.state.handle(Closed(now_s)) == []

    def rows(self, *names: str) -> list[tuple[object, ...]]:
        """Return these fields of every row."""
        return [tuple(getattr(row, name) for name in names) for row in self.state.rows]

    @property
    def row(self) -> HttpRequest:
        return self.state.rows[-1]


def make_format(kind: str = "muxed", **overrides: object) -> MediaFormat:
    url = f"http://{HOST}/{kind}?sig=SECRET"
    values: dict[str, object] = {"kind": kind, "format_id": kind, "url": url, "host": HOST, "port": 80}
    return MediaFormat(**{**values, **overrides})  # type: ignore[arg-type]


def failed_with(code: int, text: str = "", **facts: object) -> Transfer:
    return dataclasses.replace(DONE, error=TransferError(code, text), **facts)  # type: ignore[arg-type]


def requested(command: Command) -> tuple[int, str, tuple[int, int] | None, str | None]:
    """Return (stream, host, range, pinned address) of a request."""
    assert isinstance(command, Fetch)
    request = command.request
    return request.stream.stream_index, request.hop.target.host, request.range, request.hop.address


def redirect(window: Window, now_s: float, location: str) -> list[Command]:
    window.head(now_s, "HTTP/1.1 302 Found", f"Location: {location}")
    return window.end(now_s)
