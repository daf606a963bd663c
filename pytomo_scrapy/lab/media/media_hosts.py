"""The lab's media hosts: TLS servers on loopback addresses that serve clips as the service's caches do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import math
import mmap
import socket
import struct
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlencode

from pytomo_scrapy.lab import hosts as caches
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.clip import Clip, ClipStream
from pytomo_scrapy.lab.clips.cuts import HEADER, cuts_of
from pytomo_scrapy.lab.faults import CertificateFault, DnsFault, HostFault, MediaFault, fault_at, host_faults
from pytomo_scrapy.lab.faults.media_refused import PAGE, PAGE_PATH
from pytomo_scrapy.lab.guests import Guests
from pytomo_scrapy.lab.hosts import fault_host_name, host_fault
from pytomo_scrapy.lab.http.ranges import RangeRefused, choose_span
from pytomo_scrapy.lab.http.request_heads import BadRequest, RequestHead, read_head, response_head
from pytomo_scrapy.lab.http.transfers import Answer, Ending, Transfer, plain_answer
from pytomo_scrapy.lab.media.rates import Pacer, RateTrace
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, verify
from pytomo_scrapy.lab.model import LabVideo, MediaHost, World
from pytomo_scrapy.lab.sabr.sabr_host import SabrPlace, SabrVideo, read_posted, sabr_answer
from pytomo_scrapy.lab.serving import LabServer, open_listener

_WRITE_BYTES = 256 * 1024
# A send buffer that holds little, so that a limited host's bytes arrive when they are sent.
_LIMITED_BUFFER_BYTES = 64 * 1024
_IDLE_MAX_S = 60.0
_ACKNOWLEDGE_MAX_S = 2.0
_PORT_TRIES = 20
# SO_LINGER without time: what closes the socket sends a reset in place of an end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class MediaServer(LabServer):
    """Serves `/videoplayback` for every host of a world, on the hosts' own addresses and one common port.

    The cache that limits a transfer's rate and delays its first byte is the one whose address was connected to, so
    that a resolver which answers with another cache really leads to it; everything else goes by the host's name.
    """

    def __init__(
        self,
        world: World,
        clips: Mapping[str, Clip],
        authority: Authority,
        secret: bytes,
        port: int = 0,
        *,
        guests: Guests | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._guests = guests or Guests(world.guests, world.seed)
        self._world = world
        self._clips = clips
        self._secret = secret
        self._wanted_port = port
        self._wall_clock = wall_clock
        self._by_address = {host.address: host for host in world.hosts.values()}
        self._pacers: dict[tuple[str, str], Pacer] = {}
        self._contents: dict[tuple[Path, str | None], memoryview] = {}
        faults = [fault.name for fault in host_faults() if isinstance(fault, CertificateFault)]
        self._tls = authority.sni_context({fault_host_name(fault): fault for fault in faults})
        self._authority = authority
        self.port = 0

    async def start(self) -> None:
        """Listen on every host's address. Raises OSError when no port is free on all of them."""
        hosts = [
            host for host in self._world.hosts.values() if not isinstance(host_fault(host.name), HostFault | DnsFault)
        ]
        addresses = dict.fromkeys(host.address for host in hosts)
        addresses |= dict.fromkeys(host.address_v6 for host in hosts if host.address_v6)
        for listener in _listen_everywhere(list(addresses), self._wanted_port):
            self.port = listener.getsockname()[1]
            host = self._by_address.get(listener.getsockname()[0])
            takes_any_name = host is not None and host.named_rate is not None
            tls = self._authority.any_name_context(host.name) if host and takes_any_name else self._tls
            await self._listen(listener, self._serve, tls=tls)

    async def close(self) -> None:
        """Stop listening and end every connection at once."""
        await super().close()
        self._contents.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._serve_one(reader, writer):
            pass

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; tell whether the connection goes on."""
        try:
            request = await asyncio.wait_for(read_head(reader), _IDLE_MAX_S)
        except BadRequest as error:
            await _send_refusal(str(error), self._wall_clock(), writer)
            return False
        if request is None:
            return False
        peer, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        if peer is None or local is None:  # a client that was killed is gone by now
            return False
        cache = self._by_address.get(local[0]) or self._world.hosts.get(request.host)
        answer = self.answer(request, peer[0], await read_posted(request, reader))
        if cache is not None:
            answer = replace(answer, delay_s=answer.delay_s + cache.first_byte_delay_s)
        keeps_alive = request.keeps_alive and request.method in ("GET", "HEAD", "POST")
        await _pause(answer.delay_s, writer)
        if answer.has_endless_header:
            await _send_endless_header(writer)
        writer.write(_head_of(answer, keeps_alive, self._wall_clock()))
        if request.method != "HEAD":
            await self._send_body(answer, self._pacer(request, cache, self._is_named(cache, writer)), writer)
        await writer.drain()
        return await _finish(answer.ending, reader, writer) and keeps_alive

    def answer(self, request: RequestHead, peer_ip: str, posted: bytes = b"") -> Answer:
        """Return the answer to a request from `peer_ip`; the order of checks is the service's."""
        is_sabr = "sabr" in request.query
        if request.method not in (("POST",) if is_sabr else ("GET", "HEAD")):
            allowed = "POST" if is_sabr else "GET, HEAD"
            return plain_answer(405, allowed, [("Allow", allowed)])
        # Before the host is looked at: a redirect of a fault leads here on whichever host it names.
        if request.path == PAGE_PATH:
            return PAGE
        host = self._world.hosts.get(request.host)
        if request.path != "/videoplayback" or host is None:
            return plain_answer(404, "nothing here")
        query = request.query
        refusal = verify(self._secret, query, peer_ip, self._wall_clock())
        if refusal is not None:
            return plain_answer(403, refusal)
        video = self._world.videos.get(query["id"])
        clip = self._clips.get(video.clip) if video else None
        if is_sabr and video is not None and clip is not None:
            return self._sabr_answer(request, video, clip, posted)
        stream = self._stream(video, query.get("itag", "")) if video else None
        span = segment_span(stream, query.get("sq")) if stream else None
        if video is None or stream is None or span is None:
            return plain_answer(404, "no such video, format or segment")
        if self._wall_clock() < int(query["expire"]) - EXPIRES_IN_S + video.available_after_s:
            return plain_answer(403, "not available yet")
        if host.redirects_to is not None:
            return self._redirect(host.redirects_to, query)
        # From here on a segment is a file of its own, as for the client; gates and pacers count in the whole one.
        content = self._content(video, stream)[span[0] : span[1]]
        segment = int(query["sq"]) if query.get("sq", "").isdigit() else None
        answer = media_answer(request, content, stream.mime, fault_at(MediaFault, video.fault), segment)
        answer = replace(answer, first_byte=span[0] + answer.first_byte)
        allowance_bytes = self._guests.allowance_bytes(query["bui"], stream)
        return answer if allowance_bytes is None else gated_answer(answer, allowance_bytes)

    def _sabr_answer(self, request: RequestHead, video: LabVideo, clip: Clip, posted: bytes) -> Answer:
        gate_at_ms = self._guests.gate_at_ms(request.query["bui"])
        other = next((name for name in self._world.hosts if name != request.host and name in caches.SOUND), None)
        place = SabrPlace(request, self.port, other)
        contents = {stream.itag: self._content(video, stream) for stream in clip.streams}
        return sabr_answer(place, SabrVideo(video, clip, contents, gate_at_ms), posted, self._wall_clock())

    def _stream(self, video: LabVideo, itag: str) -> ClipStream | None:
        clips = [self._clips[name] for name in video.clips if name in self._clips] if itag.isdigit() else []
        return next((stream for clip in clips if (stream := clip.stream(int(itag)))), None)

    def _redirect(self, target: str, query: dict[str, str]) -> Answer:
        counter = query.get("redirect_counter", "0")
        query["redirect_counter"] = str(int(counter) + 1 if counter.isdigit() else 1)
        port = "" if self.port == 443 else f":{self.port}"
        location = f"https://{target}{port}/videoplayback?{urlencode(query)}"
        return plain_answer(302, "elsewhere", [("Location", location)])

    def _content(self, video: LabVideo, stream: ClipStream) -> memoryview:
        """Return the file that the host serves for the stream."""
        fault = fault_at(MediaFault, video.fault)
        change = fault.content if fault else None
        key = (stream.path, video.video_id if change else None)
        if key not in self._contents:
            with stream.path.open("rb") as file:
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            # Once a video: the change draws at random from the name, and every request must meet the same file.
            self._contents[key] = change(content, f"{video.video_id}:{stream.itag}") if change else content
        return self._contents[key]

    def _is_named(self, cache: MediaHost | None, writer: asyncio.StreamWriter) -> bool:
        """Tell whether the connection's client named a cache itself that stands behind a shaper."""
        if cache is None or cache.named_rate is None:
            return False
        connection = writer.get_extra_info("ssl_object")
        return connection is not None and connection.context is self._authority.server_context(cache.name)

    def _pacer(self, request: RequestHead, cache: MediaHost | None, is_named: bool) -> Pacer | None:
        """Return the pacer that all transfers of a video from one cache share. None without a limit."""
        video = self._world.videos.get(request.query.get("id", ""))
        if cache is None or video is None or video.clip not in self._clips:
            return None
        key = (f"{cache.name} by its name" if is_named else cache.name, video.video_id)
        if key not in self._pacers:
            rule = cache.named_rate if is_named and cache.named_rate is not None else cache.rate
            trace = RateTrace(rule, self._clips[video.clip].mean_bps)
            self._pacers[key] = Pacer(trace, asyncio.get_running_loop().time)
        return self._pacers[key] if self._pacers[key].is_limited else None

    async def _send_body(self, answer: Answer, pacer: Pacer | None, writer: asyncio.StreamWriter) -> None:
        if pacer is not None and answer.status in (200, 206):
            pacer.join(answer.first_byte)
            try:
                await _send_paced(answer.body, pacer, writer)
            finally:
                pacer.leave()
            return
        for start in range(0, len(answer.body), _WRITE_BYTES):
            writer.write(answer.body[start : start + _WRITE_BYTES])
            await writer.drain()


def segment_span(stream: ClipStream, number: str | None) -> tuple[int, int] | None:
    """Return which bytes of a file the segment with this number has; all without a number. None where there is none."""
    if number is None:
        return 0, stream.size_bytes
    cuts = cuts_of(stream)
    if number == HEADER:
        return 0, cuts[0].start
    found = cuts[int(number)] if number.isdigit() and int(number) < len(cuts) else None
    return (found.start, found.end) if found else None


def media_answer(
    request: RequestHead, content: memoryview, mime: str, fault: MediaFault | None, segment: int | None = None
) -> Answer:
    """Return the answer to a permitted request for `content`, with the video's `fault` applied."""
    if fault is not None and fault.instead is not None:
        return fault.instead
    try:
        span = choose_span(request, len(content))
    except RangeRefused:
        return plain_answer(416, "no such range", [("Content-Range", f"bytes */{len(content)}")])
    transfer = Transfer(content, mime, span, segment)
    return fault.serve(transfer) if fault is not None and fault.serve is not None else transfer.answer()


def gated_answer(answer: Answer, allowance_bytes: int) -> Answer:
    """Return `answer` where all its bytes lie within a distrusted guest's allowance, else a refusal without a body."""
    is_media = answer.status in (200, 206)
    return Answer(403) if is_media and answer.first_byte + answer.length_bytes > allowance_bytes else answer


def _listen_everywhere(addresses: list[str], wanted_port: int) -> list[socket.socket]:
    """Return a listener for each address, all on one port: the wanted one or else any that is free."""
    ports = [wanted_port, *[0] * _PORT_TRIES] if wanted_port else [0] * _PORT_TRIES
    for attempt, port in enumerate(ports):
        listeners: list[socket.socket] = []
        try:
            for address in addresses:
                listener = _open_if_possible(address, listeners[0].getsockname()[1] if listeners else port)
                if listener is not None:
                    listeners.append(listener)
            return listeners
        except OSError:
            for listener in listeners:
                listener.close()
            if attempt == len(ports) - 1:
                raise
    return []


def _open_if_possible(address: str, port: int) -> socket.socket | None:
    """Open a listener. None on a machine without IPv6, whose clients cannot ask for it either."""
    try:
        return open_listener(address, port)
    except OSError as error:
        if ":" in address and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        raise


def _head_of(answer: Answer, keeps_alive: bool, now_s: float) -> bytes:
    common = [
        *([] if answer.is_chunked else [("Content-Length", str(answer.length_bytes))]),
        ("Connection", "keep-alive" if keeps_alive else "close"),
        ("Date", formatdate(now_s, usegmt=True)),
        ("Server", "gvs 1.0"),
    ]
    return response_head(answer.status, [*answer.headers, *common])


async def _send_refusal(sentence: str, now_s: float, writer: asyncio.StreamWriter) -> None:
    answer = plain_answer(400, sentence)
    writer.write(_head_of(answer, keeps_alive=False, now_s=now_s) + answer.body)
    await writer.drain()


async def _pause(delay_s: float, writer: asyncio.StreamWriter) -> None:
    """Wait, but not for a client that has gone. Raises ConnectionResetError in that case."""
    loop = asyncio.get_running_loop()
    until = loop.time() + delay_s
    while (left := until - loop.time()) > 0:
        await asyncio.sleep(min(left, 0.25))
        if writer.transport.is_closing():
            raise ConnectionResetError("the client has gone")


async def _send_paced(body: memoryview, pacer: Pacer, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LIMITED_BUFFER_BYTES)
    # 1, not 0: at 0 asyncio counts an empty TLS buffer as full and waits for ever.
    writer.transport.set_write_buffer_limits(high=1)
    start, ready_at = 0, loop.time()
    while start < len(body):
        end = min(len(body), start + pacer.quantum_bytes())
        due = pacer.reserve(end - start, ready_at)
        await _pause(due - loop.time(), writer)
        writer.write(body[start:end])
        written_at = loop.time()
        await writer.drain()
        # A client that does not read has used its time; it gets no burst for it.
        ready_at = due if loop.time() - written_at < 0.05 else loop.time()
        start = end


async def _send_endless_header(writer: asyncio.StreamWriter) -> None:
    """Send header lines until the client gives up, which raises."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        number += 1
        writer.write(f"X-Lab-Filler-{number}: {'x' * 2000}\r\n".encode())
        await writer.drain()
        # Lets other connections have their turn, and notices a client that is gone.
        await _pause(0.001, writer)


async def _finish(ending: Ending, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """End an answer as its fault wants; tell whether the connection goes on."""
    if ending is Ending.HANG:
        await _pause(math.inf, writer)
    if ending is Ending.RESET:
        await _wait_until_acknowledged(writer)
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()
    return ending is Ending.NORMAL


async def _wait_until_acknowledged(writer: asyncio.StreamWriter) -> None:
    """Wait until the peer's kernel has everything: a reset throws away what has not been sent."""
    descriptor = writer.get_extra_info("socket").fileno()
    loop = asyncio.get_running_loop()
    until, quiet_count = loop.time() + _ACKNOWLEDGE_MAX_S, 0
    # Twice in a row: the event loop may have more to hand to the kernel than its queue shows.
    while loop.time() < until and quiet_count < 2:
        waiting = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        quiet_count = quiet_count + 1 if waiting == 0 else 0
        await asyncio.sleep(0.01)
