"""Differential tests over real connections: the product's windows through a relay that is a line with a shaper.

The relay passes on what the line has room for at each moment, which drifts, is shared with flows of others, and stands
still after a loss; it reads the name in the first bytes of TLS, as a shaper does, and slows one. The product does not
know of it.
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.names.drawn_lines import CONDITIONS, SAMPLE_S, line_rates_bps
from pytomo_scrapy.analysis.differentiation.differential_verdict import judge_windows, needed_pairs
from pytomo_scrapy.analysis.differentiation.paired import LEAST_PAIRS
from pytomo_scrapy.config import DifferentialConfig, PathConfig
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.measure.comparing.name_pairs import GAP_S, PairsPlan, measure_pairs
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan

HOST, NEUTRAL = "rr1---sn-one.googlevideo.com", "www.example.com"
WINDOW_S, MEAN_BPS, MOST_PAIRS = 1.0, 6e6, 30
_STEP_S = 0.01
_MOST_CONNECTIONS = 2 * MOST_PAIRS + 10
_LOSSES_PER_S, _SILENCE_S = 0.4, 0.2  # a retransmission time-out of Linux, at least


@dataclass(frozen=True, slots=True)
class Relay:
    """A line in front of a server."""

    rates_bps: np.ndarray
    slower_ratio: float
    has_loss: bool
    seed: int
    server_port: int
    begun_s: float

    def carry(self, client: socket.socket) -> None:
        """Carry one connection until either side ends it."""
        draw, silent_until_s = np.random.default_rng((self.seed, client.fileno())), 0.0
        with client, socket.create_connection(("127.0.0.1", self.server_port), 5) as server:
            hello = client.recv(4096)
            share = 1 - self.slower_ratio if HOST.encode() in hello else 1.0
            server.sendall(hello)
            client.settimeout(5)
            up = threading.Thread(target=_pass_on, args=(client, server), daemon=True)
            up.start()
            owed = 0.0
            while True:
                time.sleep(_STEP_S)
                now_s = time.monotonic()
                if self.has_loss and draw.random() < _LOSSES_PER_S * _STEP_S:
                    silent_until_s = now_s + _SILENCE_S
                place = min(len(self.rates_bps) - 1, int((now_s - self.begun_s) / SAMPLE_S))
                owed = min(owed + self.rates_bps[place] * share * _STEP_S / 8, 65536.0)
                if now_s < silent_until_s or owed < 1:
                    continue
                part = server.recv(int(owed))
                if not part:
                    return
                client.sendall(part)
                owed -= len(part)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)


def _endless(connection: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
        if secured.recv(65536):
            secured.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                secured.sendall(bytes(16_384))


@contextmanager
def _listening(serve: object) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    # What the line does not carry waits in the server, not in buffers that would be emptied at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)

    def accept() -> None:
        for _ in range(_MOST_CONNECTIONS):
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _quietly(serve: object, connection: socket.socket) -> None:
    with suppress(OSError):
        serve(connection)  # type: ignore[operator]


def real_lines(count: int, seed: int) -> None:
    """Print what `count` tests without and with a shaper say, on lines with drift, cross traffic and loss."""
    print(f"\n{count} tests of each kind through a relay, all three conditions, windows of {WINDOW_S:g} s\n")
    print("| shaper | verdict | pairs | by pairs | Wehe |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.create(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(authority.bundle_path)
        authority.certificate(HOST)  # before the tests ask for it at once
        kinds = [(ratio, seed + number) for number in range(count) for ratio in (0.0, 0.35)]
        with ThreadPoolExecutor(len(kinds)) as pool:
            for line in pool.map(lambda kind: _real_line(authority, *kind), kinds):
                print(line, flush=True)


def _real_line(authority: Authority, slower_ratio: float, seed: int) -> str:
    config = DifferentialConfig()
    length_s = 2 * MOST_PAIRS * (WINDOW_S + GAP_S + 0.2)
    rates = line_rates_bps(CONDITIONS[-1], MEAN_BPS, length_s, np.random.default_rng(seed))
    context = authority.any_name_context(HOST)
    with ExitStack() as stack:
        server_port = stack.enter_context(_listening(lambda connection: _endless(connection, context)))
        relay = Relay(rates, slower_ratio, True, seed, server_port, time.monotonic())
        port = stack.enter_context(_listening(relay.carry))
        way = PathConfig(is_private_allowed=True)
        fetch = FetchPlan(f"https://{HOST}:{port}/v", "127.0.0.1", WINDOW_S, 20_000_000, path=way)
        plan = PairsPlan(fetch, NEUTRAL, LEAST_PAIRS, MOST_PAIRS, str(seed), 10**12)
        windows = measure_pairs(plan, lambda known: needed_pairs(known, config.effect_ratio))
    judged = judge_windows(windows, config.effect_ratio)
    difference = "unknown" if judged.difference_ratio is None else f"{100 * judged.difference_ratio:+.1f} %"
    shaper = f"{100 * slower_ratio:.0f} % slower" if slower_ratio else "none"
    return f"| {shaper} | {judged.verdict} | {judged.pair_count} | {difference} | {judged.wehe_verdict} |"
