"""A comparison in words: short where nothing can be told, exact where something is shown."""

from __future__ import annotations

from pytomo_scrapy.analysis.compared import ComparedGroup, Comparison
from pytomo_scrapy.analysis.comparison import Difference
from pytomo_scrapy.analysis.estimates import KINDS, Estimate
from pytomo_scrapy.analysis.matching import DAYS, VIDEOS
from pytomo_scrapy.reporting.comparison_text import comparison_sentences, comparison_tables

FIGURES = ("never_started", "startup", "with_stalls", "delivery")


def group(label: str, count: int, *differences: Difference) -> ComparedGroup:
    """Return a group with a round trip of 0.03 ms and no other figure."""
    found = [Estimate(kind, 2.6e-5 if kind.name == "rtt" else None, None, None, count) for kind in KINDS]
    return ComparedGroup(label, label, count, count, count, count, 1, found, differences)


def alike(number: int, basis: str) -> tuple[Difference, ...]:
    """Return differences of a group that are not shown."""
    return tuple(Difference(name, number, 0.01, -0.1, 0.12, 0.8, basis, 60) for name in FIGURES)


def compared(*groups: ComparedGroup) -> Comparison:
    return Comparison("host", groups, 0, ())


def test_first_group_with_few_sessions_takes_one_sentence_and_no_table_of_differences() -> None:
    few = [group(f"host-{number}", 2, *(Difference(name, number) for name in FIGURES)) for number in range(4)]
    found = compared(group("first", 7), *few)
    assert comparison_sentences(found) == [
        "Nothing can be told yet: first has 7 sessions, and a comparison takes 20 of each."
    ]
    assert [table.title for table in comparison_tables(found)] == ["Figures by media host"]


def test_groups_of_which_nothing_is_shown_share_a_sentence_for_each_reason() -> None:
    found = compared(
        group("first", 90),
        group("a", 30, *alike(1, DAYS)),
        group("b", 4, *(Difference(name, 2) for name in FIGURES)),
        group("c", 30, *alike(3, DAYS)),
        group("d", 5, *(Difference(name, 4) for name in FIGURES)),
        group("e", 30, *alike(5, VIDEOS)),
        group("f", 30, *alike(6, DAYS)),
    )
    assert comparison_sentences(found) == [
        "Cannot tell a, c and f from first: no difference is larger than chance.",
        "Cannot tell b and d from first: fewer than 20 sessions.",
        "Cannot tell e from first: they were never measured on the same days.",
    ]
    differences = comparison_tables(found)[1]
    assert {row[0] for row in differences.rows} == {"a", "c", "e", "f"}


def test_shown_difference_is_named_with_what_cannot_be_told() -> None:
    slower = Difference("startup", 1, 0.41, 0.3, 0.52, 0.0001, DAYS, 60, is_shown=True, is_worse=True)
    found = compared(group("first", 90), group("a", 30, slower, *alike(1, DAYS)[3:]))
    assert comparison_sentences(found) == [
        "a against first: startup delay is worse (+41 %, 95 % +30 % to +52 %); cannot tell for delivery rate."
    ]


def test_nothing_to_compare_is_a_sentence_without_a_table() -> None:
    assert comparison_sentences(compared()) == ["There is nothing to compare: 0 groups in this selection."]
    assert comparison_tables(compared()) == []


def test_round_trip_of_one_machine_is_no_zero() -> None:
    [table] = comparison_tables(compared(group("first", 7)))
    assert table.rows[0][table.columns.index("Round trip (ms)")] == "0.03"


def test_median_in_the_first_bin_is_said_to_be_below_its_end() -> None:
    kind = next(kind for kind in KINDS if kind.name == "rtt")
    assert (kind.written(0.0), kind.written(0.0123)) == ("under 0.1", "12.3")
    stalled = next(kind for kind in KINDS if kind.name == "stall_ratio")
    assert stalled.written(0.0) == "0.00"
