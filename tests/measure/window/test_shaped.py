"""The window on a shaped link of network namespaces: its mean and its median bin are the payload rate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing

pytestmark = [pytest.mark.root, pytest.mark.alone]

WINDOW_S = 5.0
MAX_ROUNDS = 3
# Of each frame of 1514 bytes that tbf counts, 1448 are payload: Ethernet 14, IP 20, TCP with timestamps 32.
PAYLOAD_SHARE = 1448 / 1514

DIRECT = {**os.environ, "no_proxy": "*"}

SERVER = """
    import socket
    listener = socket.create_server(("10.77.1.1", 8080))
    while True:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: video/mp4\\r\\nContent-Length: 1000000000\\r\\n\\r\\n")
        try:
            while True:
                connection.sendall(bytes(65536))
        except OSError:
            connection.close()
"""

CLIENT = """
    import dataclasses, json, sys
    from pytomo_scrapy.config import DownloadConfig, PathConfig
    from pytomo_scrapy.items import MediaFormat
    from pytomo_scrapy.items.stored import flat
    from pytomo_scrapy.measure.window.loop import download_window
    from pytomo_scrapy.measure.window.plan import WindowPlan
    media = MediaFormat("muxed", "18", "http://host.example:8080/v", "host.example", 8080)
    plan = WindowPlan((media,), {"host.example": "10.77.1.1"}, spool_directory=sys.argv[1])
    path = PathConfig(is_private_allowed=True)
    config = DownloadConfig(window_s=float(sys.argv[2]), mode="bulk", loaded_probes_per_s=0, path=path)
    result = download_window(plan, config)
    names = ["failure", "ended_by", "delivery_bps", "bin_median_bps", "tcp_rtt_min_s", "tcp_receiver_rtt_median_s"]
    names += ["foreign_received_bytes", "received_bytes", "is_cross_traffic"]
    print(json.dumps({name: flat(result)[name] for name in names}))
"""


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


def measure(rate_mbit: int, spool: Path) -> dict[str, Any]:
    with shaped_link(rate_mbit) as (client, server):
        serve = [*f"ip netns exec {server} {sys.executable} -c".split(), textwrap.dedent(SERVER)]
        with subprocess.Popen(serve) as serving:
            try:
                time.sleep(0.5)
                fetch = [*f"ip netns exec {client} {sys.executable} -c".split(), textwrap.dedent(CLIENT)]
                done = subprocess.run([*fetch, str(spool), str(WINDOW_S)], capture_output=True, text=True, timeout=60)
            finally:
                serving.kill()
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("rate_mbit", [1, 5, 20, 100])
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
