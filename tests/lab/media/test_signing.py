"""Signed media URLs: what the rest of the lab relies on."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.media.signing import sign_url, verify

HOST = "rr5---sn-25ge7nsk.googlevideo.com"
STREAM = ClipStream(
    kind="audio",
    itag=140,
    path=Path("140.mp4"),
    size_bytes=245_123,
    duration_s=20.0,
    mime="audio/mp4",
    codecs="mp4a.40.2",
    bitrate_bps=98_000,
    average_bitrate_bps=97_000,
    width_px=None,
    height_px=None,
    frame_rate_fps=None,
    sample_rate_hz=44_100,
    channels=2,
    init_range=(0, 732),
    index_range=(733, 832),
)


def make_query(port: int = 4443, **overrides: str) -> dict[str, str]:
    url = sign_url(b"secret", HOST, port, "abcdefghijk", STREAM, "127.0.0.1", 2_000_000_000)
    return {**dict(parse_qsl(urlsplit(url).query)), **overrides}


def test_signed_url_carries_the_service_s_parameters() -> None:
    fallback = "rr2---sn-4g5lznez.googlevideo.com"
    url = sign_url(b"s", HOST, 4443, "abcdefghijk", STREAM, "127.0.0.1", 2_000_000_000, fallback_host=fallback)
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    assert (parts.scheme, parts.netloc, parts.path) == ("https", f"{HOST}:4443", "/videoplayback")
    assert query["mn"] == "sn-25ge7nsk,sn-4g5lznez"
    assert (query["id"], query["itag"], query["clen"], query["dur"]) == ("abcdefghijk", "140", "245123", "20.000")
    assert {"mm", "ms", "pl", "initcwndbps", "c", "fexp", "mime", "lmt", "ei", "sig"} <= query.keys()


def test_signed_url_on_the_standard_port_names_no_port() -> None:
    url = sign_url(b"s", HOST, 443, "abcdefghijk", STREAM, "127.0.0.1", 2_000_000_000)
    assert urlsplit(url).netloc == HOST


def test_verify_accepts_an_untouched_url_and_ignores_unsigned_parameters() -> None:
    assert verify(b"secret", make_query(redirect_counter="1", mn="x"), "127.0.0.1", 1_999_999_999) is None


@pytest.mark.parametrize("name", ["expire", "ei", "ip", "id", "itag", "source", "requiressl"])
def test_verify_refuses_any_change_of_a_signed_parameter(name: str) -> None:
    assert verify(b"secret", make_query(**{name: "9"}), "127.0.0.1", 0) == "the signature does not match"


def test_verify_refuses_another_secret_an_expired_url_and_another_client() -> None:
    assert verify(b"other", make_query(), "127.0.0.1", 0) == "the signature does not match"
    assert verify(b"secret", make_query(), "127.0.0.1", 2_000_000_000) == "the URL has expired"
    assert verify(b"secret", make_query(), "::1", 0) == "the URL was made for another address"
