"""The look-ups of redirects' hosts: in threads of their own, each for its stream, none waited for."""

from __future__ import annotations

import threading

import pytest

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.items import DnsResult
from pytomo_scrapy.measure.window import redirect_lookup
from pytomo_scrapy.measure.window.redirect_lookup import HostLookup, HostLookups

CONFIG = DnsConfig((ResolverConfig("system", "system"),), 4.0)


def wait_for(lookup: HostLookup) -> None:
    lookup._thread.join(60.0)
    assert lookup.is_done


def test_look_ups_are_taken_when_they_are_done_each_for_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer = threading.Event()

    def look_up(hosts: list[str], family: int | None, config: DnsConfig) -> DnsResult:
        if hosts == ["slow.example"]:
            assert may_answer.wait(5.0)
        return DnsResult(chosen={hosts[0]: f"192.0.2.{family}"})

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", look_up)
    lookups = HostLookups(CONFIG)
    slow, quick = lookups.start(0, "slow.example", 4), lookups.start(1, "quick.example", 6)
    wait_for(quick)
    assert lookups.take_done() == [(1, quick)]
    assert lookups.take_done() == []
    may_answer.set()
    wait_for(slow)
    assert lookups.take_done() == [(0, slow)]
    assert [lookup.answer() for lookup in (slow, quick)] == [("192.0.2.4", None, None), ("192.0.2.6", None, None)]
    assert slow.elapsed_s is not None and slow.elapsed_s > 0


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (DnsResult(failure="dns_nxdomain", failure_detail="gone"), (None, "dns_nxdomain", "gone")),
        (DnsResult(chosen={"other.example": "192.0.2.1"}), (None, "dns_no_answer", None)),
    ],
)
def test_look_up_without_an_address_says_why(
    monkeypatch: pytest.MonkeyPatch, result: DnsResult, answer: tuple[str | None, str | None, str | None]
) -> None:
    monkeypatch.setattr(redirect_lookup, "look_up_hosts", lambda *_: result)
    lookup = HostLookup("gone.example", 4, CONFIG)
    wait_for(lookup)
    assert lookup.answer() == answer


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_look_up_that_breaks_is_an_unknown_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> DnsResult:
        raise RuntimeError("a bug")

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", broken)
    lookup = HostLookup("gone.example", 4, CONFIG)
    wait_for(lookup)
    assert lookup.answer() == (None, "unknown_failure", "the look-up ended without a result")
