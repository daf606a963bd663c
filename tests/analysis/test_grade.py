"""The grade of a line: the worst of three criteria, by thresholds that settings hold."""

from __future__ import annotations

import pytest

from pytomo_scrapy.analysis.estimates import KINDS, Estimate
from pytomo_scrapy.analysis.grade import Grade, Mark, grade_of
from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.reporting.grade_text import grade_sentence

BY_NAME = {kind.name: kind for kind in KINDS}


def graded(
    never: float | None = 0.001,
    startup: float | None = 0.7,
    stalled: float | None = 0.01,
    *,
    count: int = 1000,
    width: float | None = None,
    config: GradeConfig | None = None,
) -> Grade:
    """Grade three figures, each with an interval of that half width."""

    def made(name: str, value: float | None) -> Estimate:
        low, high = (None, None) if width is None or value is None else (value - width, value + width)
        return Estimate(BY_NAME[name], value, low, high, count)

    estimates = [made("never_started", never), made("startup", startup), made("with_stalls", stalled)]
    return grade_of(estimates, config or GradeConfig())


@pytest.mark.parametrize(
    ("figures", "mark"),
    [
        ({}, Mark.GOOD),
        ({"never": 0.01}, Mark.GOOD),  # 99 % start: the threshold itself is good
        ({"never": 0.011}, Mark.FAIR),
        ({"never": 0.05}, Mark.FAIR),  # 95 %: not below it
        ({"never": 0.051}, Mark.POOR),
        ({"startup": 2.0}, Mark.GOOD),
        ({"startup": 2.01}, Mark.FAIR),
        ({"startup": 5.01}, Mark.POOR),
        ({"startup": None}, Mark.POOR),  # fewer than half started
        ({"stalled": 0.02}, Mark.GOOD),
        ({"stalled": 0.05}, Mark.FAIR),
        ({"stalled": 0.11}, Mark.POOR),
        ({"never": 0.03, "stalled": 0.11}, Mark.POOR),  # the worst of them
    ],
)
def test_grade_is_that_of_the_worst_criterion(figures: dict[str, float | None], mark: Mark) -> None:
    assert graded(**figures).mark is mark  # type: ignore[arg-type]


def test_intervals_say_which_other_grades_are_allowed() -> None:
    assert graded(0.001, 0.7, 0.01, width=0.0005).is_sure
    wide = graded(0.001, 0.7, 0.045, width=0.03)
    assert (wide.best, wide.mark, wide.worst) == (Mark.GOOD, Mark.FAIR, Mark.POOR)
    assert grade_sentence(wide).endswith("The intervals allow good to poor.")


def test_grade_without_intervals_is_not_sure() -> None:
    found = graded(0.001, 0.7, 0.01, count=25)
    assert (found.best, found.mark, found.worst, found.is_sure) == (Mark.GOOD, Mark.GOOD, Mark.POOR, False)
    assert grade_sentence(found).endswith(
        " Too few videos or days for an interval of starts, startup, stalls: the data allow good to poor."
    )


def test_line_that_is_poor_for_certain_is_so_whatever_else_is_known() -> None:
    estimates = {name: Estimate(BY_NAME[name], 0.01, None, None, 30) for name in ("startup", "with_stalls")}
    never = Estimate(BY_NAME["never_started"], 0.4, 0.3, 0.5, 30)
    found = grade_of([never, *estimates.values()], GradeConfig())
    assert found.mark is Mark.POOR and found.is_sure and "interval" not in grade_sentence(found)


def test_few_sessions_have_no_grade() -> None:
    found = graded(count=19)
    assert found.mark is None and not found.is_sure
    assert grade_sentence(found) == "Not graded: 19 sessions, and a grade takes 20."


def test_thresholds_are_settings() -> None:
    mild = GradeConfig(stalled_good_ratio=0.1, stalled_poor_ratio=0.2)
    assert graded(stalled=0.11).mark is Mark.POOR
    assert graded(stalled=0.11, config=mild).mark is Mark.FAIR


def test_sentence_names_the_figures_and_their_thresholds() -> None:
    assert grade_sentence(graded(0.03, 0.7, 0.11, count=1203)) == (
        "Poor: of 1\u202f203 sessions 97.0 % start (fair: good from 99 %, poor below 95 %), "
        "the median starts after 0.70 s (good up to 2.00 s), 11.0 % of those that start stall (poor above 5 %)."
        " Too few videos or days for an interval of starts, startup, stalls: the data allow good to poor."
    )


def test_share_beside_a_threshold_is_not_written_as_the_threshold() -> None:
    assert "5.010 % of those that start stall (poor above 5 %)" in grade_sentence(graded(stalled=0.0501))
    assert "5 % of those that start stall (fair: good up to 2 %, poor above 5 %)" in grade_sentence(
        graded(stalled=0.05)
    )


def test_dictionary_has_words_for_marks() -> None:
    found = graded(0.03, 0.7, 0.11).to_dict()
    assert found["grade"] == "poor"
    assert [(one["name"], one["mark"]) for one in found["criteria"]] == [
        ("started", "fair"),
        ("startup", "good"),
        ("stalled", "poor"),
    ]


def test_equal_thresholds_leave_no_fair_and_more_starts_stay_better() -> None:
    found = graded(never=0.05, config=GradeConfig(started_good_ratio=0.9, started_poor_ratio=0.9))
    assert (found.criteria[0].mark, found.criteria[0].is_high_good) == (Mark.GOOD, True)
    assert graded(never=0.2, config=GradeConfig(0.9, 0.9)).mark is Mark.POOR
