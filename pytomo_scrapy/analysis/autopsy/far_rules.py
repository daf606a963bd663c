"""The rules for what is far: the access line, the path, an outage, the service, the media themselves."""

from __future__ import annotations

from pytomo_scrapy.analysis.autopsy.finding import Finding, Question, mbit, ms, percent
from pytomo_scrapy.failures import Attribution
from pytomo_scrapy.items import Cause, Symptom


def outage(asked: Question) -> Finding | None:
    """Blame an outage: bytes stopped, and nothing beyond the gateway answered meanwhile, or no resolver did."""
    facts = asked.facts
    numbers = {"dark_ratio": facts.dark_ratio, "silent_ratio": facts.silent_ratio}
    if facts.dark_ratio < asked.limits.dark_ratio or is_gateway_dead(asked):
        return None
    sentence = (
        f"Nothing beyond the gateway answered for a time; no byte came for {percent(facts.dark_ratio)} of it all."
    )
    return Finding(Cause.OUTAGE, facts.dark_ratio, numbers, sentence)


def is_gateway_dead(asked: Question) -> bool:
    """Tell whether the gateway did not answer either, though it does at other times: then home is cut off from it."""
    level = asked.facts.gateway
    return level.base_s is not None and asked.is_lossy(level) and (level.loss_ratio or 0.0) >= asked.limits.held_ratio


def access(asked: Question) -> Finding | None:
    """Blame the access line: its far end met a queue that the gateway did not, or the rate is all that it reaches."""
    facts, limits = asked.facts, asked.limits
    numbers = {
        "access_rtt_s": facts.access.loaded_s,
        "access_idle_rtt_s": facts.access.base_s,
        "access_loss_ratio": asked.loss_of(facts.access) or facts.access.loss_ratio,
        "gateway_rtt_s": facts.gateway.loaded_s,
        "rate_bps": facts.rate_bps,
        "needed_bps": facts.needed_bps,
        "line_bps": facts.line_bps,
        **_control_rates(asked),
    }
    if asked.is_raised(facts.gateway) or asked.is_lossy(facts.gateway) or not asked.is_starved:
        return None
    if asked.is_queue_before(facts.gateway, facts.access):
        return None
    usual = f"; this line usually reaches {mbit(facts.line_bps)}" if facts.line_bps else ""
    if asked.is_raised(facts.access):
        sentence = (
            f"The access line was full at {mbit(facts.rate_bps)}: {ms(facts.access.loaded_s)} to its far end, "
            f"{ms(facts.access.base_s)} when idle{usual}."
        )
        return Finding(Cause.ACCESS, facts.access.raised_ratio or 0.0, numbers, sentence)
    if asked.is_slowed_by_loss(facts.access) and asked.is_lossless(facts.gateway):
        sentence = f"{percent(asked.loss_of(facts.access))} of what was sent over the access line got lost."
        return Finding(Cause.ACCESS, 1.0, numbers, sentence)
    is_plateau = (
        facts.rate_bps is not None
        and facts.line_bps is not None
        and abs(facts.rate_bps - facts.line_bps) <= limits.plateau_ratio * facts.line_bps
    )
    if not facts.access.is_known and asked.is_raised(facts.host) and is_plateau:
        sentence = f"The rate stood at {mbit(facts.rate_bps)}, which is all that this line reaches, behind a queue."
        return Finding(Cause.ACCESS, facts.host.raised_ratio or 0.0, numbers, sentence)
    if asked.controls.is_slow_everywhere(facts.needed_bps) and not asked.is_flat(facts.access):
        sentence = (
            f"The line brought {mbit(facts.rate_bps)} from this host, and just after it no more than "
            f"{mbit(asked.controls.best_bps)} from others."
        )
        return Finding(Cause.ACCESS, 1.0, numbers, sentence)
    return None


def _control_rates(asked: Question) -> dict[str, float | None]:
    return {"fallback_bps": asked.controls.fallback_bps, "reference_bps": asked.controls.reference_bps}


def path(asked: Question) -> Finding | None:
    """Blame the path to this host: a queue, loss, silence or a detour that neither gateway nor access line shows."""
    facts = asked.facts
    evidence = asked.evidence
    host = evidence.window.host if evidence.window else None
    numbers = {
        "host_rtt_s": facts.host.loaded_s,
        "host_idle_rtt_s": facts.host.base_s,
        "access_rtt_s": facts.access.loaded_s,
        "out_of_order_ratio": facts.out_of_order_ratio,
        "host_loss_ratio": asked.loss_of(facts.host) or facts.host.loss_ratio,
        "silent_ratio": facts.silent_ratio,
        "rate_bps": facts.rate_bps,
        "needed_bps": facts.needed_bps,
        **_control_rates(asked),
    }
    if asked.is_raised(facts.gateway) or not asked.is_starved:
        return None
    is_line_flat = asked.is_flat(facts.access) or (
        not facts.access.is_known and asked.is_other_well and _is_below_line(asked)
    )
    if asked.is_raised(facts.host) and is_line_flat:
        sentence = (
            f"Beyond the access line the way to this host was full: {ms(facts.host.loaded_s)} to it, "
            f"{ms(facts.host.base_s)} when idle, {ms(facts.access.loaded_s)} to the line's far end."
        )
        return Finding(Cause.PATH, facts.host.raised_ratio or 0.0, numbers, sentence)
    is_near_lossless = not (asked.is_lossy(facts.gateway) or asked.is_lossy_all_along(facts.gateway)) and (
        asked.is_lossless(facts.access) or (not facts.access.is_known and asked.is_other_well)
    )
    # A queue is seen where it is. Losses are not: where all is slow, they need not lie on the way to this host.
    is_slow_here = not asked.controls.is_slow_everywhere(facts.needed_bps)
    if is_near_lossless and is_slow_here and not asked.is_raised(facts.access):
        return _lossy_path(asked, numbers) or _far_path(asked, host, numbers)
    return None


def _lossy_path(asked: Question, numbers: dict[str, float | None]) -> Finding | None:
    facts = asked.facts
    is_silent = facts.silent_ratio >= asked.limits.held_ratio and not facts.host.is_known
    if is_silent and facts.host.expected_count >= asked.limits.least_sample_count and facts.access.is_known:
        sentence = "This host fell silent and answered no probe, while the access line's far end answered."
        return Finding(Cause.PATH, facts.silent_ratio, numbers, sentence)
    if asked.has_losses or asked.is_lossy(facts.host) or asked.is_slowed_by_loss(facts.host):
        sentence = (
            f"Segments were lost on the way from this host ({percent(facts.out_of_order_ratio)} came out of order), "
            "and none on the access line."
        )
        return Finding(Cause.PATH, 1.0, numbers, sentence)
    return None


def _far_path(asked: Question, host: str | None, numbers: dict[str, float | None]) -> Finding | None:
    base_s, usual_s = asked.facts.host.base_s, asked.evidence.history.usual_rtt_s(host)
    if base_s is None or usual_s is None:
        return None
    if base_s < asked.limits.far_rtt_s or base_s < asked.limits.far_ratio * usual_s:
        return None
    sentence = f"This host is {ms(base_s)} away without any load, other hosts {ms(usual_s)}."
    return Finding(Cause.PATH, 1.0, numbers | {"usual_rtt_s": usual_s}, sentence)


def _is_below_line(asked: Question) -> bool:
    facts = asked.facts
    if facts.rate_bps is None or asked.spare_bps is None:
        return False
    return facts.rate_bps < (1 - asked.limits.plateau_ratio) * asked.spare_bps


def service(asked: Question) -> Finding | None:
    """Blame the service: it began late or sent slowly over a way without queue and loss, or refused."""
    facts, limits, evidence = asked.facts, asked.limits, asked.evidence
    window = evidence.window
    numbers = {
        "waiting_ratio": facts.waiting_ratio,
        "host_rtt_s": facts.host.loaded_s,
        "host_idle_rtt_s": facts.host.base_s,
        "rate_bps": facts.rate_bps,
        "needed_bps": facts.needed_bps,
        "line_bps": facts.line_bps,
        **_control_rates(asked),
    }
    if (window is not None and window.gated_at_s is not None) or evidence.attribution == Attribution.SERVICE:
        return Finding(Cause.SERVICE, 1.0, numbers, f"The service refused to go on: {evidence.failure or 'gate'}.")
    is_way_clear = asked.is_flat(facts.host) and not asked.has_losses and not asked.is_lossy(facts.host)
    if not is_way_clear:
        return None
    if facts.waiting_ratio >= limits.held_ratio:
        sentence = (
            f"The server took {facts.waiting_ratio * facts.duration_s:.1f} s to begin its answers, "
            f"over a way of {ms(facts.host.loaded_s)}."
        )
        return Finding(Cause.SERVICE, facts.waiting_ratio, numbers, sentence)
    line_bps = asked.spare_bps
    has_spare = line_bps is not None and facts.needed_bps is not None
    if (
        has_spare
        and not asked.has_gaps
        and asked.is_starved
        and (line_bps or 0) >= limits.spare_ratio * (facts.needed_bps or 0)
    ):
        sentence = (
            f"The service sent {mbit(facts.rate_bps)} without a queue or loss on the way; "
            f"this line reaches {mbit(line_bps)}."
        )
        return Finding(Cause.SERVICE, 1.0 - (facts.host.raised_ratio or 0.0), numbers, sentence)
    return None


def content(asked: Question, symptom: Symptom) -> Finding | None:
    """Blame the media: the line carries their mean rate, and this part of them needs more."""
    facts = asked.facts
    if symptom is not Symptom.STALL or facts.peak_bps is None or facts.mean_bps is None or facts.rate_bps is None:
        return None
    is_peak = facts.peak_bps >= asked.limits.peak_ratio * facts.mean_bps and facts.peak_bps > facts.rate_bps
    if not is_peak or facts.rate_bps < facts.mean_bps:
        return None
    numbers = {"rate_bps": facts.rate_bps, "mean_bps": facts.mean_bps, "peak_bps": facts.peak_bps}
    sentence = (
        f"This part of the video needs {mbit(facts.peak_bps)}, the whole of it {mbit(facts.mean_bps)}; "
        f"{mbit(facts.rate_bps)} came."
    )
    return Finding(Cause.CONTENT, 1.0, numbers, sentence)
