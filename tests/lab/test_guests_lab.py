"""Guests of a running lab: the unmodified yt-dlp as its client, and its media URLs as ranges over verified TLS."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytomo_scrapy.lab.guests import Guest, Guests
from pytomo_scrapy.lab.model import PageShape, World
from pytomo_scrapy.lab.servers import LabError, LabOptions, make_world
from tests.conftest import missing
from tests.running.labs import own_lab

yt_dlp = pytest.importorskip("yt_dlp")
pytestmark = [pytest.mark.lab, pytest.mark.process]

OPTIONS = LabOptions("autumn2026", gated_share=0.65, bot_check_share=0.4, gate_media_s=5.0)
LEAN = {"player_client": ["visionos"], "player_skip": ["webpage", "configs", "js", "initial_data"], "skip": ["hls"]}


@dataclass(frozen=True)
class RunningLab:
    """A running lab, and what is known of it."""

    world: World
    variables: dict[str, str]

    def resolve(self, video_id: str, **extractor_args: list[str]) -> dict[str, Any] | str:
        """Return what yt-dlp finds out as a client of its own, or the message with which it gives up."""
        options = {
            "quiet": True,
            "no_warnings": True,
            "logger": Silence(),
            "proxy": self.variables["HTTPS_PROXY"],
            "compat_opts": {"no-certifi"},
            "extractor_args": {"youtube": extractor_args},
        }
        try:
            # To set up all of its extractors would take several times as long.
            with yt_dlp.YoutubeDL(options, auto_init=False) as downloader:
                downloader.add_info_extractor(yt_dlp.extractor.youtube.YoutubeIE())
                found: dict[str, Any] = downloader.extract_info(f"https://youtu.be/{video_id}", download=False)
                return found
        except yt_dlp.utils.DownloadError as error:
            return str(error)

    def statuses(self, url: str, *ranges: str) -> list[tuple[int, int]]:
        """Return status and body length for each range, all over one connection to the URL's own host."""
        parts = urlsplit(url)
        trust = ssl.create_default_context(cafile=self.variables["SSL_CERT_FILE"])
        host, port = str(parts.hostname), int(parts.port or 443)
        plain = socket.create_connection((self.world.hosts[host].address, port), timeout=10)
        connection = http.client.HTTPSConnection(host, port)
        connection.sock = trust.wrap_socket(plain, server_hostname=host)
        got = []
        for asked in ranges:
            connection.request("GET", f"{parts.path}?{parts.query}", headers={"Range": f"bytes={asked}"})
            response = connection.getresponse()
            got.append((response.status, len(response.read())))
        connection.close()
        return got


class Silence:
    def debug(self, _: str) -> None:
        """Ignore yt-dlp's chatter."""

    warning = error = debug


@contextmanager
def new_lab() -> Iterator[RunningLab]:
    try:
        with own_lab(OPTIONS) as running, pytest.MonkeyPatch.context() as patch:
            variables = running.environment(os.environ)
            patch.setenv("SSL_CERT_FILE", variables["SSL_CERT_FILE"])
            yield RunningLab(make_world(OPTIONS), variables)
    except LabError as error:
        missing(f"the lab cannot run here: {error}")


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with new_lab() as running:
        yield running


def healthy(world: World, shape: PageShape = PageShape.ASSIGNMENT) -> str:
    videos = world.videos.values()
    return next(video.video_id for video in videos if video.fault is None and video.page_shape is shape)


def video_url(found: dict[str, Any]) -> str:
    return next(str(one["url"]) for one in found["formats"] if one["format_id"] == "134")


def test_first_guests_of_a_lab_meet_what_its_seed_says() -> None:
    with new_lab() as lab:
        met = [meet_next(lab) for _ in range(10)]
        guests = Guests(lab.world.guests, lab.world.seed)
    assert met == [word_of(guests.meet(guests.greet(None))) for _ in met]
    assert {"bot check", "gated", "clean"} <= set(met)


def meet_next(lab: RunningLab) -> str:
    """Resolve a video as a new guest, fetch some of it, and return what this guest is."""
    found = lab.resolve(healthy(lab.world), **LEAN)
    if isinstance(found, str):
        return "captcha" if "captcha challenge" in found else "bot check" if "not a bot" in found else found
    # 5 s of 20 s: 376 816 of 1 507 264 bytes.
    asked = ("0-99999", "100000-376815", "0-376816", "1000000-1000099", "0-")
    statuses = lab.statuses(video_url(found), *asked)
    assert statuses[:2] == [(206, 100_000), (206, 276_816)]
    assert statuses[2:] in ([(403, 0)] * 3, [(206, 376_817), (206, 100), (206, 1_507_264)])
    return "gated" if statuses[2] == (403, 0) else "clean"


def word_of(guest: Guest) -> str:
    if guest.is_bot_checked:
        return "captcha" if guest.is_captcha else "bot check"
    return "gated" if guest.is_gated else "clean"


def test_identity_that_yt_dlp_is_given_stays_one_guest(lab: RunningLab) -> None:
    found = next(found for _ in range(20) if not isinstance(found := lab.resolve(healthy(lab.world), **LEAN), str))
    mark = parse_qs(urlsplit(video_url(found)).query)["bui"]
    visitor = Guests(seed=5).greet(None)
    marks = set()
    for _ in range(2):
        again = lab.resolve(healthy(lab.world), **LEAN, visitor_data=[visitor])
        marks.add(again if isinstance(again, str) else parse_qs(urlsplit(video_url(again)).query)["bui"][0])
    assert len({str(one)[-40:] for one in marks}) == 1 and mark[0] not in marks


@pytest.mark.parametrize("shape", PageShape)
def test_yt_dlp_s_own_defaults_read_pages_of_every_shape(lab: RunningLab, shape: PageShape) -> None:
    video_id = healthy(lab.world, shape)
    for _ in range(20):
        found = lab.resolve(video_id, player_client=["visionos"])
        if not isinstance(found, str):
            break
        assert "bot" in found or "captcha" in found
    assert not isinstance(found, str) and found["title"] == lab.world.videos[video_id].title
