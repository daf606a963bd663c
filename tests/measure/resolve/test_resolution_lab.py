"""Resolution, look-up and ping of the offline lab's videos: the unmodified yt-dlp against the lab's player API."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytomo_scrapy.config import Config, load
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.lab.faults import FAULTS, DnsFault, PlayerApiFault
from pytomo_scrapy.lab.model import World
from pytomo_scrapy.lab.servers import LabError, LabOptions, make_world
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.ping.round_trips import ping_addresses
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from tests.running.labs import own_lab

pytestmark = pytest.mark.lab

REFUSALS = {name: fault.failure for name, fault in FAULTS.items() if isinstance(fault, PlayerApiFault)}
LOOK_UPS = {name: fault.failure for name, fault in FAULTS.items() if isinstance(fault, DnsFault)}


@pytest.fixture(scope="module")
def lab() -> Iterator[tuple[World, Config]]:
    options = LabOptions("faults")
    try:
        with own_lab(options) as lab, pytest.MonkeyPatch.context() as patch:
            environment = lab.environment(os.environ)
            for name, value in environment.items():
                patch.setenv(name, value)
            yield make_world(options), load(environment.get)
    except LabError as error:
        pytest.skip(f"the lab cannot run here: {error}")


def resolve_fault(lab: tuple[World, Config], fault: str | None) -> ResolveResult:
    world, config = lab
    video = next(video for video in world.videos.values() if video.fault == fault)
    return resolve_video(f"https://www.youtube.com/watch?v={video.video_id}", config.resolve)


@pytest.mark.parametrize(("fault", "failure"), REFUSALS.items())
def test_resolve_in_the_lab_has_the_class_of_each_refusal(lab: tuple[World, Config], fault: str, failure: str) -> None:
    result = resolve_fault(lab, fault)
    assert (result.failure, result.formats) == (failure, ())
    # What says nothing of the video itself may be another client's luck.
    assert result.attempt_count == (2 if failure in {"no_url_formats", "unknown_refusal"} else 1)
    assert result.failure_detail


def test_resolve_in_the_lab_of_an_unknown_id_is_removed(lab: tuple[World, Config]) -> None:
    assert resolve_video("https://youtu.be/-----------", lab[1].resolve).failure == "removed"


def test_resolve_look_up_and_ping_in_the_lab_agree(lab: tuple[World, Config]) -> None:
    config = lab[1]
    result = resolve_fault(lab, None)
    assert [media.kind for media in result.formats] == ["video", "audio"]
    assert (result.client_address, result.address_family) == ("127.0.0.1", 4)
    found = look_up_hosts([media.host for media in result.formats], result.address_family, config.dns)
    assert found.failure is None
    assert {lookup.resolver for lookup in found.lookups} == {"system", "google", "opendns"}
    address = found.chosen[result.formats[0].host]
    assert address.startswith("127.")
    pings = ping_addresses([address], replace(config.ping, packets=2, interval_s=0.01), port=result.formats[0].port)
    assert all(ping.received_count == 2 for ping in pings.pings)


@pytest.mark.parametrize(("fault", "failure"), LOOK_UPS.items())
def test_look_up_in_the_lab_has_the_class_of_each_fault(lab: tuple[World, Config], fault: str, failure: str) -> None:
    result = resolve_fault(lab, fault)
    config = replace(lab[1].dns, timeout_s=0.5)
    started_s = time.monotonic()
    found = look_up_hosts([media.host for media in result.formats], result.address_family, config)
    assert (found.failure, found.chosen) == (failure, {})
    # Three resolvers are asked for two types each: one after the other they would take 3 s.
    assert time.monotonic() - started_s < 2.5


def test_resolve_in_the_lab_without_trust_in_its_authority_is_unreachable(
    lab: tuple[World, Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    result = resolve_fault(lab, None)
    assert result.failure == "resolve_unreachable"
    assert "certificate" in (result.failure_detail or "").lower()
