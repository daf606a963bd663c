"""What is done to a session so that it is bad, and the cause that it is then bad for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from pytomo_scrapy.items import Cause

# Media hosts: A and B are good; the others are A's network with a server that sends slowly or begins late.
GOOD_A, GOOD_B, REFERENCE = "10.77.2.1", "10.77.3.1", "10.77.4.1"
SLOW_BPS = (200e3, 350e3, 500e3)
LATE_S = (2.5, 4.0, 6.0)
SLOW = {f"10.77.2.{11 + index}": bps for index, bps in enumerate(SLOW_BPS)}
LATE = {f"10.77.2.{21 + index}": late_s for index, late_s in enumerate(LATE_S)}
BURST = "10.77.2.31"  # two seconds of media's rate, then four seconds of nothing
PEAKS = "10.77.2.41"  # media of a rate that varies
# The service refuses what reaches further into the media: before the first picture, or behind it.
GATE_MEDIA_S = (0.5, 1.5)
GATES = {f"10.77.2.{51 + index}": media_s for index, media_s in enumerate(GATE_MEDIA_S)}
PEAKS_MEAN_BPS = 437e3  # of that clip, both streams

Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Injection:
    """One session: what is changed before it or while it runs, and for which causes. Empty: a clean one."""

    causes: tuple[Cause, ...] = ()
    strength: str = ""
    address: str = GOOD_A
    changes: tuple[tuple[float, Change], ...] = ()  # (seconds after the window's begin; before it: negative, change)
    traffic: tuple[str, int] | None = None  # direction, connections
    freeze_s: tuple[float, float] | None = None  # stopped and running, in turns
    quota_ratio: float | None = None  # of one core, for the probe
    hogs: tuple[int, float] | None = None  # busy programs beside the probe, and the share of a core for all together
    more_s: float = 0.0  # that its window is longer than others
    stronger: Cause | None = None  # of two: what alone would have left less; None: neither clearly

    @property
    def label(self) -> str:
        """Return its causes in words."""
        return "+".join(self.causes) or "clean"


@dataclass(frozen=True, slots=True)
class Line:
    """What a line is like without faults."""

    down_bps: float
    up_bps: float
    access_delay_s: float
    path_delay_s: float
    home_delay_s: float = 0.001
    has_controls: bool = False  # every bad window is followed by them
    is_far_end_silent: bool = False  # the access line's far end answers no probe


def draw_line(draw: Random) -> Line:
    """Return a line: from slow DSL to cable."""
    down_bps = draw.choice((5e6, 8e6))
    return Line(
        down_bps, down_bps / 5, draw.uniform(0.003, 0.012), draw.uniform(0.005, 0.02), draw.uniform(0.0005, 0.002)
    )


def _both(stage: str, **numbers: float) -> Change:
    return {"stage": stage, "down": dict(numbers), "up": dict(numbers)}


def _slow(stage: str, rate_bps: float, queue_s: float) -> Change:
    return {"stage": stage, "down": {"rate_bps": rate_bps, "queue_s": queue_s}}


def probe(draw: Random) -> Injection:
    kind = draw.choice(("stops", "quota", "hogs"))
    if kind == "hogs":
        count, share = draw.choice((2, 3, 4)), draw.choice((0.2, 0.3))
        return Injection((Cause.PROBE,), f"{count} busy programs", hogs=(count, share))
    if kind == "stops":
        stopped_s, running_s = draw.choice(((0.9, 0.05), (1.8, 0.1), (2.8, 0.1)))
        return Injection(
            (Cause.PROBE,), f"stopped {stopped_s} of {stopped_s + running_s:.2f} s", freeze_s=(stopped_s, running_s)
        )
    quota = draw.choice((0.005, 0.002, 0.001))
    return Injection((Cause.PROBE,), f"quota {quota:.1%}", quota_ratio=quota)


def home(draw: Random) -> Injection:
    if draw.random() < 0.6:
        bps = draw.choice((200e3, 350e3, 500e3))
        return Injection(
            (Cause.HOME,), f"{bps / 1e3:.0f} kbit/s", _host(draw), ((-1, _slow("home", bps, draw.uniform(0.2, 0.8))),)
        )
    loss = draw.choice((0.15, 0.25, 0.35))
    return Injection((Cause.HOME,), f"loss {loss:.0%}", _host(draw), ((-1, _both("home", loss=loss)),))


def own_traffic(draw: Random) -> Injection:
    count = draw.choice((8, 14, 20))
    return Injection((Cause.OWN_TRAFFIC,), f"{count} downloads", _host(draw), traffic=("d", count))


def access(draw: Random) -> Injection:
    if draw.random() < 0.7:
        bps = draw.choice((200e3, 350e3, 500e3))
        change = _slow("access", bps, draw.uniform(0.2, 0.8))
        return Injection((Cause.ACCESS,), f"{bps / 1e3:.0f} kbit/s", _host(draw), ((-1, change),))
    loss = draw.choice((0.15, 0.25, 0.35))
    return Injection((Cause.ACCESS,), f"loss {loss:.0%}", _host(draw), ((-1, _both("access", loss=loss)),))


def path(draw: Random) -> Injection:
    kind = draw.choice(("rate", "loss", "silence", "detour"))
    if kind == "rate":
        bps = draw.choice((200e3, 350e3, 500e3))
        changes = ((-1.0, _slow("a", bps, draw.uniform(0.2, 0.8))),)
        return Injection((Cause.PATH,), f"{bps / 1e3:.0f} kbit/s", changes=changes)
    if kind == "loss":
        loss = draw.choice((0.12, 0.2, 0.3))
        return Injection((Cause.PATH,), f"loss {loss:.0%}", changes=((-1.0, _both("a", loss=loss)),))
    if kind == "silence":
        return Injection((Cause.PATH,), "silence", changes=((draw.uniform(0.5, 2.0), _both("a", loss=1.0)),))
    delay_s = draw.choice((0.25, 0.4))
    return Injection((Cause.PATH,), f"{delay_s:.2f} s away", changes=((-1.0, _both("a", delay_s=delay_s)),))


def outage(draw: Random) -> Injection:
    begin_s, length_s = (
        draw.choice((-0.5, draw.uniform(0.1, 0.8), draw.uniform(1.5, 3.0))),
        draw.choice((6.0, 9.0, 99.0)),
    )
    down, up = _both("access", loss=1.0), _both("access", loss=0.0)
    changes: tuple[tuple[float, Change], ...] = ((begin_s, down),)
    if length_s < 99:
        changes = (*changes, (begin_s + length_s, up))
    return Injection((Cause.OUTAGE,), f"{length_s:.0f} s", _host(draw), changes)


def service(draw: Random) -> Injection:
    kind = draw.choice(("slow", "slow", "late", "late", "bursts", "gate"))
    if kind == "slow":
        address = draw.choice(tuple(SLOW))
        return Injection((Cause.SERVICE,), f"{SLOW[address] / 1e3:.0f} kbit/s", address)
    if kind == "late":
        address = draw.choice(tuple(LATE))
        return Injection((Cause.SERVICE,), f"{LATE[address]} s late", address)
    if kind == "bursts":
        return Injection((Cause.SERVICE,), "bursts", BURST)
    address = draw.choice(tuple(GATES))
    return Injection((Cause.SERVICE,), f"gate at {GATES[address]} s of media", address)


def content(draw: Random) -> Injection:
    """Return media whose peak is more than the line carries, though their mean is not.

    The line is as always at the start, which would else be slow. The peak begins after 10 s of media. Headers take a
    tenth of the line.
    """
    times = draw.choice((1.2, 1.3, 1.4))
    change = _slow("access", times * PEAKS_MEAN_BPS, 0.3)
    return Injection((Cause.CONTENT,), f"{times} of the mean", PEAKS, ((3.0, change),), more_s=5.0)


def _host(draw: Random) -> str:
    return draw.choice((GOOD_A, GOOD_B))


SINGLE = (probe, home, own_traffic, access, path, outage, service)
# By name: what a pair is made of.
PAIRS = ("home+path", "home+lossy path", "own+home", "lossy path+service", "probe+access", "access+late service",
         "access+service", "path+service")  # fmt: skip
_STRONG_BPS, _WEAK_BPS = SLOW_BPS[0], SLOW_BPS[-1]


def pair(draw: Random) -> Injection:
    """Return two causes at once. Of two rates the lower one is the stronger cause: what is behind it meets no queue."""
    kind = draw.choice(PAIRS)
    if kind in ("home+path", "access+service", "path+service"):
        return _two_rates(kind, draw)
    if kind == "home+lossy path":
        changes: tuple[tuple[float, Change], ...] = ((-1.0, _slow("home", 350e3, 0.4)), (-1.0, _both("a", loss=0.15)))
        return Injection((Cause.HOME, Cause.PATH), "both", changes=changes)
    if kind == "own+home":
        changes = ((-1.0, _slow("home", 2e6, 0.4)),)
        return Injection((Cause.OWN_TRAFFIC, Cause.HOME), "both", _host(draw), changes, traffic=("d", 12))
    if kind == "lossy path+service":
        return Injection((Cause.PATH, Cause.SERVICE), "both", _slow_host(350e3), ((-1.0, _both("a", loss=0.2)),))
    changes = ((-1.0, _slow("access", 350e3, 0.4)),)
    if kind == "probe+access":
        return Injection((Cause.PROBE, Cause.ACCESS), "both", _host(draw), changes, freeze_s=(1.8, 0.1))
    return Injection((Cause.ACCESS, Cause.SERVICE), "both", next(reversed(LATE)), changes)


def _two_rates(kind: str, draw: Random) -> Injection:
    """Return two places that are both too slow, one of them slower."""
    first, second = (Cause(name) for name in kind.split("+"))
    stronger = draw.choice((first, second))
    rates = {cause: _STRONG_BPS if cause is stronger else _WEAK_BPS for cause in (first, second)}
    stages = {Cause.HOME: "home", Cause.ACCESS: "access", Cause.PATH: "a"}
    changes = tuple((-1.0, _slow(stages[cause], bps, 0.4)) for cause, bps in rates.items() if cause in stages)
    address = _slow_host(rates[Cause.SERVICE]) if Cause.SERVICE in rates else GOOD_A
    words = f"{rates[first] / 1e3:.0f} and {rates[second] / 1e3:.0f} kbit/s"
    return Injection((first, second), words, address, changes, stronger=stronger)


def _slow_host(bps: float) -> str:
    return next(address for address, rate_bps in SLOW.items() if rate_bps == bps)


def plan(seed: int, count: int, pair_share: float = 0.12, clean_share: float = 0.2) -> tuple[Line, Sequence[Injection]]:
    """Return a line and its sessions: clean ones first, as every line has a history, then causes and clean ones.

    Every second line has controls behind its bad windows.
    """
    draw = Random(seed)
    line = replace(draw_line(draw), has_controls=seed % 2 == 1)
    kinds: list[Any] = []
    while len(kinds) < count:
        # The media's own peaks are no fault, and not scored: rarer.
        kinds += draw.sample(SINGLE, len(SINGLE)) + draw.sample((content,), draw.random() < 0.5)
    sessions = [Injection(address=address) for address in (GOOD_A, GOOD_B, GOOD_A, GOOD_B)]
    for kind in kinds[:count]:
        if draw.random() < clean_share:
            sessions.append(Injection(address=_host(draw)))
        sessions.append(pair(draw) if draw.random() < pair_share else kind(draw))
    return line, sessions
