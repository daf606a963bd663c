"""Whether the queue is at home or behind the gateway: four namespaces in a row, one link of them slow."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.measure.window.test_shaped import pouring, run, window_within

pytestmark = [pytest.mark.root, pytest.mark.alone]

RATE_MBIT, QUEUE_BYTES = 5, 48_000
# A full queue is 77 ms, an empty one under 1 ms; how full the sender keeps it varies.
QUEUED_S = 0.005


@contextmanager
def routed_link(slow: str) -> Iterator[tuple[str, str]]:
    """Join client, gateway, provider and server; the gateway ("home") or the provider ("behind") sends slowly down."""
    client, gateway, provider, server = (f"pytomo-{side}g{os.getpid()}" for side in "cgps")
    try:
        try:
            for name in (client, gateway, provider, server):
                run(f"ip netns add {name}")
            for upper, device, lower, peer in (
                (server, "pytg0", provider, "pytg1"),
                (provider, "pytg2", gateway, "pytg3"),
                (gateway, "pytg4", client, "pytg5"),
            ):
                run(f"ip link add {device} netns {upper} type veth peer name {peer} netns {lower}")
                net = device[-1]
                for name, end, address in ((upper, device, f"10.77.1{net}.1/24"), (lower, peer, f"10.77.1{net}.2/24")):
                    run(f"ip -n {name} addr add {address} dev {end}")
                    run(f"ip -n {name} link set {end} gso_max_segs 1 up")
            run(f"ip -n {server} addr add 10.77.1.1/32 dev pytg0")
            run(f"ip -n {server} route add default via 10.77.10.2")
            run(f"ip -n {provider} route add 10.77.1.1 via 10.77.10.1")
            run(f"ip -n {provider} route add 10.77.14.0/24 via 10.77.12.2")
            run(f"ip -n {gateway} route add default via 10.77.12.1")
            run(f"ip -n {client} route add default via 10.77.14.1")
            for name in (gateway, provider):
                run(f"ip netns exec {name} sysctl -q -w net.ipv4.ip_forward=1")
            name, device = (gateway, "pytg4") if slow == "home" else (provider, "pytg2")
            run(f"tc -n {name} qdisc add dev {device} root tbf rate {RATE_MBIT}mbit burst 15kb limit {QUEUE_BYTES}")
        except (OSError, subprocess.CalledProcessError) as error:
            missing(f"network namespaces, routing or tbf: {error!r}")
        yield client, server
    finally:
        for name in (client, gateway, provider, server):
            run(f"ip netns del {name}", is_checked=False)


@pytest.mark.parametrize("slow", ["home", "behind"])
def test_gateway_under_load_tells_on_which_side_the_queue_is(tmp_path: Path, slow: str) -> None:
    if os.geteuid() != 0:
        missing("needs root")
    with routed_link(slow) as (client, server), pouring(server):
        figures = window_within(client, tmp_path, 3.0, probes_per_s=5.0)
    assert figures["failure"] is None
    assert figures["loaded_gateway_sent_count"] >= 5
    # The media host's probes wait in the queue wherever it is, the gateway's only in the one at home.
    assert figures["loaded_rtt_median_s"] > QUEUED_S
    # The provider's router, two hops away, sends back what may go no further, through the queue on either side of it.
    assert 5 <= figures["loaded_access_received_count"] <= figures["loaded_access_sent_count"]
    assert figures["loaded_access_rtt_median_s"] > QUEUED_S
    if slow == "home":
        assert figures["loaded_gateway_rtt_median_s"] > QUEUED_S
    else:
        assert figures["loaded_gateway_rtt_median_s"] < QUEUED_S
        assert figures["loaded_gateway_rtt_median_s"] < figures["loaded_rtt_median_s"] / 2
