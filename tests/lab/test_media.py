"""The lab's media hosts, fetched by Python's own TLS and HTTP client and by curl."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse, IncompleteRead, RemoteDisconnected
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips import CLIPS, Clip, load_clip, prepare_clips
from pytomo_scrapy.lab.media import MediaServer
from pytomo_scrapy.lab.media_faults import damage
from pytomo_scrapy.lab.model import LabVideo, MediaHost, RateRule, World
from pytomo_scrapy.lab.signing import (
    DUAL_STACK_HOST_NAME,
    EXPIRES_IN_S,
    HOST_FAULTS,
    REDIRECT_PARTNER_NAME,
    fault_host_name,
    sign_url,
    special_hosts,
)

SECRET = b"for tests"
VIDEO_FAULTS = (
    *("http_403", "http_403_middle", "http_404", "http_500", "media_429", "reset", "stall", "truncated"),
    *("wrong_length", "slow_first_byte", "endless_header", "not_video", "corrupt"),
)
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
    videos += [LabVideo(f"bad-{fault}", "", "muxed_20", fault_host_name(fault), fault) for fault in HOST_FAULTS]
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
            return exchange(connection, url, method, **headers)


def exchange(connection: ssl.SSLSocket, url: str, method: str = "GET", **headers: str) -> Got:
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


@pytest.fixture(scope="module")
def lab(lab_thread: Any, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    world = make_world()
    clips = prepare_clips({video.clip for video in world.videos.values()})
    authority = Authority.create(tmp_path_factory.mktemp("authority"))
    server = MediaServer(world, clips, authority, SECRET)
    lab_thread.serve(server)
    return Lab(server, world, clips, authority.bundle_path)


def is_ipv6_usable() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("video_id", "itag"),
    [("good-separate_20", 134), ("good-separate_20", 140), ("good-muxed_90", 18), ("good-webm_40", 251)],
)
def test_media_fetched_whole_is_the_clip_s_file(lab: Lab, video_id: str, itag: int) -> None:
    got = lab.get(lab.url(video_id, itag))
    stream = lab.clips[lab.world.videos[video_id].clip].stream(itag)
    assert got.status == 200 and got.body == lab.content(video_id, itag)
    assert stream is not None and got.headers["content-type"] == stream.mime
    assert got.headers["content-length"] == str(stream.size_bytes)


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-50", -50, None), ("bytes=100-99999999", 100, None)],
)
def test_range_header_gives_206_with_those_bytes(lab: Lab, header: str, first: int, end: int | None) -> None:
    content = lab.content("good-separate_20", 140)
    got = lab.get(lab.url("good-separate_20", 140), Range=header)
    start = first % len(content)
    last = (len(content) if end is None else end) - 1
    assert got.status == 206 and got.body == content[first:end]
    assert got.headers["content-range"] == f"bytes {start}-{last}/{len(content)}"


def test_range_beyond_the_file_gives_416_with_its_size(lab: Lab) -> None:
    size = len(lab.content("good-separate_20", 140))
    got = lab.get(lab.url("good-separate_20", 140), Range=f"bytes={size}-")
    assert got.status == 416 and got.headers["content-range"] == f"bytes */{size}"


def test_range_parameter_gives_200_with_those_bytes(lab: Lab) -> None:
    got = lab.get(lab.url("good-separate_20", 140) + "&range=10-19")
    assert got.status == 200 and got.body == lab.content("good-separate_20", 140)[10:20]


def test_head_gives_the_length_without_a_body_and_the_connection_is_kept(lab: Lab) -> None:
    url = lab.url("good-separate_20", 140)
    with lab.connect(FAST) as connection:
        head = exchange(connection, url, "HEAD")
        assert head.status == 200 and head.body == b""
        assert head.headers["content-length"] == str(len(lab.content("good-separate_20", 140)))
        for _ in range(3):
            assert exchange(connection, url, Range="bytes=0-9").status == 206
        assert exchange(connection, url, Connection="close").headers["connection"] == "close"
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: re.sub(r"itag=140", "itag=134", url), "signature"),
        (lambda url: re.sub(r"sig=..", "sig=zz", url), "signature"),
        (lambda url: re.sub(r"&sig=\w+", "", url), "signature"),
        (lambda url: re.sub(r"expire=\d+", "expire=9999999999", url), "signature"),
        (lambda url: re.sub(r"&ip=[^&]+", "", url), "missing"),
        (lambda url: re.sub(r"sparams=[^&]+", "sparams=id", url), "missing"),
    ],
)
def test_media_with_a_changed_url_is_refused(lab: Lab, change: Any, reason: str) -> None:
    got = lab.get(change(lab.url("good-separate_20", 140)))
    assert got.status == 403 and reason.encode() in got.body


def test_media_for_another_client_s_address_is_refused(lab: Lab) -> None:
    got = lab.get(lab.url("good-separate_20", 140, client_ip="192.0.2.1"))
    assert got.status == 403 and b"another address" in got.body


def test_media_after_its_expiry_is_refused(lab: Lab) -> None:
    stream = lab.clips["separate_20"].stream(140)
    assert stream is not None
    url = sign_url(SECRET, FAST, lab.server.port, "good-separate_20", stream, "127.0.0.1", int(time.time()) - 1)
    got = lab.get(url)
    assert got.status == 403 and b"expired" in got.body


def test_media_before_its_preroll_is_over_is_refused_and_then_served(lab: Lab) -> None:
    stream = lab.clips["separate_20"].stream(140)
    assert stream is not None

    def status_when_resolved(seconds_ago: int) -> int:
        expire = int(time.time()) - seconds_ago + EXPIRES_IN_S
        return lab.get(sign_url(SECRET, FAST, lab.server.port, "early", stream, "127.0.0.1", expire)).status

    assert status_when_resolved(0) == 403
    assert status_when_resolved(7) == 200


def test_host_video_or_method_that_does_not_exist_is_refused(lab: Lab) -> None:
    url = lab.url("good-separate_20", 140)
    assert lab.get(url.replace(FAST, "rr7---sn-none.googlevideo.com"), address="127.42.2.1").status == 404
    assert lab.get(url.replace("/videoplayback", "/elsewhere")).status == 404
    assert lab.get(url, method="DELETE").status == 405


def test_redirecting_host_sends_to_the_other_which_serves(lab: Lab) -> None:
    got = lab.get(lab.url("good-separate_20", 140, host=REDIRECTING))
    assert got.status == 302
    target = got.headers["location"]
    assert urlsplit(target).hostname == OTHER and "redirect_counter=1" in target
    assert lab.get(target).body == lab.content("good-separate_20", 140)


def test_redirect_loop_leads_from_one_host_to_the_other_and_back(lab: Lab) -> None:
    url, hosts = lab.url("bad-redirect_loop", 18), []
    for count in range(1, 5):
        got = lab.get(url)
        url = got.headers["location"]
        assert got.status == 302 and f"redirect_counter={count}" in url
        hosts.append(urlsplit(url).hostname)
    assert hosts == [REDIRECT_PARTNER_NAME, fault_host_name("redirect_loop")] * 2


def test_delayed_host_answers_late(lab: Lab) -> None:
    began = time.monotonic()
    assert lab.get(lab.url("good-separate_20", 140, host=DELAYED), Range="bytes=0-0").status == 206
    assert 0.3 <= time.monotonic() - began < 2.0


def test_dual_stack_host_serves_over_ipv6_to_the_ipv6_client_only(lab: Lab) -> None:
    if not is_ipv6_usable():
        pytest.skip("this machine has no IPv6 loopback")
    url = lab.url("good-separate_20", 140, host=DUAL_STACK_HOST_NAME, client_ip="::1")
    assert lab.get(url, address="::1").body == lab.content("good-separate_20", 140)
    assert lab.get(url).status == 403


def read_for(lab: Lab, url: str, window_s: float, address: str | None = None) -> list[tuple[float, int]]:
    """Return (seconds since the first body byte was asked for, bytes so far) of each arrival in a window."""
    arrivals: list[tuple[float, int]] = []
    parts, total = urlsplit(url), 0
    with lab.connect(parts.hostname or "", address) as connection:
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


@pytest.mark.parametrize(("host", "rate_bps"), [(ONE_MBIT, 1e6), (FIVE_MBIT, 5e6)])
def test_limited_host_delivers_its_rate_smoothly(lab: Lab, host: str, rate_bps: float) -> None:
    arrivals = read_for(lab, lab.url("good-muxed_90", 18, host=host), 2.0)
    last_s, total = arrivals[-1]
    assert 8 * total / last_s == pytest.approx(rate_bps, rel=0.1)
    # Never ahead of the line by more than a portion of 10 ms and a tenth of a second of this client's own delays.
    assert all(8 * count <= rate_bps * (t_s + 0.11) for t_s, count in arrivals)


def test_limited_host_sends_its_first_portions_without_holes(lab: Lab) -> None:
    """Nagle's algorithm would hold the second one back for 40 ms; the best of three, as this machine may be busy."""

    def longest_gap_s() -> float:
        arrivals = read_for(lab, lab.url("good-muxed_90", 18, host=ONE_MBIT), 0.2)
        return max(later - earlier for (earlier, _), (later, _) in pairwise(arrivals))

    assert min(longest_gap_s() for _ in range(3)) < 0.03


def test_limited_host_with_clip_ratio_delivers_that_share_of_the_clip_s_rate(lab: Lab) -> None:
    last_s, total = read_for(lab, lab.url("good-muxed_90", 18, host=HALF), 2.0)[-1]
    assert 8 * total / last_s == pytest.approx(0.5 * lab.clips["muxed_90"].mean_bps, rel=0.1)


def test_limited_host_shares_its_rate_fairly_between_two_connections(lab: Lab) -> None:
    urls = [lab.url("good-separate_20", itag, host=ONE_MBIT) for itag in (134, 140)]
    totals = [0, 0]

    def read(place: int) -> None:
        totals[place] = read_for(lab, urls[place], 1.5)[-1][1]

    threads = [threading.Thread(target=read, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert 8 * sum(totals) / 1.5 == pytest.approx(1e6, rel=0.1)
    assert totals[0] == pytest.approx(totals[1], rel=0.1)


def test_host_with_an_outage_sends_nothing_meanwhile_and_goes_on_after_it(lab: Lab) -> None:
    arrivals = read_for(lab, lab.url("good-muxed_90", 18, host=OUTAGE), 2.0)
    gaps = [(later - earlier, earlier) for (earlier, _), (later, _) in pairwise(arrivals)]
    longest_s, began_s = max(gaps)
    assert longest_s == pytest.approx(0.8, abs=0.15) and began_s == pytest.approx(0.5, abs=0.15)
    # 0.5 s and 0.7 s at 4 Mbit/s.
    assert 8 * arrivals[-1][1] == pytest.approx(4.8e6, rel=0.1)


def test_cache_at_another_address_serves_at_its_own_rate(lab: Lab) -> None:
    """A resolver that leads to another cache leads to that cache's line."""
    last_s, total = read_for(lab, lab.url("good-muxed_90", 18), 1.5, lab.world.hosts[FIVE_MBIT].address)[-1]
    assert 8 * total / last_s == pytest.approx(5e6, rel=0.15)


@pytest.mark.parametrize(
    ("fault", "status"), [("http_403", 403), ("http_404", 404), ("http_500", 500), ("media_429", 429)]
)
def test_video_with_a_status_fault_gives_that_status(lab: Lab, fault: str, status: int) -> None:
    got = lab.get(lab.url(f"bad-{fault}", 18))
    assert got.status == status
    assert got.headers.get("retry-after") == ("30" if fault == "media_429" else None)


def test_video_with_403_middle_serves_a_quarter_and_refuses_the_rest(lab: Lab) -> None:
    url, content = lab.url("bad-http_403_middle", 18), lab.content("bad-http_403_middle", 18)
    quarter = len(content) // 4
    assert lab.get(url, Range=f"bytes=0-{quarter - 1}").body == content[:quarter]
    assert lab.get(url, Range=f"bytes={quarter}-").status == 403
    whole = run_curl(lab, url)
    assert (whole.returncode, whole.stdout) == (56, content[:quarter]) and b"reset by peer" in whole.stderr


def test_video_with_reset_sends_a_quarter_then_resets(lab: Lab) -> None:
    # curl, as Python 3.11 takes a reset within TLS for an end of file.
    got, content = run_curl(lab, lab.url("bad-reset", 18)), lab.content("bad-reset", 18)
    assert (got.returncode, got.stdout) == (56, content[: len(content) // 4]) and b"reset by peer" in got.stderr


def test_video_with_stall_sends_a_quarter_then_stays_silent(lab: Lab) -> None:
    got, content = lab.get(lab.url("bad-stall", 18), timeout_s=0.7), lab.content("bad-stall", 18)
    assert got.error == "TimeoutError" and got.body == content[: len(content) // 4]


def test_video_truncated_is_closed_cleanly_at_half_of_its_declared_length(lab: Lab) -> None:
    got, content = lab.get(lab.url("bad-truncated", 18)), lab.content("bad-truncated", 18)
    assert got.headers["content-length"] == str(len(content))
    assert got.body == content[: len(content) // 2] and got.error in (None, "IncompleteRead")


def test_video_with_wrong_length_declares_and_sends_half(lab: Lab) -> None:
    got, content = lab.get(lab.url("bad-wrong_length", 18)), lab.content("bad-wrong_length", 18)
    assert got.error is None and got.body == content[: len(content) // 2]
    assert got.headers["content-length"] == str(len(content) // 2)


def test_video_with_slow_first_byte_answers_nothing_in_time(lab: Lab) -> None:
    with pytest.raises(TimeoutError):
        lab.get(lab.url("bad-slow_first_byte", 18), timeout_s=0.7)


def test_video_with_endless_header_never_comes_to_a_body(lab: Lab) -> None:
    parts = urlsplit(lab.url("bad-endless_header", 18))
    received = b""
    with lab.connect(FAST) as connection:
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        while len(received) < 150_000:
            received += connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 ") and b"\r\n\r\n" not in received


def test_video_that_is_not_one_is_an_html_page(lab: Lab) -> None:
    got = lab.get(lab.url("bad-not_video", 18))
    assert got.status == 200 and got.headers["content-type"].startswith("text/html") and b"<html>" in got.body


def test_corrupt_video_is_damaged_the_same_way_each_time(lab: Lab) -> None:
    url, content = lab.url("bad-corrupt", 18), lab.content("bad-corrupt", 18)
    first, second = lab.get(url), lab.get(url)
    assert first.body == second.body != content and len(first.body) == len(content)


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_damaged_clip_of_any_kind_has_no_frame_left(name: str, tmp_path: Path) -> None:
    for stream in load_clip(name).streams:
        path = tmp_path / stream.path.name
        path.write_bytes(damage(stream.path.read_bytes(), "seed"))
        frames = 0
        with contextlib.suppress(av.error.FFmpegError), av.open(str(path)) as container:
            playable = [part for part in container.streams if part.type in ("video", "audio")]
            frames = sum(1 for _ in container.decode(playable)) if playable else 0
        assert frames == 0


@pytest.mark.parametrize(("fault", "code"), [("tls_expired", 10), ("tls_wrong_name", 62), ("tls_unknown_ca", 20)])
def test_host_with_a_certificate_at_fault_fails_by_exactly_that(lab: Lab, fault: str, code: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        lab.get(lab.url(f"bad-{fault}", 18))
    assert caught.value.verify_code == code


def test_host_that_refuses_has_nobody_on_its_port(lab: Lab) -> None:
    with pytest.raises(ConnectionRefusedError):
        lab.get(lab.url("bad-refused", 18))


def run_curl(lab: Lab, url: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    if shutil.which("curl") is None:
        pytest.skip("the curl program is not installed")
    host = urlsplit(url).hostname or ""
    command = ["curl", "-sS", "--noproxy", "*", "--cacert", str(lab.bundle)]
    for name, where in lab.world.hosts.items():
        command += ["--resolve", f"{name}:{lab.server.port}:{where.address}"]
    command += [*options, url]
    assert host in lab.world.hosts
    return subprocess.run(command, capture_output=True, timeout=20, check=False)


def test_curl_follows_the_redirect_and_gets_the_file(lab: Lab) -> None:
    got = run_curl(lab, lab.url("good-muxed_90", 18, host=REDIRECTING), "-L")
    assert got.returncode == 0, got.stderr
    assert hashlib.sha256(got.stdout).digest() == hashlib.sha256(lab.content("good-muxed_90", 18)).digest()


@pytest.mark.parametrize(
    ("fault", "code"),
    # Source of the numbers: libcurl's error codes, https://curl.se/libcurl/c/libcurl-errors.html
    [
        *(
            ("refused", 7),
            ("truncated", 18),
            ("reset", 56),
            ("stall", 28),
            ("slow_first_byte", 28),
            ("tls_expired", 60),
        ),
        *(("tls_wrong_name", 60), ("tls_unknown_ca", 60), ("redirect_loop", 47), ("endless_header", 56)),
        ("http_403", 22),
    ],
)
def test_curl_meets_the_fault_as_its_own_error(lab: Lab, fault: str, code: int) -> None:
    got = run_curl(lab, lab.url(f"bad-{fault}", 18), "-L", "-f", "--max-time", "1.5", "--max-redirs", "6")
    assert got.returncode == code, got.stderr


def test_unlimited_host_is_not_what_limits_a_client(lab: Lab) -> None:
    url = lab.url("good-muxed_90", 18)
    size = len(lab.content("good-muxed_90", 18))
    with lab.connect(FAST) as connection:
        began = time.monotonic()
        for _ in range(4):
            assert len(exchange(connection, url).body) == size
        taken_s = time.monotonic() - began
    # Far above any rate of the lab's worlds even on a loaded machine; an idle one reaches ten times as much.
    assert 4 * size / taken_s > 20e6


def test_server_that_closes_during_transfers_ends_them_at_once(lab: Lab, lab_thread: Any, tmp_path: Path) -> None:
    server = MediaServer(lab.world, lab.clips, Authority.create(tmp_path), SECRET)
    lab_thread.run(server.start())
    other = Lab(server, lab.world, lab.clips, tmp_path / "ca.pem")
    urls = [
        other.url("good-muxed_90", 18, host=ONE_MBIT),
        other.url("bad-stall", 18),
        other.url("bad-slow_first_byte", 18),
    ]
    ended: list[float] = []

    def fetch(url: str) -> None:
        with contextlib.suppress(OSError, RemoteDisconnected):
            other.get(url, timeout_s=10.0)
        ended.append(time.monotonic())

    threads = [threading.Thread(target=fetch, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    lab_thread.run(server.close())
    for thread in threads:
        thread.join(timeout=5)
    assert len(ended) == 3 and max(ended) - began < 2.0
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.42.2.1", server.port), timeout=1):
        pass


def test_server_whose_wanted_port_is_taken_takes_another(lab: Lab, lab_thread: Any, tmp_path: Path) -> None:
    server = MediaServer(lab.world, lab.clips, Authority.create(tmp_path), SECRET, port=lab.server.port)
    lab_thread.run(server.start())
    try:
        assert server.port not in (0, lab.server.port)
    finally:
        lab_thread.run(server.close())
