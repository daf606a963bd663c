"""A running media server for its tests, with clients that pin names to addresses as the product does."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.clip import Clip
from pytomo_scrapy.lab.clips.library import prepare_clips
from pytomo_scrapy.lab.faults import FAULTS, MediaFault, host_faults
from pytomo_scrapy.lab.hosts import fault_host_name, special_hosts
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url
from pytomo_scrapy.lab.model import LabVideo, MediaHost, RateRule, World

SECRET = b"for tests"
VIDEO_FAULTS = [name for name, fault in FAULTS.items() if isinstance(fault, MediaFault) and not fault.has_own_host]
FAST = "rr1---sn-fast.googlevideo.com"
OTHER = "rr2---sn-fast.googlevideo.com"
REDIRECTING = "rr3---sn-fast.googlevideo.com"
DELAYED = "rr4---sn-fast.googlevideo.com"
ONE_MBIT = "rr1---sn-slow.googlevideo.com"
FIVE_MBIT = "rr2---sn-slow.googlevideo.com"
HALF = "rr3---sn-slow.googlevideo.com"
OUTAGE = "rr4---sn-slow.googlevideo.com"


def make_world() -> World:
    rules = [
        MediaHost(FAST, "127.42.2.1"),
        MediaHost(OTHER, "127.42.2.2"),
        MediaHost(REDIRECTING, "127.42.2.3", redirects_to=OTHER),
        MediaHost(DELAYED, "127.42.2.4", first_byte_delay_s=0.3),
        MediaHost(ONE_MBIT, "127.42.2.5", RateRule(steps=((0.0, 1e6),))),
        MediaHost(FIVE_MBIT, "127.42.2.6", RateRule(steps=((0.0, 5e6),))),
        MediaHost(HALF, "127.42.2.7", RateRule(clip_ratio=0.5)),
        MediaHost(OUTAGE, "127.42.2.8", RateRule(steps=((0.0, 4e6), (0.5, 0.0), (1.3, 4e6)))),
    ]
    hosts = {host.name: host for host in rules} | special_hosts()
    videos = [LabVideo(f"good-{clip}", "", clip, FAST) for clip in ("separate_20", "muxed_90", "webm_40")]
    videos.append(LabVideo("early", "", "separate_20", FAST, available_after_s=5.0))
    videos += [LabVideo(f"bad-{fault}", "", "muxed_20", FAST, fault) for fault in VIDEO_FAULTS]
    own = [fault.name for fault in host_faults()]
    videos += [LabVideo(f"bad-{fault}", "", "muxed_20", fault_host_name(fault), fault) for fault in own]
    return World("test", "", {video.video_id: video for video in videos}, hosts)


@dataclass(frozen=True)
class Got:
    """What a client received, and how the connection ended if it ended badly."""

    status: int
    headers: dict[str, str]
    body: bytes
    error: str | None = None


class Lab:
    """A running media server with a client that pins names to addresses, as the product does."""

    def __init__(self, server: MediaServer, world: World, clips: dict[str, Clip], bundle: Path) -> None:
        self.server, self.world, self.clips, self.bundle = server, world, clips, bundle

    @staticmethod
    def exchange(connection: ssl.SSLSocket, url: str, method: str = "GET", **headers: str) -> Got:
        """Send one request on an open connection and read its answer to its end, good or bad."""
        parts = urlsplit(url)
        lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        response = HTTPResponse(connection, method=method)
        response.begin()
        body, error = bytearray(), None
        try:
            while piece := response.read1(65536):
                body += piece
        except (OSError, IncompleteRead) as caught:
            error = type(caught).__name__
        return Got(response.status, {name.lower(): value for name, value in response.getheaders()}, bytes(body), error)

    def url(self, video_id: str, itag: int, *, host: str | None = None, client_ip: str = "127.0.0.1") -> str:
        video = self.world.videos[video_id]
        stream = self.clips[video.clip].stream(itag)
        assert stream is not None
        expire = int(time.time()) + EXPIRES_IN_S
        return sign_url(SECRET, host or video.host, self.server.port, video_id, stream, client_ip, expire)

    def content(self, video_id: str, itag: int) -> bytes:
        stream = self.clips[self.world.videos[video_id].clip].stream(itag)
        assert stream is not None
        return stream.path.read_bytes()

    @contextmanager
    def connect(self, host: str, address: str | None = None, timeout_s: float = 5.0) -> Iterator[ssl.SSLSocket]:
        trust = ssl.create_default_context(cafile=str(self.bundle))
        where = address or self.world.hosts[host].address
        with (
            socket.create_connection((where, self.server.port), timeout=timeout_s) as plain,
            trust.wrap_socket(plain, server_hostname=host) as secure,
        ):
            yield secure

    def get(
        self, url: str, *, address: str | None = None, method: str = "GET", timeout_s: float = 5.0, **headers: str
    ) -> Got:
        with self.connect(urlsplit(url).hostname or "", address, timeout_s) as connection:
            return self.exchange(connection, url, method, **headers)

    def read_for(self, url: str, window_s: float, address: str | None = None) -> list[tuple[float, int]]:
        """Return (seconds since the request, body bytes so far) of each arrival in a window."""
        arrivals: list[tuple[float, int]] = []
        parts, total = urlsplit(url), 0
        with self.connect(parts.hostname or "", address) as connection:
            connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            began = time.monotonic()
            response = HTTPResponse(connection)
            response.begin()
            while (now := time.monotonic() - began) < window_s:
                piece = response.read1(65536)
                if not piece:
                    break
                total += len(piece)
                arrivals.append((now, total))
        return arrivals

    def run_curl(self, url: str, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Fetch `url` with the curl program, every host's name pinned to its own address."""
        if shutil.which("curl") is None:
            pytest.skip("the curl program is not installed")
        command = ["curl", "-sS", "--noproxy", "*", "--cacert", str(self.bundle)]
        for name, where in self.world.hosts.items():
            command += ["--resolve", f"{name}:{self.server.port}:{where.address}"]
        command += [*options, url]
        return subprocess.run(command, capture_output=True, timeout=20, check=False)


@pytest.fixture(scope="module")
def lab(lab_thread: Any, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    world = make_world()
    clips = prepare_clips({video.clip for video in world.videos.values()})
    authority = Authority.create(tmp_path_factory.mktemp("authority"))
    server = MediaServer(world, clips, authority, SECRET)
    lab_thread.serve(server)
    return Lab(server, world, clips, authority.bundle_path)
