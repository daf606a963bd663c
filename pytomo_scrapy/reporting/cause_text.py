"""Why sessions were bad, in lines of text: the verdicts over one, and the causes of many."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.items import Autopsy
from pytomo_scrapy.items.evidence_words import SYMPTOMS, evidence_words, startup_words


def verdict_lines(verdict: Autopsy) -> list[str]:
    """Write one verdict: what was bad, the cause, the evidence."""
    what = SYMPTOMS.get(verdict.symptom, verdict.symptom)
    cause = verdict.cause.replace("_", " ")
    also = f", perhaps {verdict.second_cause.replace('_', ' ')}" if verdict.second_cause else ""
    lines = [
        f"  {what} at {verdict.start_s:.1f} s, {verdict.duration_s:.1f} s long: {cause}{also}",
        f"    {verdict.sentence}",
    ]
    if verdict.startup_parts:
        lines.append(f"    Of the start: {startup_words(verdict.startup_parts)}")
    if verdict.evidence:
        lines.append(f"    Numbers: {evidence_words(verdict.evidence)}")
    return lines


def summary_text(summary: dict[str, Any]) -> str:
    """Say in a few lines how many sessions had which cause, and how verdicts moved."""
    lines = [f"{summary['sessions']} sessions, {summary['bad_sessions']} of them bad."]
    if summary["without_trace"]:
        lines.append(f"{summary['without_trace']} without a stored trace keep what was said of them.")
    lines += [f"  {cause.replace('_', ' '):12} {count}" for cause, count in summary["causes"].items()]
    if summary["moved"]:
        lines.append("Against what was stored:")
        lines += [f"  {one['from']} -> {one['to']}: {one['sessions']}" for one in summary["moved"]]
    return "\n".join(lines)
