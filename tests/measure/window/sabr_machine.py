"""The state machine of a window over SABR with its clock and its server played by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import HttpRequest, MediaFormat
from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.sabr.messages import VideoPlaybackAbrRequest, read_message
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.window.events import Closed, Command, Fetch, HeadLine, Opened, TransferCut, TransferEnded
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.sabr_request import SabrRequest
from pytomo_scrapy.measure.window.sabr_state import SabrState
from pytomo_scrapy.measure.window.stream import Allowance, Spool, Stream
from tests.measure.sabr.ump_answers import AUDIO, VIDEO, initialised, policy, segment, start_policy
from tests.measure.window.window_machine import DONE, HOST, OPENED_AT, T0_S

URL = f"https://{HOST}/videoplayback?sabr=1"
UMP_HEAD = ("HTTP/1.1 200 OK", "Content-Type: application/vnd.yt-ump")
FORMATS = (SabrFormat(134, "video", 7, mime_type="video/mp4"), SabrFormat(140, "audio", 7, mime_type="audio/mp4"))


class SabrWindow:
    """A state machine over two tracks of eight segments of 5 s, of which nothing has come."""

    def __init__(self, folder: Path, url: str = URL, **settings: object):
        self.now_s = 0.0
        config = DownloadConfig(**{"window_s": 30.0, "transport": "sabr", **settings})  # type: ignore[arg-type]
        allowance = Allowance(config.max_bytes)
        fields = {"User-Agent": "player", "Cookie": "a=b", "Range": "bytes=0-"}
        formats = [MediaFormat(one.kind, str(one.itag), URL, HOST, 443, http_headers=fields) for one in FORMATS]
        self.streams = [
            Stream(index, media, read_target(media.url), Spool(str(folder), 10**6), self.clock, allowance)
            for index, media in enumerate(formats)
        ]
        sabr = SabrPlan(SabrSource(url, HOST, 443, "AAAA", SabrClient(101, "1.02"), FORMATS), FORMATS)
        plan = WindowPlan(tuple(formats), {HOST: "192.0.2.1"}, sabr=sabr)
        self.state = SabrState(plan, sabr, config, self.streams, allowance, self.clock)
        self.opened = self.state.handle(Opened(T0_S, OPENED_AT))
        self.request = posted(self.opened)

    def clock(self) -> float:
        return T0_S + self.now_s

    def head(self, now_s: float, *lines: str) -> list[Command]:
        """Send the lines of an answer's head until the window has enough of it."""
        self.now_s = now_s
        for line in (*lines, ""):
            if commands := self.state.handle(HeadLine(now_s, 0, line.encode() + b"\r\n")):
                return commands
        return []

    def body(self, now_s: float, *reads: bytes) -> int | None:
        """Send reads of the body: what the write callback returns to the last one."""
        self.now_s = now_s
        said = None
        for read in reads:
            said = self.request.channel.receive(read)
        return said

    def end(self, now_s: float, transfer: Transfer = DONE) -> list[Command]:
        """End the transfer. The next request, if one is commanded, is the window's from then on."""
        self.now_s = now_s
        return self._follow(self.state.handle(TransferEnded(now_s, 0, transfer)))

    def answer(self, now_s: float, *parts: bytes) -> list[Command]:
        """Answer with these parts, at one instant."""
        assert self.head(now_s, *UMP_HEAD) == []
        self.body(now_s, b"".join(parts))
        return self.end(now_s)

    def begin(self, now_s: float, *sequences: int) -> list[Command]:
        """Answer for the first time, with these segments of both tracks."""
        return self.answer(now_s, *cold_start(sequences))

    def cut(self, now_s: float, transfer: Transfer | None = DONE) -> None:
        """End the window, with or without a transfer under way."""
        self.now_s = now_s
        if transfer is not None:
            assert self.state.handle(TransferCut(now_s, 0, transfer)) == []
        assert self.state.handle(Closed(now_s)) == []

    def _follow(self, commands: list[Command]) -> list[Command]:
        if any(isinstance(command, Fetch) for command in commands):
            self.request = posted(commands)
        return commands

    @property
    def asked(self) -> VideoPlaybackAbrRequest:
        """What the request under way asks."""
        assert self.request.posted is not None
        return read_message(VideoPlaybackAbrRequest, self.request.posted)

    @property
    def row(self) -> HttpRequest:
        return self.state.rows[-1]

    @property
    def failures(self) -> set[str | None]:
        return {stream.failure for stream in self.streams}


def posted(commands: Iterable[Command]) -> SabrRequest:
    """Return the only request among commands."""
    (fetch,) = (command for command in commands if isinstance(command, Fetch))
    assert isinstance(fetch.request, SabrRequest)
    return fetch.request


def cold_start(sequences: Iterable[int]) -> list[bytes]:
    """Return the parts of a first answer with these segments of both tracks."""
    both = [segment(one, sequence) for sequence in sequences for one in (VIDEO, AUDIO)]
    return [start_policy(), policy(), initialised(VIDEO), initialised(AUDIO), *both]
