"""The rules for what is near: this machine, its other programs, the home."""

from __future__ import annotations

from pytomo_scrapy.analysis.autopsy.finding import Finding, Question, mbit, ms, percent
from pytomo_scrapy.failures import Attribution
from pytomo_scrapy.items import Cause


def probe(asked: Question) -> Finding | None:
    """Blame this machine: for most of the bad time the measuring process could not run, or a limit of it ended all."""
    facts, evidence, window = asked.facts, asked.evidence, asked.evidence.window
    lost = facts.lost_ratio
    numbers = {
        "lost_ratio": lost,
        "probe_gap_s": window.probe_gap_s if window else None,
        "cpu_ratio": window.cpu_ratio if window else None,
    }
    if lost is not None and lost >= asked.limits.lost_ratio:
        return Finding(
            Cause.PROBE, lost, numbers, f"This machine let the measurement wait for {percent(lost)} of the time."
        )
    if evidence.attribution == Attribution.TOOL and evidence.failure != "probe_paused":
        return Finding(Cause.PROBE, 1.0, numbers, f"A limit of this machine ended the window: {evidence.failure}.")
    return None


def own_traffic(asked: Question) -> Finding | None:
    """Blame other programs of this machine: they had the rate that was missing, on a line that was full.

    Only bytes of this host are seen, never those of other machines at home.
    """
    facts, limits = asked.facts, asked.limits
    received, sent = facts.foreign_received_bps, facts.foreign_sent_bps
    numbers = {
        "foreign_received_bps": received,
        "foreign_sent_bps": sent,
        "foreign_ratio": facts.foreign_ratio,
        "rate_bps": facts.rate_bps,
        "needed_bps": facts.needed_bps,
    }
    is_queued = any(asked.is_raised(level) for level in (facts.gateway, facts.access, facts.host))
    total = (received or 0.0) + (facts.rate_bps or 0.0)
    is_full = is_queued or (facts.line_bps is not None and total >= limits.full_ratio * facts.line_bps)
    has_most = (facts.foreign_ratio or 0.0) >= limits.foreign_ratio
    would_do = facts.needed_bps is None or total >= facts.needed_bps
    if has_most and would_do and is_full and asked.is_starved:
        sentence = f"Other programs of this machine received {mbit(received)} of a line that was full."
        return Finding(Cause.OWN_TRAFFIC, _share(asked), numbers, sentence)
    if (sent or 0.0) >= limits.foreign_sent_bps and is_queued and asked.is_starved:
        sentence = f"Other programs of this machine sent {mbit(sent)} and filled the way out."
        return Finding(Cause.OWN_TRAFFIC, _share(asked), numbers, sentence)
    return None


def home(asked: Question) -> Finding | None:
    """Blame the home: round trips to the first gateway met a queue, or were lost, or the radio is weak."""
    facts, limits, window = asked.facts, asked.limits, asked.evidence.window
    level = facts.gateway
    around = window.surroundings if window else None
    signal = around.wifi_signal_dbm if around else None
    numbers = {
        "gateway_rtt_s": level.loaded_s,
        "gateway_idle_rtt_s": level.base_s,
        "gateway_loss_ratio": asked.loss_of(level) or level.loss_ratio,
        "wifi_signal_dbm": float(signal) if signal is not None else None,
        "link_rate_bps": float(around.link_rate_bps) if around and around.link_rate_bps else None,
    }
    # A queue just below what counts as one is above it at the places behind, with what little they add.
    is_met_behind = asked.is_queue_before(level, facts.access)
    if (asked.is_raised(level) or is_met_behind) and asked.is_starved:
        sentence = (
            f"The way to the gateway was full: {ms(level.loaded_s)} there and back, {ms(level.base_s)} when idle."
        )
        share = max(level.raised_ratio or 0.0, (facts.access.raised_ratio or 0.0) if is_met_behind else 0.0)
        return Finding(Cause.HOME, share, numbers, sentence)
    if asked.is_slowed_by_loss(level) and asked.is_starved:
        sentence = f"{percent(asked.loss_of(level))} of what was sent to the gateway got lost."
        return Finding(Cause.HOME, 1.0, numbers, sentence)
    is_weak = signal is not None and signal <= limits.weak_signal_dbm
    rate = around.link_rate_bps if around else None
    if is_weak and rate and facts.needed_bps and rate / 2 < facts.needed_bps and asked.is_starved:
        # Half of what the radio announces is what it carries, at best.
        return Finding(Cause.HOME, 1.0, numbers, f"The Wi-Fi is weak ({signal} dBm) and carries {mbit(rate)} at best.")
    return None


def _share(asked: Question) -> float:
    """Return in which share of the span the line was full, as far as probes say."""
    facts = asked.facts
    return max([level.raised_ratio or 0.0 for level in (facts.gateway, facts.access, facts.host)] + [0.5])
