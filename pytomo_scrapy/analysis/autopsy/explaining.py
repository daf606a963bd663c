"""The verdict: every bad time of a session with its cause, by the rules in the order in which they exclude others."""

from __future__ import annotations

from collections import Counter

from pytomo_scrapy.analysis.autopsy.bad_times import BadTime, bad_times
from pytomo_scrapy.analysis.autopsy.control_facts import control_facts
from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.far_rules import access, content, outage, path, service
from pytomo_scrapy.analysis.autopsy.finding import Finding, Question
from pytomo_scrapy.analysis.autopsy.limits import DEFAULTS, RULES_VERSION, Limits
from pytomo_scrapy.analysis.autopsy.near_rules import home, own_traffic, probe
from pytomo_scrapy.analysis.autopsy.span_facts import span_facts
from pytomo_scrapy.analysis.autopsy.startup_parts import longest_part, startup_parts
from pytomo_scrapy.failures import Attribution, Stage
from pytomo_scrapy.items import Autopsy, Cause, Symptom

# Least of the resolvers that all have to be silent before the line is held to be out.
_LEAST_RESOLVERS = 2
NO_EVIDENCE = "What is stored does not show the cause."


def explain(evidence: Evidence, limits: Limits = DEFAULTS) -> tuple[Autopsy, ...]:
    """Return the verdict over each bad time of a session, what cost the viewer most first. Empty for a good session.

    Pure: the same stored rows give the same answer. A bad time without evidence is `unknown`.
    """
    judged = [(bad, _findings(evidence, bad, limits)) for bad in bad_times(evidence, limits)]
    cost_s: Counter[Cause] = Counter()
    for bad, findings in judged:
        cost_s[_first(findings)] += bad.duration_s  # type: ignore[assignment]
    judged.sort(key=lambda pair: (-cost_s[_first(pair[1])], -pair[0].duration_s, pair[0].start_s))
    return tuple(_autopsy(number, evidence, bad, findings) for number, (bad, findings) in enumerate(judged))


def _first(findings: list[Finding]) -> Cause:
    return findings[0].cause if findings else Cause.UNKNOWN


def _findings(evidence: Evidence, bad: BadTime, limits: Limits) -> list[Finding]:
    """Return what holds, in order: what makes the evidence of a later rule worthless comes before it.

    A machine that stands still sees everything late; an outage looks like loss; other programs fill queues; a queue at
    home delays what lies behind it; the rest is told apart by where the queue or the loss is.
    """
    if (found := _before_a_window(evidence)) is not None:
        return [found]
    if evidence.window is None or evidence.window.elapsed_s is None:
        return []
    asked = Question(evidence, span_facts(evidence, bad, limits), limits, control_facts(evidence, limits))
    rules = (probe, outage, own_traffic, home, lambda q: content(q, bad.symptom), access, path, service)
    return [finding for rule in rules if (finding := rule(asked)) is not None]


def _before_a_window(evidence: Evidence) -> Finding | None:
    """Judge a session that ended before its window: by the resolvers alone."""
    silent = [lookup for lookup in evidence.lookups if lookup.failure == "dns_timeout"]
    is_silent = len(silent) == len(evidence.lookups) and len({row.resolver for row in silent}) >= _LEAST_RESOLVERS
    if evidence.is_line_out or (evidence.failure_stage == Stage.DNS and is_silent):
        numbers = {"silent_resolvers": float(len({row.resolver for row in silent}))}
        return Finding(Cause.OUTAGE, 1.0, numbers, "No resolver answered.")
    if evidence.attribution == Attribution.SERVICE and (evidence.window is None or evidence.window.elapsed_s is None):
        return Finding(Cause.SERVICE, 1.0, {}, f"The service refused: {evidence.failure}.")
    return None


def _autopsy(number: int, evidence: Evidence, bad: BadTime, findings: list[Finding]) -> Autopsy:
    is_start = bad.symptom is not Symptom.STALL
    parts = startup_parts(evidence, bad.end_s) if is_start else {}
    found = findings[0] if findings else None
    return Autopsy(
        number=number,
        place=evidence.window.place if evidence.window else 0,
        symptom=bad.symptom,
        start_s=round(bad.start_s, 4),
        duration_s=round(bad.duration_s, 4),
        cause=_first(findings),
        second_cause=findings[1].cause if len(findings) > 1 else None,
        share_ratio=round(found.share_ratio, 3) if found else None,
        startup_part=longest_part(parts),
        startup_parts={name: round(value, 4) for name, value in parts.items()} or None,
        sentence=found.sentence if found else NO_EVIDENCE,
        evidence=found.evidence if found else {},
        rules_version=RULES_VERSION,
    )
