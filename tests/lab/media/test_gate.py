"""The gate of a media host: what a clean and a gated guest meet with ranges of every kind, over verified TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.library import prepare_clips
from pytomo_scrapy.lab.guests import Guest, Guests
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url
from pytomo_scrapy.lab.model import GuestRules, LabVideo, MediaHost, World
from pytomo_scrapy.lab.service.player_api import PlayerApi, PlayerRequest
from tests.lab.media.conftest import SECRET, Lab

pytestmark = pytest.mark.process

HOST = "rr1---sn-gate.googlevideo.com"
REDIRECTING = "rr2---sn-gate.googlevideo.com"
GATE_BYTES = 100_000
# Both are separate_20: 1 507 264 bytes of video, 245 224 of sound in 20 s.
VIDEO, SOUND = 134, 140


class GatedLab(Lab):
    """A media host whose guests are gated by turns, from the first on."""

    guests: Guests

    def guest_url(self, guest: Guest, itag: int = VIDEO, host: str = HOST) -> str:
        stream = self.clips["separate_20"].stream(itag)
        assert stream is not None
        expire = int(time.time()) + EXPIRES_IN_S
        return sign_url(SECRET, host, self.server.port, "video", stream, "127.0.0.1", expire, guest_mark=guest.mark)

    def get_range(self, url: str, asked: str | None) -> tuple[int, int]:
        """Return status and body length of a request with this range, or with none."""
        got = self.get(url, Range=f"bytes={asked}") if asked else self.get(url)
        return got.status, len(got.body)


def meet(guests: Guests, *, is_gated: bool) -> Guest:
    met = (guests.meet(guests.greet(None)) for _ in range(40))
    return next(guest for guest in met if guest.is_gated == is_gated)


@pytest.fixture(scope="module")
def lab(lab_thread: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedLab]:
    hosts = [MediaHost(HOST, "127.42.3.1"), MediaHost(REDIRECTING, "127.42.3.2", redirects_to=HOST)]
    videos = {"video": LabVideo("video", "", "separate_20", HOST)}
    rules = GuestRules(gated_share=0.5, gate_bytes=GATE_BYTES, gate_media_s=15.0)
    world = World("gate", "", videos, {host.name: host for host in hosts}, guests=rules)
    clips = prepare_clips({"separate_20"})
    authority = Authority.create(tmp_path_factory.mktemp("authority"))
    guests = Guests(rules)
    server = MediaServer(world, clips, authority, SECRET, guests=guests)
    lab_thread.serve(server)
    running = GatedLab(server, world, clips, authority.bundle_path)
    running.guests = guests
    yield running


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("0-1", (206, 2)),
        ("0-99999", (206, GATE_BYTES)),
        ("50000-99999", (206, 50_000)),
        ("99999-99999", (206, 1)),
        ("0-100000", (403, 0)),
        ("99999-100000", (403, 0)),
        ("100000-100001", (403, 0)),
        ("1000000-1000099", (403, 0)),
        ("0-", (403, 0)),
        ("99000-", (403, 0)),
        ("-50", (403, 0)),
        (None, (403, 0)),
    ],
)
def test_gated_guest_is_refused_every_range_that_reaches_too_far(
    lab: GatedLab, asked: str | None, expected: tuple[int, int]
) -> None:
    url = lab.guest_url(meet(lab.guests, is_gated=True))
    assert lab.get_range(url, asked) == expected


@pytest.mark.parametrize("asked", ["0-99999", "0-", "1000000-1000099", None])
def test_clean_guest_gets_every_range(lab: GatedLab, asked: str | None) -> None:
    url = lab.guest_url(meet(lab.guests, is_gated=False))
    status, length = lab.get_range(url, asked)
    assert status == (206 if asked else 200)
    assert length == {"0-99999": 100_000, "1000000-1000099": 100}.get(asked or "", 1_507_264)


def test_gate_is_of_each_stream_and_does_not_move(lab: GatedLab) -> None:
    guest = meet(lab.guests, is_gated=True)
    for _ in range(2):
        for itag in (VIDEO, SOUND):
            url = lab.guest_url(guest, itag)
            assert lab.get_range(url, "0-65535") == (206, 65_536)
            assert lab.get_range(url, "65536-131071") == (403, 0)
            assert lab.get_range(url, "65536-99999") == (206, 34_464)


def test_gate_on_one_connection_leaves_it_open(lab: GatedLab) -> None:
    url = lab.guest_url(meet(lab.guests, is_gated=True))
    with lab.connect(HOST) as connection:
        statuses = [
            lab.exchange(connection, url, Range=f"bytes={asked}").status for asked in ("0-9", "0-", "10-19", "100000-")
        ]
    assert statuses == [206, 403, 206, 403]


def test_gate_holds_behind_a_redirect(lab: GatedLab) -> None:
    got = lab.get(lab.guest_url(meet(lab.guests, is_gated=True), host=REDIRECTING), Range="bytes=0-")
    assert got.status == 302
    assert lab.get_range(got.headers["location"], "0-") == (403, 0)
    assert lab.get_range(got.headers["location"], "0-999") == (206, 1000)


def test_guest_cannot_take_another_guest_s_mark(lab: GatedLab) -> None:
    gated, clean = (meet(lab.guests, is_gated=is_gated) for is_gated in (True, False))
    forged = lab.guest_url(gated).replace(gated.mark, clean.mark)
    assert lab.get(forged, Range="bytes=0-9").status == 403


def test_media_urls_of_the_player_api_are_bound_to_its_guest(lab: GatedLab) -> None:
    player = PlayerApi(lab.world, lab.clips, SECRET, lab.server.port, guests=lab.guests)
    gated = meet(lab.guests, is_gated=True)
    _, answer = player.answer("video", PlayerRequest("127.0.0.1", visitor_data=gated.visitor_data))
    assert answer["responseContext"]["visitorData"] == gated.visitor_data
    url = answer["streamingData"]["adaptiveFormats"][0]["url"]
    assert parse_qs(urlsplit(url).query)["bui"] == [gated.mark]
    assert lab.get_range(url, "0-99999") == (206, GATE_BYTES)
    assert lab.get_range(url, "100000-199999") == (403, 0)


# 8 s of 20 s at the mean rate: two fifths of the bytes, which another encoder makes a few more or fewer.
@pytest.mark.parametrize("itag", [VIDEO, SOUND])
def test_gate_by_media_time_is_at_that_share_of_each_file(lab: GatedLab, itag: int) -> None:
    guests = Guests(GuestRules(gated_share=1.0, gate_bytes=None, gate_media_s=8.0))
    stream = lab.clips["separate_20"].stream(itag)
    assert stream is not None and stream.size_bytes > 200_000
    assert guests.allowance_bytes(guests.meet(guests.greet(None)).mark, stream) == stream.size_bytes * 2 // 5
