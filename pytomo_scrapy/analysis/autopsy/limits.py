"""The numbers that the rules compare with: each with its default, its unit, its meaning and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from pytomo_scrapy.measure.playback.counted_stalls import SLOW_STARTUP_S

# One more whenever a rule or a default changes: rows say by which rules they were judged.
RULES_VERSION = 4

_LIMIT = "limit"
_ASSUMED = "our choice, checked by benchmarks/autopsy.py"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of the rules. `source` is a paper or says that it is our choice."""

    default: float
    unit: str
    meaning: str
    source: str


def _limit(default: float, unit: str, meaning: str, source: str = _ASSUMED) -> float:
    return field(default=default, metadata={_LIMIT: Limit(default, unit, meaning, source)})


@dataclass(frozen=True, slots=True)
class Limits:
    """What the rules compare with."""

    slow_startup_s: float = _limit(
        SLOW_STARTUP_S,
        "s",
        "a look-up and startup that take longer are slow",
        "viewers begin to leave after 2 s: Krishnan and Sitaraman, Video Stream Quality Impacts Viewer Behavior, IMC "
        "2012",
    )
    drain_s: float = _limit(10.0, "s", "longest time before a stall in which its cause is looked for")
    held_ratio: float = _limit(0.5, "", "least share of the bad time in which the evidence must hold")
    lost_ratio: float = _limit(
        0.7, "", "least share of the bad time without a processor that shows: media need a hundredth of one"
    )
    dark_ratio: float = _limit(0.35, "", "least share of the bad time that an outage and its recovery must fill")
    least_dark_count: float = _limit(
        8, "probes", "unanswered by media host and access line one after the other: at a loss of a half, 1 in 256"
    )
    absent_ratio: float = _limit(0.25, "", "largest share at which evidence counts as absent")
    queue_s: float = _limit(
        0.03,
        "s",
        "a round trip longer than the idle one by this, and by half of it, met a queue",
        "the order of Sundaresan et al., Home Network or Access Link?, PAM 2016, who take 12 ms at the home router",
    )
    queue_ratio: float = _limit(
        0.5,
        "",
        "the same, as a share of the idle round trip",
        "a flow that fills a link by itself lifts its round trip by at least half: Sundaresan et al., TCP Congestion "
        "Signatures, IMC 2017",
    )
    loss_ratio: float = _limit(
        0.03,
        "",
        "least share of lost probes that is loss, where it holds TCP below what playback needs (Mathis et al.)",
    )
    least_lost_count: float = _limit(2, "probes", "fewer lost probes are chance")
    out_of_order_ratio: float = _limit(
        0.02,
        "",
        "least share of segments out of order that shows loss",
        "TCP falls below 1.2 segments a round trip over the square root of the loss: Mathis et al., CCR 27(3), 1997",
    )
    least_sample_count: float = _limit(2, "probes", "fewer probes in the bad time say nothing")
    starved_ratio: float = _limit(1.2, "", "a rate above this share of what playback needs did not starve it")
    plateau_ratio: float = _limit(0.25, "", "how far a rate may be from the line's to be its plateau")
    spare_ratio: float = _limit(1.3, "", "the line must reach this share of what playback needs, to blame the service")
    line_quantile: float = _limit(0.9, "", "quantile of the line's recent windows that is its rate")
    least_past_windows: float = _limit(3, "windows", "fewer recent windows say nothing of the line")
    past_s: float = _limit(86400.0, "s", "how far back recent windows go")
    others_s: float = _limit(3600.0, "s", "how long another host's good window counts")
    lasting_s: float = _limit(
        5.0, "s", "controls say something of a bad time where these last seconds of the window were starved too"
    )
    least_control_s: float = _limit(1.0, "s", "a shorter control says nothing")
    least_control_bytes: float = _limit(1_000_000.0, "bytes", "but one that brought so much does")
    foreign_ratio: float = _limit(0.25, "", "least share of the interface's bytes that other programs had")
    foreign_sent_bps: float = _limit(100_000.0, "bit/s", "least rate at which other programs sent")
    full_ratio: float = _limit(0.7, "", "share of the line's rate from which on it is full")
    far_rtt_s: float = _limit(0.15, "s", "an idle round trip above it, and three times the usual one, is a detour")
    far_ratio: float = _limit(3.0, "", "the same, as a share of what other hosts have")
    weak_signal_dbm: float = _limit(
        -75.0, "dBm", "a weaker Wi-Fi signal is weak", "the edge of usable rates in the tables of 802.11 vendors"
    )
    peak_ratio: float = _limit(1.2, "", "media at a stall that need this share of their mean rate are a peak")


DEFAULTS = Limits()


def known_limits() -> Mapping[str, Limit]:
    """Return every limit by its name, in order."""
    return {limit.name: limit.metadata[_LIMIT] for limit in fields(Limits)}
