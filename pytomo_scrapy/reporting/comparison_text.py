"""A comparison in tables and sentences: figures by group, differences to the first, and what they allow to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytomo_scrapy.analysis.compared import ComparedGroup, Comparison
from pytomo_scrapy.analysis.comparison import LEAST_ROWS, Difference
from pytomo_scrapy.analysis.estimates import Estimate, Kind
from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.analysis.matching import NOTHING as NOTHING_SHARED
from pytomo_scrapy.analysis.matching import VIDEOS as SAME_VIDEOS
from pytomo_scrapy.items.in_words import counted, moved, number
from pytomo_scrapy.reporting.format import NOTHING
from pytomo_scrapy.reporting.tables import TableLayout

_NOTE = (
    "Like with like: what videos, days and hours of the day have in common is taken out, as far as both groups share "
    "them. Worse and better hold among all comparisons of the table together (Holm, 5 %); the interval is that of one. "
    "The verdict is the test's: beside it, the interval of a median may reach 0 where values lie in lumps. "
    "Cannot tell is no proof that there is no difference (docs/metrics.md, Comparisons)."
)


def comparison_values(found: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values, in SI units."""
    groups = [
        {
            **{name: value for name, value in asdict(group).items() if name not in {"estimates", "differences"}},
            "estimates": [estimate_values(one) for one in group.estimates],
            "differences": [{**asdict(one), "verdict": one.verdict} for one in group.differences],
        }
        for group in found.groups
    ]
    figures = [one.kind for group in found.groups[:1] for one in group.estimates]
    return {
        "n": sum(group["n"] for group in groups),
        "by": found.by,
        "figures": described_figures([*figures, *found.kinds]),
        "groups": groups,
        "left_out_count": found.left_out_count,
        "sentences": comparison_sentences(found),
        "notes": list(found.notes),
    }


def described_figures(kinds: Sequence[Kind]) -> dict[str, dict[str, str]]:
    """Return of each figure what it is called, what it is, and the unit that it is shown in; values are in SI units."""
    return {kind.name: {"title": kind.title, "definition": kind.help, "shown_unit": kind.unit} for kind in kinds}


def estimate_values(estimate: Estimate) -> dict[str, Any]:
    """Return a figure as JSON values, in SI units."""
    facts = {name: value for name, value in asdict(estimate).items() if name != "kind"}
    return {"name": estimate.kind.name, **facts, "is_changed": estimate.is_changed, "is_worse": estimate.is_worse}


def comparison_tables(found: Comparison) -> list[TableLayout]:
    """Lay out the groups with their figures, and the differences to the first group."""
    if not found.groups:
        return []
    kinds = found.shown_kinds
    title = DIMENSIONS[found.by].title
    columns = (title, "n", "videos", "days", *(f"{kind.title}{_in(kind)}" for kind in kinds))
    rows = tuple((group.label, *_counts(group), *(_figure(group, kind) for kind in kinds)) for group in found.groups)
    note = "Value, and its 95 % interval. Startup and delivery: medians."
    tables = [TableLayout(f"Figures by {title.lower()}", columns, rows, note)]
    # Each against the first alone: all pairs of many groups would leave nothing to be shown after Holm's correction.
    names = {kind.name: kind for kind in found.kinds}
    differences = tuple(
        (group.label, *_difference(names[one.figure], one))
        for group in found.groups[1:]
        for one in group.differences
        if any(each.value is not None for each in group.differences)
    )
    if differences:
        head = (title, "figure", "difference", "95 % interval", "n", "like with like by", "verdict")
        tables.append(TableLayout(f"Differences to {found.groups[0].label}", head, differences, _NOTE))
    return tables


def comparison_sentences(found: Comparison) -> list[str]:
    """Say of each group what is shown to differ from the first, and in one sentence of each kind of which none is."""
    if len(found.groups) < 2:
        return [f"There is nothing to compare: {counted(len(found.groups), 'group')} in this selection."]
    first, names = found.groups[0], {kind.name: kind for kind in found.kinds}
    if first.n < LEAST_ROWS and all(_has_few(group) for group in found.groups[1:]):
        has = counted(first.n, "session")
        return [f"Nothing can be told yet: {first.label} has {has}, and a comparison takes {LEAST_ROWS} of each."]
    said = []
    untold: dict[str, list[str]] = {}
    for group in found.groups[1:]:
        if any(one.is_shown for one in group.differences):
            said.append(_shown_sentence(group, first, names))
        else:
            untold.setdefault(_why_untold(group), []).append(group.label)
    return said + [f"Cannot tell {_listed(labels)} from {first.label}: {why}." for why, labels in untold.items()]


def _shown_sentence(group: ComparedGroup, first: ComparedGroup, names: Mapping[str, Kind]) -> str:
    # Only what holds among all comparisons has a direction; the rest is named: silence would be read as equal.
    words = [
        f"{names[one.figure].title.lower()} is {one.verdict} ({_amount(names[one.figure], one)})"
        for one in group.differences
        if one.is_shown
    ]
    untold = [names[one.figure].title.lower() for one in group.differences if not one.is_shown]
    rest = f"; cannot tell for {', '.join(untold)}" if untold else ""
    return f"{group.label} against {first.label}: {', '.join(words)}{rest}."


def _why_untold(group: ComparedGroup) -> str:
    if _has_few(group):
        return f"fewer than {LEAST_ROWS} sessions"
    # A line that was slower in another week says nothing of the line: the reader must see that it is this case.
    known = [one for one in group.differences if one.basis]
    if known and all(one.basis in {NOTHING_SHARED, SAME_VIDEOS} for one in known):
        return "they were never measured on the same days"
    return "no difference is larger than chance"


def _has_few(group: ComparedGroup) -> bool:
    return not any(one.basis for one in group.differences)


def _listed(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _counts(group: ComparedGroup) -> tuple[str, str, str]:
    return number(group.n, 0), number(group.video_count, 0), number(group.day_count, 0)


def _in(kind: Kind) -> str:
    return f" ({kind.unit})" if kind.unit else ""


def _figure(group: ComparedGroup, kind: Kind) -> str:
    estimate: Estimate | None = next((one for one in group.estimates if one.kind.name == kind.name), None)
    if estimate is None or estimate.value is None:
        return NOTHING
    value = kind.written(estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (kind.written(bound) for bound in (estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _difference(kind: Kind, one: Difference) -> tuple[str, ...]:
    # The number of rows stays: it is why nothing can be said.
    if one.value is None:
        return (
            kind.title,
            NOTHING,
            NOTHING,
            number(one.row_count, 0) if one.row_count else NOTHING,
            one.basis or NOTHING,
            one.verdict,
        )
    interval = NOTHING
    if one.low is not None:
        interval = f"{_moved(kind, one.low)} to {_moved(kind, one.high)}" if one.high is not None else NOTHING
        interval += " (these days only)" if one.is_of_these_days and one.high is not None else ""
    return kind.title, _moved(kind, one.value), interval, number(one.row_count, 0), one.basis, one.verdict


def _amount(kind: Kind, one: Difference) -> str:
    if one.low is None or one.high is None:
        return _moved(kind, one.value)
    return f"{_moved(kind, one.value)}, 95 % {_moved(kind, one.low)} to {_moved(kind, one.high)}"


def _moved(kind: Kind, value: float | None) -> str:
    if value is None:
        return NOTHING
    if kind.is_relative:
        return f"{moved(100 * value, 0)} %"
    shown = moved(value * kind.factor, kind.decimals, kind.unit)
    return f"{shown}{' points' if kind.unit == '%' else ' ' + kind.unit}".rstrip()
