"""Interface counters: whose bytes they are."""

from __future__ import annotations

import psutil
import pytest

from pytomo_scrapy.measure.host.interface import (
    Counters,
    cpu_ratio,
    interface_of,
    is_cross_traffic,
    local_address_towards,
    read_counters,
    wire_received_bytes,
    wire_sent_bytes,
)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.42.0.3", "::1", None, ""])
def test_interface_of_loopback_is_not_told(address: str | None) -> None:
    # Every byte is counted as sent and as received there.
    assert interface_of(address) is None


def test_interface_of_an_address_of_this_host_is_its_card() -> None:
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if address.family.name == "AF_INET" and not address.address.startswith("127."):
                assert interface_of(address.address) == name
                return
    pytest.skip("this machine has no address but loopback")


@pytest.mark.process
def test_local_address_towards_loopback_is_loopback() -> None:
    assert local_address_towards("127.0.0.1") == "127.0.0.1"
    assert local_address_towards(None) is None
    assert local_address_towards("not an address") is None


def test_cpu_ratio_is_busy_over_all_time() -> None:
    before = Counters({}, {}, 10.0, 100.0)
    assert cpu_ratio(before, Counters({}, {}, 13.0, 104.0)) == pytest.approx(0.75)
    assert cpu_ratio(before, before) is None


def test_counters_know_the_loopback_interface() -> None:
    counters = read_counters()
    assert counters.received_bytes.keys() == counters.sent_bytes.keys() != set()
    assert 0 < counters.cpu_busy_s < counters.cpu_total_s


def test_wire_bytes_hold_a_frame_for_every_segment() -> None:
    # 144 800 bytes are 100 segments of 1448, and one more is begun: 101 frames of 66 bytes.
    assert wire_received_bytes(144_800, 4, 1, is_tls=False) == 144_800 + 101 * 66
    # An acknowledgement for two segments, one more, and a request.
    assert wire_sent_bytes(144_800, 4, 1) == 51 * 66 + 2500


@pytest.mark.parametrize(
    ("foreign_bytes", "own_bytes", "expected"),
    [
        (None, 1_000_000, None),
        (0, 0, False),
        (99_999, 0, False),  # background of any host
        (100_000, 0, True),
        (1_000_000, 20_000_000, False),  # 1/21 is under 5 %
        (1_100_000, 20_000_000, True),  # 1.1/21.1 is over
    ],
)
def test_cross_traffic_is_a_share_above_the_ratio(
    foreign_bytes: int | None, own_bytes: int, expected: bool | None
) -> None:
    assert is_cross_traffic(foreign_bytes, own_bytes, 0.05) is expected
