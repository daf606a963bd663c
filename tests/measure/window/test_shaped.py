"""The window on a shaped link of network namespaces: its mean and its median bin are the payload rate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.measure.window.namespace_window import SERVER
from tests.running import inside
from tests.running.commands import run_command

pytestmark = [pytest.mark.root, pytest.mark.alone]

# Long enough for the 15 kB that a slow link lets through at once not to count, and no longer.
WINDOW_S = {1: 5.0, 5: 4.0, 20: 2.0, 100: 1.5}
MAX_ROUNDS = 3
# Of each frame of 1514 bytes that tbf counts, 1448 are payload: Ethernet 14, IP 20, TCP with timestamps 32.
PAYLOAD_SHARE = 1448 / 1514


def run(command: str, *, is_checked: bool = True) -> None:
    subprocess.run(command.split(), check=is_checked, capture_output=True)


@contextmanager
def shaped_link(rate_mbit: int) -> Iterator[tuple[str, str]]:
    """Join two namespaces by a link whose server side sends at `rate_mbit`; give their names."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tc"):
        missing("needs root and iproute2")
    client, server = f"pytomo-c{os.getpid()}", f"pytomo-s{os.getpid()}"
    try:
        try:
            for name in (client, server):
                run(f"ip netns add {name}")
            run(f"ip link add pyto0 netns {server} type veth peer name pyto1 netns {client}")
            run(f"ip -n {server} addr add 10.77.1.1/24 dev pyto0")
            run(f"ip -n {client} addr add 10.77.1.2/24 dev pyto1")
            run(f"ip -n {server} link set pyto0 gso_max_segs 1 up")
            run(f"ip -n {client} link set pyto1 up")
            run(f"tc -n {server} qdisc add dev pyto0 root tbf rate {rate_mbit}mbit burst 15kb limit 48kb")
        except subprocess.CalledProcessError as error:
            missing(f"network namespaces or tbf: {error.stderr!r}")
        yield client, server
    finally:
        for name in (client, server):
            run(f"ip netns del {name}", is_checked=False)


@contextmanager
def pouring(server: str) -> Iterator[None]:
    """Send without end, to whoever asks, from a namespace."""
    serve = [*f"ip netns exec {server} {sys.executable} -S -E -c".split(), SERVER]
    with subprocess.Popen(serve, stdout=subprocess.PIPE) as serving:
        try:
            assert serving.stdout is not None and serving.stdout.readline() == b"\n"
            yield
        finally:
            serving.kill()


def window_within(namespace: str, spool: Path, window_s: float, probes_per_s: float = 0.0) -> dict[str, Any]:
    """Return the figures of a window in a namespace, which another process holds meanwhile."""
    hold = [*f"ip netns exec {namespace} sh -c".split(), "echo; exec sleep 60"]
    with subprocess.Popen(hold, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"\n"
            done = run_command(
                "tests.measure.window.namespace_window",
                *(str(spool), str(window_s), str(probes_per_s)),
                environment={**os.environ, "no_proxy": "*", inside.VARIABLE: str(holder.pid)},
                timeout_s=60,
            )
        finally:
            holder.kill()
    assert done.exit_code == 0, done.errors
    figures: dict[str, Any] = json.loads(done.output)
    return figures


def measure(rate_mbit: int, spool: Path) -> dict[str, Any]:
    with shaped_link(rate_mbit) as (client, server), pouring(server):
        return window_within(client, spool, WINDOW_S[rate_mbit])


@pytest.mark.parametrize("rate_mbit", WINDOW_S)
def test_window_on_a_shaped_link_measures_the_payload_rate(tmp_path: Path, rate_mbit: int) -> None:
    payload_bps = rate_mbit * 1e6 * PAYLOAD_SHARE
    for _ in range(MAX_ROUNDS):
        figures = measure(rate_mbit, tmp_path)
        # The link is never faster than it is set; a busy machine may be slower than the link.
        if figures["delivery_bps"] > 0.97 * payload_bps:
            break
    assert (figures["failure"], figures["ended_by"]) == (None, "deadline")
    assert figures["delivery_bps"] == pytest.approx(payload_bps, rel=0.03)
    assert figures["bin_median_bps"] == pytest.approx(payload_bps, rel=0.03)
    # Nothing delays the first packets; then up to 48 kB wait before tbf.
    assert figures["tcp_rtt_min_s"] < 0.001
    assert figures["tcp_receiver_rtt_median_s"] < 48_000 * 8 / (rate_mbit * 1e6) + 0.02
    assert figures["foreign_received_bytes"] < 0.01 * figures["received_bytes"] + 20_000
    assert figures["is_cross_traffic"] is False
