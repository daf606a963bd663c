"""Round trips against a responder with set delay and loss in a network namespace, and on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.config import PathConfig, PingConfig
from pytomo_scrapy.items import Ping
from pytomo_scrapy.measure.ping import round_trips as ping_module
from pytomo_scrapy.measure.ping.probers import ProbeTrain
from pytomo_scrapy.measure.ping.round_trips import ping_addresses
from tests.running.commands import command

pytestmark = pytest.mark.alone

# What waking up may cost on a busy machine of two cores; on an idle one it is 0.3 ms.
TOLERANCE_S = 0.001
NOBODY = 65534


def ping_in_namespace(hosts: dict[str, dict[str, Any]], *, port: int = 443, **more: Any) -> dict[str, Any]:
    """Ping `hosts` behind a responder of our own; see ping_namespace.py."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("needs root and /dev/net/tun")
    config = {"packets": 10, "interval_s": 0.03, "timeout_s": 0.2, "method": "auto"} | more.pop("config", {})
    job = {"hosts": hosts, "config": config, "port": port, **more}
    done = subprocess.run(
        command("tests.measure.ping.ping_namespace"),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("network namespaces or TUN devices are not permitted here")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def rows(answer: dict[str, Any], *methods: str) -> dict[str, dict[str, Any]]:
    return {row["address"]: row for row in answer["pings"] if row["method"] in methods}


def assert_exact(row: dict[str, Any], held_s: list[float], lost_count: int, packets: int = 10) -> None:
    assert row["sent_count"] == packets
    assert row["received_count"] == packets - lost_count
    assert row["loss_ratio"] == lost_count / packets
    assert min(held_s) <= row["rtt_min_s"] <= min(held_s) + TOLERANCE_S
    assert row["rtt_min_s"] <= row["rtt_median_s"] <= row["rtt_max_s"]
    assert row["rtt_min_s"] <= row["rtt_avg_s"] <= row["rtt_max_s"]
    assert row["failure"] is None


@pytest.mark.root
def test_ping_of_10_ms_with_30_percent_loss_is_exact() -> None:
    answer = ping_in_namespace({"192.0.2.1": {"delay_s": 0.01, "lost": [1, 4, 7]}})
    assert_exact(rows(answer, "icmp_raw")["192.0.2.1"], answer["held_s"]["192.0.2.1"], lost_count=3)


@pytest.mark.root
@pytest.mark.parametrize("method", ["auto", "pythonping", "tcp"])
def test_ping_of_300_ms_against_a_timeout_of_200_ms_is_all_lost_and_null(method: str) -> None:
    answer = ping_in_namespace(
        {"192.0.2.1": {"delay_s": 0.3}}, config={"method": method, "packets": 4, "timeout_s": 0.2, "interval_s": 0.3}
    )
    for row in answer["pings"]:
        assert (row["received_count"], row["loss_ratio"], row["failure"]) == (0, 1.0, "ping_no_reply")
        assert row["sent_count"] > 0
        assert {row[f"rtt_{name}_s"] for name in ("min", "avg", "median", "max", "stddev")} == {None}
    assert answer["failure"] is None  # loss is a measurement


@pytest.mark.root
def test_ping_of_20_hosts_at_once_is_exact_for_each() -> None:
    hosts = {f"192.0.2.{index}": {"delay_s": 0.004 * index, "lost": list(range(index % 4))} for index in range(1, 21)}
    answer = ping_in_namespace(hosts, config={"interval_s": 0.1})
    echoes = rows(answer, "icmp_raw")
    assert set(echoes) == set(hosts)
    for address, host in hosts.items():
        assert_exact(echoes[address], answer["held_s"][address], len(host["lost"]))
        assert echoes[address]["rtt_min_s"] >= host["delay_s"]
    assert answer["elapsed_s"] < 10 * 0.1 + 0.2 + 0.5


@pytest.mark.root
def test_ping_of_silent_hosts_ends_in_bounded_time() -> None:
    hosts = {f"192.0.2.{index}": {"delay_s": 0, "lost": list(range(20))} for index in range(1, 21)}
    hosts["192.0.2.1"]["tcp_lost"] = list(range(20))
    answer = ping_in_namespace(hosts)
    for row in rows(answer, "icmp_raw").values():
        assert (row["loss_ratio"], row["rtt_min_s"], row["failure"]) == (1.0, None, "ping_no_reply")
    assert rows(answer, "tcp_connect")["192.0.2.1"]["failure"] == "ping_no_reply"
    assert rows(answer, "tcp_connect")["192.0.2.2"]["failure"] is None
    assert answer["elapsed_s"] < 10 * 0.03 + 0.2 + 0.5


@pytest.mark.root
def test_ping_over_ipv6_is_exact() -> None:
    answer = ping_in_namespace({"2001:db8::1": {"delay_s": 0.02, "lost": [0, 9]}})
    assert_exact(rows(answer, "icmp_raw")["2001:db8::1"], answer["held_s"]["2001:db8::1"], lost_count=2)


@pytest.mark.root
def test_ping_without_privileges_takes_datagram_sockets_and_is_exact() -> None:
    answer = ping_in_namespace(
        {"192.0.2.1": {"delay_s": 0.01, "lost": [2]}, "2001:db8::1": {"delay_s": 0.02, "lost": []}},
        user_id=NOBODY,
        ping_group_range="0 2147483647",
    )
    echoes = rows(answer, "icmp_datagram")
    assert_exact(echoes["192.0.2.1"], answer["held_s"]["192.0.2.1"], lost_count=1)
    assert_exact(echoes["2001:db8::1"], answer["held_s"]["2001:db8::1"], lost_count=0)


@pytest.mark.root
@pytest.mark.parametrize("method", ["auto", "icmplib", "pythonping"])
def test_ping_without_any_permission_falls_to_tcp(method: str) -> None:
    answer = ping_in_namespace({"192.0.2.1": {"delay_s": 0.01}}, user_id=NOBODY, config={"method": method})
    tcp = rows(answer, "tcp_connect")["192.0.2.1"]
    assert tcp["received_count"] == tcp["sent_count"] > 0
    assert 0.01 <= tcp["rtt_min_s"] < 0.1  # how exact it is on an idle machine, others say
    assert answer["failure"] is None
    others = [row["failure"] for row in answer["pings"] if row["method"] != "tcp_connect"]
    assert others == ([] if method == "auto" else ["ping_not_permitted"])


@pytest.mark.root
def test_ping_by_tcp_counts_a_repeated_syn_as_lost() -> None:
    # The first SYN is never answered; the kernel's second one, 1 s later, is. That second is no round trip.
    answer = ping_in_namespace(
        {"192.0.2.1": {"delay_s": 0.01, "tcp_lost": [0]}},
        config={"method": "tcp", "packets": 3, "timeout_s": 1.5, "interval_s": 0.05},
    )
    (row,) = answer["pings"]
    assert (row["sent_count"], row["received_count"]) == (3, 2)
    assert row["rtt_max_s"] < 0.5


@pytest.mark.root
def test_ping_by_pythonping_with_loss_is_exact() -> None:
    answer = ping_in_namespace(
        {"192.0.2.1": {"delay_s": 0.01, "lost": [0, 3, 5]}},
        config={"method": "pythonping", "timeout_s": 0.15, "interval_s": 0.15},
    )
    assert_exact(rows(answer, "pythonping")["192.0.2.1"], answer["held_s"]["192.0.2.1"], lost_count=3)


@pytest.mark.root
def test_ping_by_pythonping_takes_no_late_reply_for_the_next_ones() -> None:
    # Replies come 70 ms late against 50 ms: each arrives while the next probe waits.
    answer = ping_in_namespace(
        {"192.0.2.1": {"delay_s": 0.07}}, config={"method": "pythonping", "timeout_s": 0.05, "interval_s": 0.05}
    )
    row = rows(answer, "pythonping")["192.0.2.1"]
    assert (row["received_count"], row["rtt_min_s"], row["loss_ratio"]) == (0, None, 1.0)


@pytest.mark.root
def test_ping_by_pythonping_leaves_ipv6_to_icmplib() -> None:
    answer = ping_in_namespace({"2001:db8::1": {"delay_s": 0.01}}, config={"method": "pythonping"})
    assert_exact(rows(answer, "icmp_raw")["2001:db8::1"], answer["held_s"]["2001:db8::1"], lost_count=0)


@pytest.mark.root
def test_ping_without_a_route_sends_nothing_and_fails() -> None:
    answer = ping_in_namespace({"198.51.100.1": {"delay_s": 0}})
    assert answer["failure"] == "ping_no_reply"
    for row in answer["pings"]:
        assert (row["sent_count"], row["loss_ratio"]) == (0, None)
        assert "unreachable" in row["failure_detail"]


# On loopback, without privileges.


def test_ping_by_tcp_takes_a_refusal_for_a_reply() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed_port = server.getsockname()[1]
    result = ping_addresses(["127.0.0.1"], PingConfig(4, 0.01, 0.5, "tcp"), port=closed_port)
    (row,) = result.pings
    assert (row.method, row.port, row.sent_count, row.received_count) == ("tcp_connect", closed_port, 4, 4)
    assert row.rtt_min_s is not None and 0 < row.rtt_min_s < 0.5  # within its time-out
    assert result.failure is None


def test_ping_by_tcp_of_an_open_port_measures_from_the_source_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = PingConfig(1, 0.01, 0.5, "tcp", PathConfig(source_address="127.0.0.9"))
        result = ping_addresses(["127.0.0.1"], config, port=server.getsockname()[1])
        connection, (peer, _) = server.accept()
        connection.close()
    assert result.pings[0].received_count == 1
    assert peer == "127.0.0.9"


def test_ping_of_an_address_named_twice_is_one_row() -> None:
    result = ping_addresses(["127.0.0.1", "127.0.0.1", "localhost"], PingConfig(1, 0.01, 0.5, "tcp"), port=1)
    assert [row.address for row in result.pings if row.address == "127.0.0.1"] == ["127.0.0.1"]


def test_ping_with_no_packets_or_no_address_measures_nothing() -> None:
    assert ping_addresses(["127.0.0.1"], PingConfig(packets=0)).pings == ()
    assert ping_addresses([], PingConfig()).failure is None


def test_ping_of_a_name_without_address_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **options: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(ping_module.socket, "getaddrinfo", unknown)
    result = ping_addresses(["proxy.example"], PingConfig(2, 0.01, 0.5, "tcp"), port=3128)
    assert result.pings == (Ping("proxy.example", failure="ping_no_reply", failure_detail="the name has no address"),)
    assert result.failure == "ping_no_reply"


def test_ping_of_a_name_whose_look_up_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(ping_module, "_NAME_TIMEOUT_S", 0.05)
    monkeypatch.setattr(ping_module.socket, "getaddrinfo", lambda *args, **options: is_over.wait(30) and [])
    result = ping_addresses(["proxy.example"], PingConfig(1, 0.01, 0.1, "tcp"))
    assert result.failure == "ping_no_reply" and not is_over.is_set(), "the look-up hangs still"
    is_over.set()


def test_ping_statistics_are_over_real_replies_only() -> None:
    # Five sent, three came back: 10, 20 and 60 ms. Mean 30; sample variance (20² + 10² + 30²) / 2 = 700 ms².
    row = ping_module._row(ProbeTrain("192.0.2.1", "icmp_raw", None, 5, [0.01, 0.06, 0.02]))
    assert (row.sent_count, row.received_count, row.loss_ratio) == (5, 3, 0.4)
    assert (row.rtt_min_s, row.rtt_median_s, row.rtt_max_s) == (0.01, 0.02, 0.06)
    assert row.rtt_avg_s == pytest.approx(0.03)
    assert row.rtt_stddev_s == pytest.approx(700**0.5 / 1000)


def test_ping_statistics_of_one_reply_have_no_spread() -> None:
    row = ping_module._row(ProbeTrain("192.0.2.1", "icmp_raw", None, 1, [0.01]))
    assert (row.rtt_min_s, row.rtt_stddev_s) == (0.01, None)
