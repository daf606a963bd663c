"""The lab's faults: what each row says, and that a new one is a row and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import dns.message
import dns.rcode
import pytest

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.lab import faults
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.faults import FAULTS, Fault
from pytomo_scrapy.lab.hosts import fault_host_name, host_fault
from pytomo_scrapy.lab.http.request_heads import parse_head
from pytomo_scrapy.lab.http.service_messages import Request
from pytomo_scrapy.lab.listing import describe_lab
from pytomo_scrapy.lab.media.media_hosts import media_answer
from pytomo_scrapy.lab.model import LabVideo, World
from pytomo_scrapy.lab.name_servers import RESOLVERS, Zone
from pytomo_scrapy.lab.service.answers import Service
from pytomo_scrapy.lab.service.player_api import PlayerApi, PlayerRequest
from pytomo_scrapy.lab.world import build_world

# The recipe of docs/extending.md, a row of each kind.
TOYS = """
from dns.rcode import Rcode

from pytomo_scrapy.lab.faults.kinds import CertificateFault, DnsFault, MediaFault, PageFault, PlayerApiFault
from pytomo_scrapy.lab.http.service_messages import page
from pytomo_scrapy.lab.http.transfers import plain_answer

ROWS = (
    PlayerApiFault("toy_api", "an empty answer", "unknown_failure", lambda answer, video_id: (200, {"id": video_id})),
    PageFault("toy_page", "a teapot for a page", "unknown_page_shape", lambda request: page("teapot", 418)),
    DnsFault("toy_dns", "name servers that refuse", "dns_servfail", Rcode.REFUSED),
    CertificateFault("toy_certificate", "a certificate for a toy", "tls_wrong_name", subject="toy.example"),
    MediaFault("toy_media", "a teapot for a file", "wrong_content", instead=plain_answer(418)),
)
"""
REPEATED = TOYS.replace("toy_api", "private")


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Write a module of rows beside the others, and read all of them again; give the names of the new rows."""
    (tmp_path / "toy_faults.py").write_text(TOYS)
    before = set(sys.modules)
    monkeypatch.setattr(faults, "__path__", [*faults.__path__, str(tmp_path)])
    found = faults.collect()
    new = [name for name in found if name not in FAULTS]
    known = dict(FAULTS)
    FAULTS.clear()
    FAULTS.update(found)
    yield new
    FAULTS.clear()
    FAULTS.update(known)
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def world(toys: list[str]) -> World:
    return build_world("faults")


def video_with(world: World, fault: str) -> LabVideo:
    (video,) = [video for video in world.videos.values() if video.fault == fault]
    return video


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_expected_to_give_a_class_that_exists(fault: Fault) -> None:
    assert fault.failure in FAILURES
    assert fault.help and fault.name.replace("_", "").isalnum()


def test_two_rows_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repeated_faults.py").write_text(REPEATED)
    monkeypatch.setattr(faults, "__path__", [*faults.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="share a name"):
        faults.collect()
    del sys.modules["pytomo_scrapy.lab.faults.repeated_faults"]


def test_new_rows_are_in_the_worlds_and_in_the_listing(toys: list[str], world: World) -> None:
    assert toys == ["toy_api", "toy_page", "toy_dns", "toy_certificate", "toy_media"]
    listing = describe_lab(world)
    for name in toys:
        video = video_with(world, name)
        assert f"{video.video_id}  {FAULTS[name].help}" in listing
        assert (host_fault(video.host) is FAULTS[name]) == FAULTS[name].has_own_host
        assert video.host in world.hosts
    assert set(toys) <= {video.fault for video in build_world("default").videos.values()}
    first_of_each = {*world.charts["VIDEOS:WEEKLY"][:20], *world.search["week"][:20]}
    related = {other for video_id in first_of_each for other in world.videos[video_id].related}
    assert first_of_each | related == set(world.videos), "a crawl of two rounds reaches every fault"


def test_new_rows_of_the_service_are_answered(player_for: Callable[[str], PlayerApi], world: World) -> None:
    player = player_for("faults")
    video = video_with(world, "toy_api")
    assert player.answer(video.video_id, PlayerRequest("127.0.0.1")) == (200, {"id": video.video_id})
    page = f"/watch?v={video_with(world, 'toy_page').video_id}"
    asked = Request("GET", "https", "www.youtube.com", page, MappingProxyType({"cookie": "SOCS=CAI"}))
    assert Service(world, player).answer(asked).status == 418


def test_new_rows_of_a_host_are_answered(tmp_path: Path, world: World) -> None:
    name = fault_host_name("toy_dns")
    answer = Zone(world, {}, RESOLVERS[0]).respond(dns.message.make_query(name, "A"), is_udp=True)
    assert answer is not None and answer.rcode() == dns.rcode.REFUSED
    certificate, _ = Authority.create(tmp_path / "authority").certificate("a.example", "toy_certificate")
    assert certificate.name == "a.example.toy_certificate.pem"
    head = parse_head(b"GET /videoplayback HTTP/1.1\r\n\r\n")
    fault = faults.fault_at(faults.MediaFault, "toy_media")
    assert media_answer(head, memoryview(b"file"), "video/mp4", fault).status == 418
