"""Round trips as rows: statistics of trains made by hand, what failed, and which probe leaves when. Nothing is sent."""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from pytomo_scrapy.config import PingConfig
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.items import Ping
from pytomo_scrapy.measure.ping import round_trips as module
from pytomo_scrapy.measure.ping.probers import ConnectProber, ProbeTrain
from pytomo_scrapy.measure.ping.round_trips import GATEWAY, ping_addresses

Schedule = Sequence[tuple[float, Any, ProbeTrain]]


def make_train(**overrides: Any) -> ProbeTrain:
    return ProbeTrain(**{"address": "192.0.2.1", "method": "icmp_raw", **overrides})


@pytest.mark.parametrize(
    ("rtts_s", "sent_count", "loss_ratio", "figures"),
    [
        ([0.01, 0.03, 0.02], 4, 0.25, (0.01, 0.02, 0.02, 0.03, 0.01)),  # deviations -1, 1, 0: sqrt(2 / 2) x 0.01
        ([0.01, 0.02], 2, 0.0, (0.01, 0.015, 0.015, 0.02, pytest.approx(0.0070711, abs=1e-6))),
        ([0.01], 1, 0.0, (0.01, 0.01, 0.01, 0.01, None)),  # one reply has no spread
        ([], 4, 1.0, (None, None, None, None, None)),
        ([], 0, None, (None, None, None, None, None)),  # what was not sent was not lost
    ],
)
def test_statistics_of_a_train_are_over_its_replies(
    rtts_s: list[float], sent_count: int, loss_ratio: float | None, figures: tuple[Any, ...]
) -> None:
    row = module._row(make_train(rtts_s=rtts_s, sent_count=sent_count))
    assert (row.received_count, row.loss_ratio) == (len(rtts_s), loss_ratio)
    found = (row.rtt_min_s, row.rtt_avg_s, row.rtt_median_s, row.rtt_max_s, row.rtt_stddev_s)
    assert [one if one is None else pytest.approx(one) for one in figures] == list(found)


@pytest.mark.parametrize(
    ("rtts_s", "is_permitted", "failure", "detail"),
    [
        ([], True, "ping_no_reply", "no route"),
        ([], False, "ping_not_permitted", "no route"),
        ([0.01], True, None, None),  # a detail of what worked is none
    ],
)
def test_train_without_a_reply_has_its_class(
    rtts_s: list[float], is_permitted: bool, failure: str | None, detail: str | None
) -> None:
    row = module._row(make_train(rtts_s=rtts_s, sent_count=1, is_permitted=is_permitted, detail="no route"))
    assert (row.failure, row.failure_detail) == (failure, detail)
    assert failure is None or failure in FAILURES


@pytest.mark.parametrize(
    ("pings", "failure"),
    [
        ([Ping("a", sent_count=4, failure="ping_no_reply")], (None, None)),  # loss alone is a measurement
        ([Ping("a", failure="ping_not_permitted", failure_detail="d"), Ping("a", sent_count=1)], (None, None)),
        ([Ping("a", failure="ping_not_permitted", failure_detail="d")], ("ping_not_permitted", "d")),
        ([Ping("a", sent_count=0), Ping("b", failure="ping_not_permitted")], ("ping_no_reply", None)),
    ],
)
def test_stage_fails_only_where_nothing_could_be_sent(
    pings: list[Ping], failure: tuple[str | None, str | None]
) -> None:
    assert module._overall(pings) == failure


def no_names(monkeypatch: pytest.MonkeyPatch, known: dict[str, str]) -> None:
    def look_up(name: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        if name not in known:
            raise OSError("not known")
        return [(2, 1, 6, "", (known[name], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    ("given", "targets", "unknown"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"], []),
        (["2001:DB8::1", "2001:db8:0::1"], ["2001:db8::1"], []),  # one address, written twice
        (["proxy.example", "192.0.2.9"], ["192.0.2.9"], []),  # the name is that address too
        (["gone.example", "192.0.2.1"], ["192.0.2.1"], ["gone.example"]),
        (["a" * 300 + ".example"], [], ["a" * 300 + ".example"]),
    ],
)
def test_every_distinct_address_is_a_target_and_names_are_looked_up(
    given: list[str], targets: list[str], unknown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_names(monkeypatch, {"proxy.example": "192.0.2.9"})
    assert module._targets(given) == (targets, unknown)


class Prober:
    """A prober that sends nothing."""

    def __init__(self, method: str) -> None:
        self.method = method


class Line:
    """Takes what would be sent, and answers every probe after 10 ms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *families: int) -> None:
        self.schedule: list[tuple[float, str, str]] = []

        def open_echo(family: int, source: str | None, timeout_s: float) -> tuple[Prober | None, str | None]:
            return (Prober("icmp_raw"), None) if family in families else (None, "not permitted")

        def run(schedule: Schedule, timeout_s: float) -> None:
            for at_s, prober, train in sorted(schedule, key=lambda step: step[0]):
                self.schedule.append((round(at_s, 3), prober.method, train.address))
                train.sent_count += 1
                train.rtts_s.append(0.01)

        monkeypatch.setattr(module, "open_echo", open_echo)
        monkeypatch.setattr(module, "ConnectProber", lambda *_: Prober("tcp"))
        monkeypatch.setattr(module, "run_trains", run)


def make_config(**overrides: Any) -> PingConfig:
    return PingConfig(**{"packets": 4, "interval_s": 1.0, "timeout_s": 1.0, "method": "auto", **overrides})


A, B, SIX = "192.0.2.1", "192.0.2.2", "2001:db8::1"


def test_probes_of_several_addresses_leave_evenly_spread_and_never_two_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Line(monkeypatch, 4)
    ping_addresses([A, B], make_config(packets=2))
    # A step is 1 s / 2 addresses = 0.5; connects are half a step, 0.25, off.
    assert line.schedule == [
        (0.0, "icmp_raw", A), (0.25, "tcp", A), (0.5, "icmp_raw", B), (0.75, "tcp", B),
        (1.0, "icmp_raw", A), (1.25, "tcp", A), (1.5, "icmp_raw", B), (1.75, "tcp", B),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "families", "addresses", "rows"),
    [
        # Beside echoes three connects are enough.
        ("auto", (4, 6), [A], [("icmp_raw", A, 4), ("tcp", A, 3)]),
        ("auto", (4, 6), [A, SIX], [("icmp_raw", A, 4), ("tcp", A, 3), ("icmp_raw", SIX, 4), ("tcp", SIX, 3)]),
        # Where no echo is permitted, TCP alone, and no empty row of ICMP.
        ("auto", (), [A], [("tcp", A, 4)]),
        ("tcp", (4, 6), [A], [("tcp", A, 4)]),
        # Where ICMP was asked for, its row says that it was not permitted.
        ("icmplib", (), [A], [("icmp", A, 0), ("tcp", A, 4)]),
        ("icmplib", (4,), [A, SIX], [("icmp_raw", A, 4), ("tcp", A, 3), ("icmp", SIX, 0), ("tcp", SIX, 4)]),
    ],
)
def test_method_decides_the_rows_of_each_address(
    method: str,
    families: tuple[int, ...],
    addresses: list[str],
    rows: list[tuple[str, str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Line(monkeypatch, *families)
    found = ping_addresses(addresses, make_config(method=method), port=8443)
    assert [(ping.method, ping.address, ping.sent_count) for ping in found.pings] == rows
    assert {ping.port for ping in found.pings if ping.method == "tcp"} == {8443}
    refused = [ping.failure_detail for ping in found.pings if ping.failure == "ping_not_permitted"]
    assert refused == ["not permitted"] * sum(method == "icmp" for method, _, _ in rows)


@pytest.mark.parametrize(
    ("gateway", "families", "is_pinged"),
    [
        ("198.51.100.1", (4,), True),
        ("198.51.100.1", (), False),  # echoes alone
        ("fe80::1%eth0", (4,), False),  # of the other family
        (A, (4,), False),  # it is a target itself
        (None, (4,), False),
    ],
)
def test_gateway_has_a_row_without_its_address(
    gateway: str | None, families: tuple[int, ...], is_pinged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(monkeypatch, *families)
    found = ping_addresses([A], make_config(), gateway=gateway)
    rows = [ping for ping in found.pings if ping.role == GATEWAY]
    assert [(row.address, row.sent_count) for row in rows] == ([(GATEWAY, 4)] if is_pinged else [])
    assert [at_s for at_s, _, address in line.schedule if address == gateway and gateway != A] == (
        [0.0, 1.0, 2.0, 3.0] if is_pinged else []
    )


@pytest.mark.parametrize(("packets", "addresses"), [(0, [A]), (4, [])])
def test_nothing_to_ping_is_nothing_measured(packets: int, addresses: list[str]) -> None:
    found = ping_addresses(addresses, make_config(packets=packets))
    assert (found.pings, found.failure, found.elapsed_s) == ((), None, None)


def test_name_without_an_address_is_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    no_names(monkeypatch, {})
    Line(monkeypatch, 4)
    found = ping_addresses(["gone.example"], make_config())
    assert [(ping.address, ping.failure) for ping in found.pings] == [("gone.example", "ping_no_reply")]
    assert found.failure == "ping_no_reply" and found.failure_detail == "the name has no address"


@pytest.mark.parametrize(
    ("error", "is_permitted", "budget_s"),
    [(None, True, 2.5), (PermissionError("root only"), False, 2.5), (OSError("no route"), True, 2.5)],
)
def test_pythonping_goes_one_address_after_the_other_within_one_budget(
    error: Exception | None, is_permitted: bool, budget_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets: list[float] = []

    def run(train: ProbeTrain, packets: int, interval_s: float, timeout_s: float, budget_s: float) -> None:
        budgets.append(budget_s)
        if error is not None:
            raise error

    monkeypatch.setattr(module, "run_pythonping", run)
    trains = [make_train(method="pythonping"), make_train(method="pythonping"), make_train(method="tcp")]
    module._run_pythonping_trains(trains, make_config())
    # (4 x 1 s + 1 s) / 2 addresses.
    assert budgets == [budget_s, budget_s]
    assert [train.is_permitted for train in trains] == [is_permitted, is_permitted, True]
    assert [train.detail for train in trains] == [error and str(error), error and str(error), None]


def test_connects_that_no_socket_was_left_for_are_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("pytomo_scrapy.measure.ping.probers.socket.socket", none_left)
    prober, train = ConnectProber(None, 1.0), make_train(method="tcp_connect", port=443)
    prober.register(selectors.DefaultSelector())
    prober.send(train)
    row = module._row(train)
    assert (row.failure, row.sent_count, row.failure_detail) == ("out_of_resources", 0, "Too many open files")
