"""The lab's media hosts: each fault as Python's client and curl meet it."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest

from pytomo_scrapy.lab.clips.clip import CLIPS
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.faults.media_wrong_files import damage

pytestmark = pytest.mark.process

FAST = "rr1---sn-fast.googlevideo.com"


@pytest.mark.parametrize(
    ("fault", "status"), [("http_403", 403), ("http_404", 404), ("http_500", 500), ("media_429", 429)]
)
def test_video_with_a_status_fault_gives_that_status(lab: Any, fault: str, status: int) -> None:
    got = lab.get(lab.url(f"bad-{fault}", 18))
    assert got.status == status
    assert got.headers.get("retry-after") == ("30" if fault == "media_429" else None)


def test_video_with_403_middle_serves_a_quarter_and_refuses_the_rest(lab: Any) -> None:
    url, content = lab.url("bad-http_403_middle", 18), lab.content("bad-http_403_middle", 18)
    quarter = len(content) // 4
    asked_for_all = lab.get(url, Range="bytes=0-")
    assert (asked_for_all.status, asked_for_all.body) == (206, content[:quarter])
    assert asked_for_all.headers["content-range"] == f"bytes 0-{quarter - 1}/{len(content)}"
    assert lab.get(url, Range=f"bytes={quarter}-").status == 403
    whole = lab.run_curl(url)
    assert (whole.returncode, whole.stdout) == (56, content[:quarter]) and b"reset by peer" in whole.stderr


# What stands in place of the rest: status, content type, and where it leads.
MIDDLE = {
    "http_403_middle": (403, "text/plain", None),
    "media_429_middle": (429, "text/plain", None),
    "http_451_middle": (451, "text/plain", None),
    "http_503_middle": (503, "text/plain", None),
    "page_middle": (200, "text/html; charset=utf-8", None),
    "redirect_middle": (302, "text/plain", "/sorry/index"),
}


@pytest.mark.parametrize("fault", MIDDLE)
def test_video_with_a_fault_in_the_middle_serves_a_quarter_first(lab: Any, fault: str) -> None:
    url, content = lab.url(f"bad-{fault}", 18), lab.content(f"bad-{fault}", 18)
    quarter = len(content) // 4
    first, rest = (lab.get(url, Range=asked) for asked in ("bytes=0-", f"bytes={quarter}-"))
    assert (first.status, first.body) == (206, content[:quarter])
    assert (rest.status, rest.headers["content-type"], rest.headers.get("location")) == MIDDLE[fault]
    assert rest.headers.get("retry-after") == ("30" if rest.status == 429 else None)


def test_redirect_in_the_middle_leads_to_a_page(lab: Any) -> None:
    got = lab.get(f"https://{FAST}:{lab.server.port}/sorry/index?continue=x")
    assert (got.status, got.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert got.body.startswith(b"<!DOCTYPE html>")


def test_video_with_reset_sends_a_quarter_then_resets(lab: Any) -> None:
    # curl, as Python 3.11 takes a reset within TLS for an end of file.
    got, content = lab.run_curl(lab.url("bad-reset", 18)), lab.content("bad-reset", 18)
    assert (got.returncode, got.stdout) == (56, content[: len(content) // 4]) and b"reset by peer" in got.stderr


def test_video_with_stall_sends_a_quarter_then_stays_silent(lab: Any) -> None:
    got, content = lab.get(lab.url("bad-stall", 18), timeout_s=0.7), lab.content("bad-stall", 18)
    assert got.error == "TimeoutError" and got.body == content[: len(content) // 4]


def test_video_truncated_is_closed_cleanly_at_half_of_its_declared_length(lab: Any) -> None:
    got, content = lab.get(lab.url("bad-truncated", 18)), lab.content("bad-truncated", 18)
    assert got.headers["content-length"] == str(len(content))
    assert got.body == content[: len(content) // 2] and got.error in (None, "IncompleteRead")


def test_video_with_wrong_length_declares_and_sends_half(lab: Any) -> None:
    got, content = lab.get(lab.url("bad-wrong_length", 18)), lab.content("bad-wrong_length", 18)
    assert got.error is None and got.body == content[: len(content) // 2]
    assert got.headers["content-length"] == str(len(content) // 2)


def test_video_with_slow_first_byte_answers_nothing_in_time(lab: Any) -> None:
    with pytest.raises(TimeoutError):
        lab.get(lab.url("bad-slow_first_byte", 18), timeout_s=0.7)


def test_video_with_endless_header_never_comes_to_a_body(lab: Any) -> None:
    parts = urlsplit(lab.url("bad-endless_header", 18))
    received = b""
    with lab.connect(FAST) as connection:
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        while len(received) < 150_000:
            received += connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 ") and b"\r\n\r\n" not in received


def test_video_that_is_not_one_is_an_html_page(lab: Any) -> None:
    got = lab.get(lab.url("bad-not_video", 18))
    assert got.status == 200 and got.headers["content-type"].startswith("text/html") and b"<html>" in got.body


def test_corrupt_video_is_damaged_the_same_way_each_time(lab: Any) -> None:
    url, content = lab.url("bad-corrupt", 18), lab.content("bad-corrupt", 18)
    first, second = lab.get(url), lab.get(url)
    assert first.body == second.body != content and len(first.body) == len(content)


# What is damaged depends on the container alone: the shortest clip of each.
SHORTEST = {
    min((spec for spec in CLIPS.values() if spec.kind == kind), key=lambda spec: spec.duration_s).name
    for kind in {spec.kind for spec in CLIPS.values()}
}


@pytest.mark.parametrize("name", sorted(SHORTEST))
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
def test_host_with_a_certificate_at_fault_fails_by_exactly_that(lab: Any, fault: str, code: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        lab.get(lab.url(f"bad-{fault}", 18))
    assert caught.value.verify_code == code


def test_host_that_refuses_has_nobody_on_its_port(lab: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        lab.get(lab.url("bad-refused", 18))


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
def test_curl_meets_the_fault_as_its_own_error(lab: Any, fault: str, code: int) -> None:
    got = lab.run_curl(lab.url(f"bad-{fault}", 18), "-L", "-f", "--max-time", "1.5", "--max-redirs", "6")
    assert got.returncode == code, got.stderr
