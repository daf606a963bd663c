"""The lab's media hosts: files, ranges, refusals, redirects, and their own end."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.hosts import DUAL_STACK_HOST_NAME, fault_host_name, partner_name
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url

pytestmark = pytest.mark.process

SECRET = b"for tests"

FAST = "rr1---sn-fast.googlevideo.com"
OTHER = "rr2---sn-fast.googlevideo.com"
REDIRECTING = "rr3---sn-fast.googlevideo.com"
DELAYED = "rr4---sn-fast.googlevideo.com"
ONE_MBIT = "rr1---sn-slow.googlevideo.com"


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
def test_media_fetched_whole_is_the_clip_s_file(lab: Any, video_id: str, itag: int) -> None:
    got = lab.get(lab.url(video_id, itag))
    stream = lab.clips[lab.world.videos[video_id].clip].stream(itag)
    assert got.status == 200 and got.body == lab.content(video_id, itag)
    assert stream is not None and got.headers["content-type"] == stream.mime
    assert got.headers["content-length"] == str(stream.size_bytes)


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-50", -50, None), ("bytes=100-99999999", 100, None)],
)
def test_range_header_gives_206_with_those_bytes(lab: Any, header: str, first: int, end: int | None) -> None:
    content = lab.content("good-separate_20", 140)
    got = lab.get(lab.url("good-separate_20", 140), Range=header)
    start = first % len(content)
    last = (len(content) if end is None else end) - 1
    assert got.status == 206 and got.body == content[first:end]
    assert got.headers["content-range"] == f"bytes {start}-{last}/{len(content)}"


def test_range_beyond_the_file_gives_416_with_its_size(lab: Any) -> None:
    size = len(lab.content("good-separate_20", 140))
    got = lab.get(lab.url("good-separate_20", 140), Range=f"bytes={size}-")
    assert got.status == 416 and got.headers["content-range"] == f"bytes */{size}"


def test_range_parameter_gives_200_with_those_bytes(lab: Any) -> None:
    got = lab.get(lab.url("good-separate_20", 140) + "&range=10-19")
    assert got.status == 200 and got.body == lab.content("good-separate_20", 140)[10:20]


def test_head_gives_the_length_without_a_body_and_the_connection_is_kept(lab: Any) -> None:
    url = lab.url("good-separate_20", 140)
    with lab.connect(FAST) as connection:
        head = lab.exchange(connection, url, "HEAD")
        assert head.status == 200 and head.body == b""
        assert head.headers["content-length"] == str(len(lab.content("good-separate_20", 140)))
        for _ in range(3):
            assert lab.exchange(connection, url, Range="bytes=0-9").status == 206
        assert lab.exchange(connection, url, Connection="close").headers["connection"] == "close"
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
def test_media_with_a_changed_url_is_refused(lab: Any, change: Any, reason: str) -> None:
    got = lab.get(change(lab.url("good-separate_20", 140)))
    assert got.status == 403 and reason.encode() in got.body


def test_media_for_another_client_s_address_is_refused(lab: Any) -> None:
    got = lab.get(lab.url("good-separate_20", 140, client_ip="192.0.2.1"))
    assert got.status == 403 and b"another address" in got.body


def test_media_after_its_expiry_is_refused(lab: Any) -> None:
    stream = lab.clips["separate_20"].stream(140)
    assert stream is not None
    url = sign_url(SECRET, FAST, lab.server.port, "good-separate_20", stream, "127.0.0.1", int(time.time()) - 1)
    got = lab.get(url)
    assert got.status == 403 and b"expired" in got.body


def test_media_before_its_preroll_is_over_is_refused_and_then_served(lab: Any) -> None:
    stream = lab.clips["separate_20"].stream(140)
    assert stream is not None

    def status_when_resolved(seconds_ago: int) -> int:
        expire = int(time.time()) - seconds_ago + EXPIRES_IN_S
        return lab.get(sign_url(SECRET, FAST, lab.server.port, "early", stream, "127.0.0.1", expire)).status

    assert status_when_resolved(0) == 403
    assert status_when_resolved(7) == 200


def test_host_video_or_method_that_does_not_exist_is_refused(lab: Any) -> None:
    url = lab.url("good-separate_20", 140)
    assert lab.get(url.replace(FAST, "rr7---sn-none.googlevideo.com"), address="127.42.2.1").status == 404
    assert lab.get(url.replace("/videoplayback", "/elsewhere")).status == 404
    assert lab.get(url, method="DELETE").status == 405


def test_request_that_is_not_http_gets_a_sentence_and_the_connection_ends(lab: Any) -> None:
    received = b""
    with lab.connect(FAST) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        while piece := connection.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 400 ") and b"not HTTP/1.1" in received


def test_redirecting_host_sends_to_the_other_which_serves(lab: Any) -> None:
    got = lab.get(lab.url("good-separate_20", 140, host=REDIRECTING))
    assert got.status == 302
    target = got.headers["location"]
    assert urlsplit(target).hostname == OTHER and "redirect_counter=1" in target
    assert lab.get(target).body == lab.content("good-separate_20", 140)


def test_redirect_loop_leads_from_one_host_to_the_other_and_back(lab: Any) -> None:
    url, hosts = lab.url("bad-redirect_loop", 18), []
    for count in range(1, 5):
        got = lab.get(url)
        url = got.headers["location"]
        assert got.status == 302 and f"redirect_counter={count}" in url
        hosts.append(urlsplit(url).hostname)
    assert hosts == [partner_name("redirect_loop"), fault_host_name("redirect_loop")] * 2


def test_delayed_host_answers_late(lab: Any) -> None:
    began = time.monotonic()
    assert lab.get(lab.url("good-separate_20", 140, host=DELAYED), Range="bytes=0-0").status == 206
    assert 0.3 <= time.monotonic() - began < 5.0


def test_dual_stack_host_serves_over_ipv6_to_the_ipv6_client_only(lab: Any) -> None:
    if not is_ipv6_usable():
        pytest.skip("this machine has no IPv6 loopback")
    url = lab.url("good-separate_20", 140, host=DUAL_STACK_HOST_NAME, client_ip="::1")
    assert lab.get(url, address="::1").body == lab.content("good-separate_20", 140)
    assert lab.get(url).status == 403


def test_curl_follows_the_redirect_and_gets_the_file(lab: Any) -> None:
    got = lab.run_curl(lab.url("good-muxed_90", 18, host=REDIRECTING), "-L")
    assert got.returncode == 0, got.stderr
    assert hashlib.sha256(got.stdout).digest() == hashlib.sha256(lab.content("good-muxed_90", 18)).digest()


def test_server_that_closes_during_transfers_ends_them_at_once(lab: Any, lab_thread: Any, tmp_path: Path) -> None:
    server = MediaServer(lab.world, lab.clips, Authority.create(tmp_path), SECRET)
    lab_thread.run(server.start())
    other = type(lab)(server, lab.world, lab.clips, tmp_path / "ca.pem")
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
        thread.join(timeout=60)
    assert len(ended) == 3 and max(ended) - began < 8.0, "before they would have given up"
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.42.2.1", server.port), timeout=1):
        pass


def test_server_whose_wanted_port_is_taken_takes_another(lab: Any, lab_thread: Any, tmp_path: Path) -> None:
    server = MediaServer(lab.world, lab.clips, Authority.create(tmp_path), SECRET, port=lab.server.port)
    lab_thread.run(server.start())
    try:
        assert server.port not in (0, lab.server.port)
    finally:
        lab_thread.run(server.close())
