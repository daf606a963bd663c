"""The gateway on the way to an address, from the kernel's tables as text, and echoes to it."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from pytomo_scrapy.config import PingConfig
from pytomo_scrapy.measure.ping.gateway import find_gateway_4, find_gateway_6, gateway_towards
from pytomo_scrapy.measure.ping.probers import open_echo
from pytomo_scrapy.measure.ping.round_trips import ping_addresses
from pytomo_scrapy.measure.window import gateway_probes
from pytomo_scrapy.measure.window.gateway_probes import GatewayProbes

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
# 192.168.1.0/24 on the link; 10.0.0.0/8 over 192.168.1.2; the rest over 192.168.1.1, or over another that costs more.
TABLE_4 = HEAD + (
    "eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0\n"
    "wlan0 00000000 0102A8C0 0003 0 0 600 00000000 0 0 0\n"
    "eth0 0000000A 0201A8C0 0003 0 0 100 000000FF 0 0 0\n"
    "eth0 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"
)
ZERO, NONE = "0" * 32, "00000000000000000000000000000000"
ROUTER = "fe80000000000000021122fffe334455"
TABLE_6 = (
    f"20010db8000000000000000000000000 40 {ZERO} 00 {NONE} 00000100 00000001 00000000 00000001     eth0\n"
    f"{ZERO} 00 {ZERO} 00 {ROUTER} 00000400 00000001 00000000 00000003     eth0\n"
    f"{ZERO} 00 {ZERO} 00 {NONE} ffffffff 00000001 00000000 00200200       lo\n"
)


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables show numbers as the machine keeps them")
@pytest.mark.parametrize(
    ("address", "gateway"),
    [("203.0.113.9", "192.168.1.1"), ("10.1.2.3", "192.168.1.2"), ("192.168.1.77", None)],
)
def test_longest_prefix_and_smallest_metric_decide(address: str, gateway: str | None) -> None:
    assert find_gateway_4(address, TABLE_4) == gateway


def test_table_without_a_route_has_no_gateway() -> None:
    assert find_gateway_4("203.0.113.9", HEAD) is None
    assert find_gateway_6("2001:db8:1::1", "") is None


@pytest.mark.parametrize(
    ("address", "gateway"), [("2001:db8::7", None), ("2001:db8:1::7", "fe80::211:22ff:fe33:4455%eth0")]
)
def test_link_local_gateway_has_its_interface(address: str, gateway: str | None) -> None:
    assert find_gateway_6(address, TABLE_6) == gateway


@pytest.mark.process
@pytest.mark.parametrize("address", [None, "127.0.0.1", "127.42.0.1", "::1", "not an address"])
def test_this_host_is_behind_no_gateway(address: str | None) -> None:
    assert gateway_towards(address) is None


def test_echoes_to_the_gateway_are_stamped_by_the_kernel() -> None:
    prober, why = open_echo(4, None, 1.0)
    if prober is None:
        pytest.skip(f"ICMP is not permitted: {why}")
    prober.close()
    probes = GatewayProbes.open("127.0.0.1", 50.0)
    assert probes is not None
    began_s = time.monotonic()
    # Read late, as a busy window does: the figure is the kernel's all the same.
    for at_s in (0.6, 0.7, 0.8):
        probes.tick(at_s)
        time.sleep(0.03)
    seen = probes.close()
    assert time.monotonic() - began_s >= 0.09
    assert (seen.sent_count, seen.sample_s) == (3, (0.6, 0.7, 0.8))
    assert 0 < min(seen.rtt_s) < 0.02


@pytest.mark.parametrize(("step_s", "answered_count"), [(0.0, 1), (0.7, 0), (-0.7, 0)])
def test_echo_in_whose_time_the_wall_clock_was_set_has_no_round_trip(
    monkeypatch: pytest.MonkeyPatch, step_s: float, answered_count: int
) -> None:
    prober, why = open_echo(4, None, 1.0)
    if prober is None:
        pytest.skip(f"ICMP is not permitted: {why}")
    prober.close()
    # Sent by the clock as it was, answered by the clock as it is.
    before = SimpleNamespace(time=lambda: time.time() - step_s, monotonic=time.monotonic)
    monkeypatch.setattr(gateway_probes, "time", before)
    probes = GatewayProbes.open("127.0.0.1", 50.0)
    assert probes is not None
    probes.tick(0.6)
    time.sleep(0.03)
    assert len(probes.close().rtt_s) == answered_count


@pytest.mark.process
def test_gateway_gets_echoes_and_a_row_without_its_address() -> None:
    prober, why = open_echo(4, None, 1.0)
    if prober is None:
        pytest.skip(f"ICMP is not permitted: {why}")
    prober.close()
    result = ping_addresses(["127.0.0.1"], PingConfig(packets=2, interval_s=0.01), port=9, gateway="127.0.0.2")
    row = result.pings[-1]
    assert (row.address, row.role, row.port, row.sent_count, row.received_count) == ("gateway", "gateway", None, 2, 2)
    assert [ping.role for ping in result.pings[:-1]] == ["media", "media"]
    again = ping_addresses(["127.0.0.1"], PingConfig(packets=1, interval_s=0.01), port=9, gateway="127.0.0.1")
    assert [ping.role for ping in again.pings] == ["media", "media"]
