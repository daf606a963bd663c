"""Which addresses are pinged, before the window and after it, and behind proxies."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.items import DnsLookup, HttpRequest, Ping, PingResult, VideoItem
from pytomo_scrapy.measure import round_trip_targets as targets
from pytomo_scrapy.measure.family_paths import FamilyPath
from tests.factories import HOST, make_dns, make_download, make_format, make_item, make_resolve

SETTINGS = config.load({}.get)


def redirected_item() -> VideoItem:
    hops = (
        HttpRequest(0, 0, HOST, 443, "192.0.2.1"),
        HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),
        HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),
        HttpRequest(0, 2, HOST, 443, "192.0.2.1"),
        HttpRequest(0, 3, "nowhere.example", 443, None),
    )
    lookup = DnsLookup(HOST, "system", "127.0.0.1", "udp", "A", addresses=("192.0.2.1",))
    return make_item(
        dns=make_dns(lookups=(lookup,)),
        ping=PingResult((Ping("192.0.2.1"),), 1.0),
        downloads=(make_download(requests=hops),),
    )


def test_hosts_of_redirects_are_pinged_after_the_window_at_their_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    pinged: list[object] = []

    def answer(addresses: Sequence[str], _: object, *, port: int) -> PingResult:
        pinged.append((tuple(addresses), port))
        return PingResult((Ping("198.51.100.9", "icmp_raw"),), 0.5)

    monkeypatch.setattr(targets, "ping_addresses", answer)
    item = redirected_item()
    assert targets.redirect_addresses(item) == ("198.51.100.9",)
    result = targets.ping_redirects(item, SETTINGS.ping)
    assert pinged == [(("198.51.100.9",), 8443)]
    assert [(ping.address, ping.role) for ping in result.pings] == [
        ("192.0.2.1", "media"),
        ("198.51.100.9", "redirect"),
    ]
    assert result.elapsed_s == 1.0  # of the stage before the window


def test_redirects_behind_a_proxy_have_no_address_of_their_own() -> None:
    item = redirected_item()
    item.downloads = (dataclasses.replace(item.downloads[0], via_proxy=True),)
    assert targets.redirect_addresses(item) == ()


def test_networks_are_found_for_given_and_redirected_addresses() -> None:
    assert list(dict.fromkeys(targets.network_addresses(redirected_item()))) == ["192.0.2.1", "198.51.100.9"]


@pytest.mark.process
def test_ping_asks_every_distinct_address_chosen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pinged: list[object] = []
    monkeypatch.setattr(targets, "ping_addresses", lambda *args, **kwargs: pinged.append((args[0], kwargs["port"])))
    monkeypatch.setattr(targets, "proxy_for", lambda *_: None)
    resolve, dns = make_resolve(formats=(make_format(port=8443),)), make_dns(chosen={HOST: "192.0.2.2"})
    targets.ping_media(
        make_item(resolve=resolve, dns=dns), (FamilyPath(None, resolve, dns),), SETTINGS.ping, SETTINGS.path
    )
    assert pinged == [(["192.0.2.2", "192.0.2.1"], 8443)]


def test_ping_behind_proxies_asks_the_proxy_of_each_family_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(addresses: Sequence[str], settings: object, *, port: int) -> PingResult:
        return PingResult(tuple(Ping(f"{address} {port}") for address in addresses), 0.5)

    monkeypatch.setattr(targets, "ping_addresses", answer)
    path = config.PathConfig("both", proxy="http://192.0.2.8:3128", proxy_ipv6="http://[2001:db8::8]:3129")
    pair = (FamilyPath(4, make_resolve()), FamilyPath(6, make_resolve()))
    result = targets.ping_media(make_item(resolve=make_resolve(), dns=make_dns()), pair, SETTINGS.ping, path)
    assert [(ping.address, ping.role, ping.via_proxy) for ping in result.pings] == [
        ("192.0.2.8 3128", "proxy", True),
        ("2001:db8::8 3129", "proxy", True),
    ]


@pytest.mark.parametrize(
    ("proxy", "port"), [("http://192.0.2.8", 80), ("https://192.0.2.8", 443), ("socks5h://192.0.2.8", 1080)]
)
def test_proxy_that_names_no_port_is_asked_at_the_one_that_its_windows_use(
    monkeypatch: pytest.MonkeyPatch, proxy: str, port: int
) -> None:
    asked: list[int] = []

    def answer(addresses: Sequence[str], settings: object, *, port: int) -> PingResult:
        asked.append(port)
        return PingResult()

    monkeypatch.setattr(targets, "ping_addresses", answer)
    monkeypatch.setattr(targets, "proxy_for", lambda *_: proxy)
    item = make_item(resolve=make_resolve(), dns=make_dns())
    targets.ping_media(item, (FamilyPath(None, make_resolve()),), SETTINGS.ping, SETTINGS.path)
    assert asked == [port]


def test_ping_of_thousands_of_addresses_keeps_to_those_that_are_downloaded_from_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinged: list[str] = []
    monkeypatch.setattr(targets, "ping_addresses", lambda addresses, *_, **__: pinged.extend(addresses))
    monkeypatch.setattr(targets, "gateway_towards", lambda _: None)
    monkeypatch.setattr(targets, "proxy_for", lambda *_: None)
    many = tuple(f"198.{number >> 8}.{number & 255}.1" for number in range(4000))
    lookups = (DnsLookup(HOST, "system", "127.0.0.1", "udp", "A", addresses=many),)
    item = make_item(resolve=make_resolve(), dns=make_dns(lookups=lookups, chosen={HOST: "192.0.2.2"}))
    targets.ping_media(item, (FamilyPath(None, make_resolve()),), SETTINGS.ping, SETTINGS.path)
    assert pinged == ["192.0.2.2", *many[:63]]
