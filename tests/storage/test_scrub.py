"""What must never reach the database."""

from __future__ import annotations

import pytest

from pytomo_scrapy.storage.scrub import MAX_DETAIL_CHARS, scrub, without_secrets

MEDIA = "https://rr3---sn-abc.googlevideo.com/videoplayback?expire=1&ip=203.0.113.7&sig=AB%3D&mime=video/mp4"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            f"HTTP 403 for {MEDIA}: refused",
            "HTTP 403 for https://rr3---sn-abc.googlevideo.com/videoplayback?[removed] refused",
        ),
        ("GET /videoplayback?ip=203.0.113.7&sig=x", "GET /videoplayback?[removed]"),
        ("proxy http://me:secret@10.0.0.1:3128/ said no", "proxy http://[removed]@10.0.0.1:3128/ said no"),
        ("Cookie: SOCS=CAI; SID=abc", "Cookie: [removed]"),
        ("path /ip/203.0.113.7/sig/abc/x", "path /ip/[removed]/sig/[removed]/x"),
        ("you are 203.0.113.7, not 198.51.100.2", "you are (client), not 198.51.100.2"),
        ("from [2001:db8::1]:443", "from [(client)]:443"),
        ("peer 203.0.113.7:443.", "peer (client):443."),
        ("x%3D203.0.113.7%26 and 2001%3adb8%3A%3a1", "x%3D(client)%26 and (client)"),
        ("::ffff:203.0.113.7 and 203.0.113.70", "::ffff:(client) and 203.0.113.70"),
        ("2001:DB8:0::1 left", "(client) left"),
        ('{"visitorData":"CgtUOGRzRW9%3D%3D","x":1}', '{"visitorData":"[removed]","x":1}'),
        (r"\x22VISITOR_DATA\x22:\x22CgtUOGRzRW9%3D\x22", r"\x22VISITOR_DATA\x22:\x22[removed]\x22"),
        (r"{\"visitorData\": \"Cgt\"}", r"{\"visitorData\": \"[removed]\"}"),
        ("VISITOR_INFO1_LIVE=T8dsEowmsZw; YSC=a", "VISITOR_INFO1_LIVE=[removed]; YSC=a"),
        ("connect to 142.250.1.1 port 443 failed", "connect to 142.250.1.1 port 443 failed"),
    ],
)
def test_scrub_removes_secrets_and_keeps_the_rest(text: str, clean: str) -> None:
    assert scrub(text, ["203.0.113.7", "2001:db8::1", None]) == clean


def test_scrub_of_nothing_is_nothing() -> None:
    assert scrub(None) is None


def test_scrub_bounds_the_length() -> None:
    assert len(scrub("x" * 10_000) or "") == MAX_DETAIL_CHARS


def test_settings_are_kept_without_secrets() -> None:
    assert without_secrets(
        {
            "PYTOMO_DATABASE_URL": "postgresql://me:hunter2@db/x",
            "PYTOMO_YOUTUBE_API_KEY": "AIzaSecret",
            "PYTOMO_PROVIDER": None,
            "PYTOMO_PING_PACKETS": 10,
            "PYTOMO_SEARCH_TERMS": ["the", "music"],
        }
    ) == {
        "PYTOMO_DATABASE_URL": "postgresql://[removed]@db/x",
        "PYTOMO_YOUTUBE_API_KEY": "[removed]",
        "PYTOMO_PROVIDER": None,
        "PYTOMO_PING_PACKETS": 10,
        "PYTOMO_SEARCH_TERMS": ["the", "music"],
    }
