"""The two ways to a video that is measured over both families: in which order, and what the failed one is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.config import DnsConfig, ResolveConfig
from pytomo_scrapy.items import DnsLookup, DnsResult, ResolveResult
from pytomo_scrapy.measure import family_paths
from pytomo_scrapy.measure.family_paths import (
    FamilyPath,
    Resolve,
    answer_of,
    is_bot_check,
    look_up_paths,
    media_hosts,
    refuse_private,
    resolve_paths,
)
from tests.factories import HOST, make_format, make_item, make_resolve

SETTINGS = config.load({"PYTOMO_IP_FAMILY": "both"}.get)
ADDRESS = {4: "127.0.0.1", 6: "::1"}


async def resolve(url: str, settings: ResolveConfig) -> ResolveResult:
    return make_resolve(address_family=int(settings.path.family))


def pair(video_id: str = "abcdefghijk", resolve: Resolve = resolve) -> tuple[FamilyPath, ...]:
    return asyncio.run(resolve_paths(make_item(video_id=video_id, crawl="c"), SETTINGS.resolve, resolve))


def answering(answer: Callable[[ResolveConfig], ResolveResult]) -> Resolve:
    async def resolve(url: str, settings: ResolveConfig) -> ResolveResult:
        return answer(settings)

    return resolve


def test_family_that_met_a_bot_check_is_asked_for_again_and_the_other_one_is_not() -> None:
    first = {
        4: make_resolve(elapsed_s=0.5, attempt_count=1),
        6: make_resolve(formats=(), failure="bot_check", elapsed_s=3.0, attempt_count=2, address_family=None),
    }
    paths = pair(resolve=answering(lambda settings: first[int(settings.path.family)]))
    assert families(paths) == [4, 6] and is_bot_check(paths)
    asked: list[str] = []

    async def resolve_again(url: str, settings: ResolveConfig) -> ResolveResult:
        asked.append(settings.path.family)
        return make_resolve(address_family=6, elapsed_s=0.25, attempt_count=1)

    again = asyncio.run(resolve_paths(make_item(crawl="c"), SETTINGS.resolve, resolve_again, paths))
    assert asked == ["6"] and not is_bot_check(again)
    found = {path.family: path.resolve for path in again}
    assert found[4] is first[4]
    # All tries count as tries; the time is that of the answer which counts.
    assert (found[6].attempt_count, found[6].bot_check_count, found[6].elapsed_s) == (2 + 1, 1, 0.25)


@pytest.fixture
def look_up(monkeypatch: pytest.MonkeyPatch) -> dict[int | None, str]:
    """Failures of the look-up by family; without one it finds loopback."""
    failures: dict[int | None, str] = {}

    def found(hosts: tuple[str, ...], family: int, settings: DnsConfig, *, started_s: float) -> DnsResult:
        failure = failures.get(family)
        addresses = () if failure else (ADDRESS[family],)
        lookup = DnsLookup(HOST, "system", "192.0.2.53", "udp", "A" if family == 4 else "AAAA", addresses=addresses)
        chosen = {} if failure else dict.fromkeys(hosts, ADDRESS[family])
        return DnsResult((lookup,), chosen, "system", 0.01, failure=failure)

    monkeypatch.setattr(family_paths, "look_up_hosts", found)
    return failures


def families(paths: tuple[FamilyPath, ...]) -> list[int | None]:
    return [path.family for path in paths]


def test_both_families_are_resolved_in_an_order_that_the_video_draws() -> None:
    orders = [tuple(families(pair(f"video{number:06d}"))) for number in range(200)]
    assert set(orders) == {(4, 6), (6, 4)}
    assert 60 < orders.count((4, 6)) < 140
    assert orders == [tuple(families(pair(f"video{number:06d}"))) for number in range(200)]


def test_family_behind_a_proxy_that_goes_on_over_the_other_one_is_told_apart() -> None:
    paths = pair(resolve=answering(lambda _: make_resolve(address_family=4)))
    assert [(path.family, path.resolve.failure) for path in paths] == [(4, None), (6, "exit_address_changed")]


def test_look_up_of_a_pair_keeps_all_queries_and_puts_the_one_that_failed_last(
    look_up: dict[int | None, str],
) -> None:
    look_up[6] = "dns_no_answer"
    paths = look_up_paths(pair(), SETTINGS.dns, started_s=0.0)
    answer = answer_of(paths)
    assert answer.failure is None and answer.chosen == {HOST: "127.0.0.1"}
    assert {lookup.record_type for lookup in answer.lookups} == {"A", "AAAA"}
    assert families(paths) == [4, 6]


def test_path_that_did_not_resolve_is_not_looked_up(look_up: dict[int | None, str]) -> None:
    failed = FamilyPath(6, make_resolve(formats=(), failure="resolve_unreachable"))
    paths = look_up_paths((failed, FamilyPath(4, make_resolve())), SETTINGS.dns, started_s=0.0)
    assert [(path.family, path.dns is not None) for path in paths] == [(4, True), (6, False)]


def test_video_of_one_path_is_looked_up_for_the_family_that_its_addresses_are_signed_for(
    look_up: dict[int | None, str],
) -> None:
    settings = config.load({}.get)
    answer = answering(lambda _: make_resolve(address_family=6))
    paths = asyncio.run(resolve_paths(make_item(), settings.resolve, answer))
    assert families(paths) == [None]
    (path,) = look_up_paths(paths, settings.dns, started_s=0.0)
    assert path.dns is not None and path.dns.chosen == {HOST: "::1"}


def test_hosts_of_video_and_audio_are_asked_once_each() -> None:
    formats = (make_format(kind="video"), make_format(kind="audio"), make_format(kind="audio", host="other"))
    assert media_hosts(make_resolve(formats=formats)) == (HOST, "other")


def test_path_whose_media_lead_to_a_private_address_fails_and_comes_last() -> None:
    answers = {4: DnsResult((), {HOST: "10.0.0.7"}), 6: DnsResult((), {HOST: "2001:4860::1"})}
    paths = tuple(FamilyPath(family, make_resolve(), dns) for family, dns in answers.items())
    refused = refuse_private(paths, config.PathConfig())
    assert [(path.family, path.dns and path.dns.failure) for path in refused] == [(6, None), (4, "private_address")]
    assert refused[1].dns is not None and refused[1].dns.failure_detail == f"{HOST} leads to 10.0.0.7"
    assert refuse_private(paths, config.PathConfig(is_private_allowed=True)) == paths


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.42.0.1", "::1", "::ffff:127.0.0.1"),
        *("169.254.1.1", "fe80::1", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255"),
    ],
)
def test_name_that_leads_where_no_host_is_is_a_sinkhole(address: str) -> None:
    (path,) = refuse_private((FamilyPath(None, make_resolve(), DnsResult((), {HOST: address})),), config.PathConfig())
    assert path.dns is not None and path.dns.failure == "dns_sinkhole"


@pytest.mark.parametrize("address", ["192.168.1.1", "10.0.0.1", "100.64.0.1", "fd00::1", "::ffff:192.168.1.1"])
def test_name_that_leads_into_a_network_of_ones_own_may_be_a_service_there(address: str) -> None:
    (path,) = refuse_private((FamilyPath(None, make_resolve(), DnsResult((), {HOST: address})),), config.PathConfig())
    assert path.dns is not None and path.dns.failure == "private_address"


def test_address_of_the_own_machine_in_place_of_a_name_is_private() -> None:
    resolve = make_resolve(formats=(make_format(host="127.0.0.1"),))
    path = FamilyPath(None, resolve, DnsResult((), {"127.0.0.1": "127.0.0.1"}))
    (refused,) = refuse_private((path,), config.PathConfig())
    assert refused.dns is not None and refused.dns.failure == "private_address"


def test_private_address_behind_a_proxy_is_the_proxys_to_refuse() -> None:
    paths = (FamilyPath(None, make_resolve(), DnsResult((), {HOST: "10.0.0.7"})),)
    assert refuse_private(paths, config.PathConfig(proxy="http://127.0.0.1:3128")) == paths
