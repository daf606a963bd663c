"""AS numbers from a file and from a stand-in for Team Cymru's zones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from pytomo_scrapy.config import DnsConfig, NetworkConfig, ResolverConfig
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import Network
from pytomo_scrapy.measure.dns.asn import NetworkFinder, read_origin
from tests.measure.dns.mmdb_writer import write_mmdb
from tests.measure.dns.test_lookup import serving, silent

MAXMIND = {"autonomous_system_number": 15169, "autonomous_system_organization": "GOOGLE"}
IPINFO = {"asn": "AS64500", "as_name": "Example"}
TEXTS = {
    "0.216.184.93.origin.asn.cymru.com.": "15133 64501 | 93.184.216.0/22 | US | arin | 2008-06-02",
    "AS15133.asn.cymru.com.": "15133 | US | arin | 2007-03-19 | EDGECAST, US",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.0.1.0.0.6.8.4.1.0.0.2.origin6.asn.cymru.com.": (
        "15169 | 2001:4860::/32 | US | arin | 2005-03-14"
    ),
    "AS15169.asn.cymru.com.": "15169 | US | arin | 2000-03-30 | GOOGLE, US",
}


class Zones:
    """Answers as Team Cymru does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def __call__(self, query: dns.message.Message, transport: str) -> bytes:
        name = query.question[0].name.to_text()
        self.questions.append(name)
        response = dns.message.make_response(query)
        if name in TEXTS:
            response.answer.append(dns.rrset.from_text(name, 300, "IN", "TXT", f'"{TEXTS[name]}"'))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@pytest.fixture
def zones() -> Iterator[tuple[Zones, NetworkConfig]]:
    """The zones, served, and the configuration that asks them."""
    answer = Zones()
    with serving(answer) as port:
        yield answer, cymru(port)


def cymru(port: int, timeout_s: float = 5.0) -> NetworkConfig:
    resolver = ResolverConfig("test", "udp", "127.0.0.1", port)
    return NetworkConfig(has_cymru=True, dns=DnsConfig((resolver,), timeout_s))


def test_file_gives_number_prefix_and_holder(tmp_path: Path) -> None:
    path = tmp_path / "as.mmdb"
    write_mmdb(path, {"192.0.2.0/24": MAXMIND, "2001:db8::/32": IPINFO, "198.51.100.0/24": {"asn": ""}})
    finder = NetworkFinder(NetworkConfig(str(path)))
    assert finder.find(["192.0.2.7", "2001:db8::1", "198.51.100.1", "203.0.113.1", "nonsense", "192.0.2.7"]) == (
        Network("192.0.2.7", 15169, (), "192.0.2.0/24", "GOOGLE", "mmdb"),
        Network("2001:db8::1", 64500, (), "2001:db8::/32", "Example", "mmdb"),
    )
    finder.close()


def test_file_of_ipv4_alone_knows_no_ipv6(tmp_path: Path) -> None:
    path = tmp_path / "as.mmdb"
    write_mmdb(path, {"192.0.2.0/24": MAXMIND}, ip_version=4)
    finder = NetworkFinder(NetworkConfig(str(path)))
    assert [network.address for network in finder.find(["2001:db8::1", "192.0.2.1"])] == ["192.0.2.1"]
    finder.close()


@pytest.mark.parametrize("content", [None, b"no such thing"])
def test_file_that_is_none_is_refused_with_its_setting(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "as.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match="PYTOMO_AS_FILE"):
        NetworkFinder(NetworkConfig(str(path)))


@pytest.mark.process
def test_cymru_is_asked_once_per_prefix_and_only_for_its_first_addresses(zones: tuple[Zones, NetworkConfig]) -> None:
    answer, config = zones
    finder = NetworkFinder(config)
    assert finder.find(["93.184.216.34", "2001:4860:10f::9"]) == (
        Network("93.184.216.34", 15133, (64501,), "93.184.216.0/22", "EDGECAST, US", "cymru"),
        Network("2001:4860:10f::9", 15169, (), "2001:4860::/32", "GOOGLE, US", "cymru"),
    )
    assert sorted(answer.questions) == sorted(TEXTS)
    # Another address of the same prefixes, and another /24 of the /22.
    assert [network.as_number for network in finder.find(["93.184.216.35", "93.184.217.1", "2001:4860:200::1"])] == [
        15133, 15133, 15169,
    ]  # fmt: skip
    assert len(answer.questions) == 4


@pytest.mark.process
def test_special_addresses_are_never_sent(zones: tuple[Zones, NetworkConfig]) -> None:
    answer, config = zones
    finder = NetworkFinder(config)
    assert finder.find(["127.42.1.1", "10.0.0.1", "192.168.1.1", "fe80::1", "::1", "192.0.2.1"]) == ()
    assert answer.questions == []


@pytest.mark.process
def test_prefix_that_nobody_announces_is_known_as_such(zones: tuple[Zones, NetworkConfig]) -> None:
    answer, config = zones
    finder = NetworkFinder(config)
    for _ in range(2):
        (network,) = finder.find(["8.8.8.8"])
        assert (network.as_number, network.as_prefix, network.source) == (None, None, "cymru")
    assert len(answer.questions) == 1


@pytest.mark.process
def test_silence_costs_its_time_out_once_and_leaves_nothing() -> None:
    now = [0.0]
    with serving(silent) as port:
        finder = NetworkFinder(cymru(port, timeout_s=0.3), clock=lambda: now[0])
        began_s = time.monotonic()
        assert finder.find(["93.184.216.34", "8.8.8.8", "9.9.9.9"]) == ()
        silent_s = time.monotonic() - began_s
        assert finder.find(["93.184.216.34"]) == ()
    # Three at once, and then none: one time-out in all.
    assert 0.25 <= silent_s < 5.0
    with serving(Zones()) as port:
        finder._config = cymru(port)
        assert finder.find(["93.184.216.34"]) == ()
        now[0] = 601.0
        assert [network.as_number for network in finder.find(["93.184.216.34"])] == [15133]


@pytest.mark.parametrize("text", ["", "|", "x | 1.0.0.0/8", "15169 | nothing"])
def test_answer_that_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_origin(text)
