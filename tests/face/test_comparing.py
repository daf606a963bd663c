"""Quantiles and comparisons of a frame are those that the page has of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pytomo_scrapy as pytomo
from pytomo_scrapy.analysis import compared
from pytomo_scrapy.analysis.selection import Selection, period_of
from pytomo_scrapy.storage.database import open_database

pytestmark = pytest.mark.slow

pandas = pytest.importorskip("pandas")

ROWS = 450


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    path = tmp_path_factory.mktemp("comparing") / "x.db"
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, ROWS, days=12, videos=90, traces=0)
    database.close()
    return path


@pytest.fixture(scope="module")
def sessions(path: Path) -> Iterator[Any]:
    with pytomo.open(path) as results:
        yield results.sessions()


@pytest.fixture(scope="module")
def page(path: Path) -> compared.Comparison:
    database = open_database(f"sqlite:///{path}")
    with database.read() as connection:
        found = period_of(connection)
        assert found is not None
        answer = compared.compare(connection, Selection(found[0], found[1] + 1), "provider")
    database.close()
    return answer


def test_comparison_is_that_of_the_page(sessions: Any, page: compared.Comparison) -> None:
    frame = pytomo.compare(sessions, by="provider")
    assert list(dict.fromkeys(frame["group"])) == [group.label for group in page.groups]
    for group in page.groups:
        own = frame[frame["group"] == group.label].set_index("figure")
        for estimate in group.estimates:
            row = own.loc[estimate.kind.name]
            told = [None if pandas.isna(row[name]) else row[name] for name in ("value", "low", "high")]
            assert told == [estimate.value, estimate.low, estimate.high], estimate.kind.name
            assert row["n"] == estimate.row_count
        for one in group.differences:
            row = own.loc[one.figure]
            for name, value in (("difference", one.value), ("difference_low", one.low), ("difference_high", one.high)):
                # The rows come in another order, which moves a sum by its last digit.
                assert (value is None) == bool(pandas.isna(row[name]))
                assert value is None or row[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
            assert (row["verdict"], row["basis"]) == (one.verdict, one.basis)
    slow = frame[(frame["group"] == "ISP B") & (frame["figure"] == "startup")].iloc[0]
    assert (slow["verdict"], slow["unit"]) == ("worse", "s")


def test_median_of_startup_is_that_of_the_page_with_its_interval(sessions: Any, page: compared.Comparison) -> None:
    frame = pytomo.startup_quantiles(sessions, by="provider")
    for group in page.groups:
        (startup,) = [one for one in group.estimates if one.kind.name == "startup"]
        row = frame[(frame["group"] == group.label) & (frame["ratio"] == 0.5)].iloc[0]
        assert (row["startup_delay_s"], row["low"], row["high"]) == (startup.value, startup.low, startup.high)
        assert row["n"] == startup.row_count


def test_quantiles_rise_and_their_intervals_hold_them(sessions: Any) -> None:
    frame = pytomo.startup_quantiles(sessions, [0.1, 0.5, 0.9])
    assert list(frame["group"]) == ["all"] * 3 and frame["startup_delay_s"].is_monotonic_increasing
    assert ((frame["low"] <= frame["startup_delay_s"]) & (frame["startup_delay_s"] <= frame["high"])).all()


def test_quantile_counts_what_never_started(sessions: Any) -> None:
    # One in four of these rows never started and failed outright: the quantile of 80 % is never reached.
    started = sessions[sessions["is_started"] == 1].head(60)
    lost = started.head(20).assign(is_started=0, startup_delay_s=float("nan"), failure="connect_refused")
    every = pandas.concat([started, lost])
    every.attrs = sessions.attrs
    frame = pytomo.startup_quantiles(every, [0.7, 0.8])
    assert frame["startup_delay_s"].notna().tolist() == [True, False] and frame["n"].tolist() == [80, 80]


def test_arrow_table_gives_the_same_answers_as_arrow(path: Path, sessions: Any) -> None:
    pytest.importorskip("pyarrow")
    with pytomo.open(path) as results:
        table = results.sessions(to="arrow")
    answer = pytomo.compare(table, by="provider")
    assert answer.column("value").to_pylist() == [
        None if pandas.isna(value) else value for value in pytomo.compare(sessions, by="provider")["value"]
    ]
    assert answer.schema.field("value").type == "double"


def test_first_group_is_chosen_and_a_column_that_is_not_there_is_said(sessions: Any) -> None:
    turned = pytomo.compare(sessions, by="provider", first="ISP B")
    assert turned["group"].iloc[0] == "ISP B"
    with pytest.raises(pytomo.SettingError, match="no column 'nothing'"):
        pytomo.compare(sessions, by="nothing")
    with pytest.raises(pytomo.SettingError, match="no column 'is_session': read it with sessions"):
        pytomo.startup_quantiles(sessions[["started_s", "is_valid", "startup_delay_s"]])
    assert len(pytomo.compare(sessions.head(0), by="provider")) == 0
    with pytest.raises(pytomo.SettingError, match="has provider 'ISP b': did you mean ISP B"):
        pytomo.compare(sessions, by="provider", first="ISP b")
