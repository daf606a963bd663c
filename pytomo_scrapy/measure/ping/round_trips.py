"""Round trips of the idle line to every address: ICMP where permitted, and TCP connects."""

from __future__ import annotations

import ipaddress
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytomo_scrapy.config import PingConfig
from pytomo_scrapy.items import Ping, PingResult
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.ping.probers import (
    ConnectProber,
    EchoProber,
    Prober,
    ProbeTrain,
    open_echo,
    run_pythonping,
    run_trains,
)

# A few connects in addition to ICMP show whether TCP takes the same way; each costs the server a socket.
_TCP_BESIDE_COUNT = 3
_NAME_TIMEOUT_S = 2.0
GATEWAY = "gateway"


def ping_addresses(
    addresses: Sequence[str], config: PingConfig, *, port: int = 443, gateway: str | None = None
) -> PingResult:
    """Measure the round trip to every distinct address at once: one row for ICMP, one for TCP connects to `port`.

    `gateway` gets echoes alone, and its row the word instead of its address, which may tell where the line is.

    A host name (a proxy's) is looked up first. `auto` takes icmplib's raw socket, else its datagram socket, else TCP
    alone; `pythonping` is for IPv4, so IPv6 goes by icmplib. Blocks, and returns within packets x interval_s +
    timeout_s + 0.5 s (pythonping: twice that; a name: 2 s more). Never raises for trouble on the network.

    Implementation note: statistics are over real replies only. A reply later than timeout_s is a loss, and so is a TCP
    connect that needed a second SYN. What could not be sent (no route) counts as neither sent nor lost.
    """
    started_s = time.monotonic()
    if config.packets == 0 or not addresses:
        return PingResult()
    targets, unknown = _targets(addresses)
    trains = _measure(targets, config, port, gateway if gateway not in targets else None) if targets else []
    pings = [_row(train) for train in trains if train.role == "media"] + [
        Ping(name, failure="ping_no_reply", failure_detail="the name has no address") for name in unknown
    ]
    failure, detail = _overall(pings)
    pings += [replace(_row(train), address=GATEWAY, role=GATEWAY) for train in trains if train.role == GATEWAY]
    return PingResult(tuple(pings), time.monotonic() - started_s, failure, detail)


def _measure(targets: Sequence[str], config: PingConfig, port: int, gateway: str | None) -> list[ProbeTrain]:
    echo, reasons = _open_echo_probers(targets, config)
    connect = ConnectProber(config.path.source_address, config.timeout_s)
    trains: list[ProbeTrain] = []
    schedule: list[tuple[float, Prober, ProbeTrain]] = []
    step_s = config.interval_s / len(targets)
    for index, address in enumerate(targets):
        family = family_of(address) or 4
        prober = echo.get(family)
        has_echo = True
        if prober is not None:
            train = ProbeTrain(address, prober.method)
            trains.append(train)
            schedule += [(index * step_s + at_s, prober, train) for at_s in _times(config.packets, config.interval_s)]
        elif config.method == "pythonping" and family == 4:
            trains.append(ProbeTrain(address, "pythonping"))
        else:
            has_echo = False
            trains.append(ProbeTrain(address, "icmp", detail=reasons.get(family), is_permitted=False))
        tcp = ProbeTrain(address, connect.method, port)
        trains.append(tcp)
        tcp_count = min(config.packets, _TCP_BESIDE_COUNT) if has_echo else config.packets
        # Half a step off, so that an echo and a connect to one address do not leave together.
        offset_s = (index + 0.5) * step_s
        schedule += [(offset_s + at_s, connect, tcp) for at_s in _times(tcp_count, config.interval_s)]
    prober = echo.get(6 if gateway and ":" in gateway else 4)
    if gateway is not None and prober is not None:
        train = ProbeTrain(gateway, prober.method, role=GATEWAY)
        trains.append(train)
        schedule += [(at_s, prober, train) for at_s in _times(config.packets, config.interval_s)]
    run_trains(schedule, config.timeout_s)
    _run_pythonping_trains(trains, config)
    # Where TCP is what was asked for, or the last resort of `auto`, an empty ICMP row would say nothing.
    return [train for train in trains if train.is_permitted or config.method not in {"auto", "tcp"}]


def _times(count: int, interval_s: float) -> Iterator[float]:
    return (position * interval_s for position in range(count))


def _open_echo_probers(
    targets: Sequence[str], config: PingConfig
) -> tuple[dict[int, EchoProber], dict[int, str | None]]:
    probers: dict[int, EchoProber] = {}
    reasons: dict[int, str | None] = {}
    families = {family_of(address) or 4 for address in targets}
    if config.method == "tcp":
        return probers, reasons
    if config.method == "pythonping":
        families.discard(4)
    for family in sorted(families):
        prober, reasons[family] = open_echo(family, config.path.source_address, config.timeout_s)
        if prober is not None:
            probers[family] = prober
    return probers, reasons


def _run_pythonping_trains(trains: Sequence[ProbeTrain], config: PingConfig) -> None:
    """Run pythonping over its addresses one after the other: several at once would take each other's time."""
    pythonping_trains = [train for train in trains if train.method == "pythonping"]
    for train in pythonping_trains:
        budget_s = (config.packets * config.interval_s + config.timeout_s) / len(pythonping_trains)
        try:
            run_pythonping(train, config.packets, config.interval_s, config.timeout_s, budget_s)
        except (OSError, RuntimeError) as error:
            train.detail, train.is_permitted = str(error), not isinstance(error, PermissionError)


def _targets(addresses: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the distinct addresses, names looked up, and the names without one."""
    targets: list[str] = []
    unknown: list[str] = []
    for address in dict.fromkeys(addresses):
        try:
            targets.append(str(ipaddress.ip_address(address)))
        except ValueError:
            found = _address_of(address)
            (targets if found else unknown).append(found or address)
    return list(dict.fromkeys(targets)), unknown


def _address_of(name: str) -> str | None:
    found: list[str] = []

    def ask() -> None:
        try:
            found.extend(str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    # The system's own look-up has no time-out that could be set.
    thread = threading.Thread(target=ask, name="ping-name", daemon=True)
    thread.start()
    thread.join(_NAME_TIMEOUT_S)
    return next(iter(list(found)), None)


def _row(train: ProbeTrain) -> Ping:
    rtts_s = train.rtts_s
    failure = None
    if not rtts_s:
        failure = "ping_no_reply" if train.is_permitted else "ping_not_permitted"
        failure = "out_of_resources" if train.is_exhausted else failure
    return Ping(
        address=train.address,
        method=train.method,
        port=train.port,
        sent_count=train.sent_count,
        received_count=len(rtts_s),
        loss_ratio=(train.sent_count - len(rtts_s)) / train.sent_count if train.sent_count else None,
        rtt_min_s=min(rtts_s, default=None),
        rtt_avg_s=statistics.fmean(rtts_s) if rtts_s else None,
        rtt_median_s=statistics.median(rtts_s) if rtts_s else None,
        rtt_max_s=max(rtts_s, default=None),
        rtt_stddev_s=statistics.stdev(rtts_s) if len(rtts_s) > 1 else None,
        failure=failure,
        failure_detail=train.detail if failure else None,
    )


def _overall(pings: Sequence[Ping]) -> tuple[str | None, str | None]:
    """Return a failure where not a single probe could be sent: loss alone is a measurement."""
    if any(ping.sent_count for ping in pings):
        return None, None
    first = pings[0]
    return first.failure or "ping_no_reply", first.failure_detail
