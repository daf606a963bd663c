"""Tables as lines: in columns where they fit, a block a row where they do not, and never cut."""

from __future__ import annotations

import pytest

from pytomo_scrapy.reporting.table_text import table_lines
from pytomo_scrapy.reporting.tables import TableLayout

HOSTS = TableLayout(
    "Hosts", ("host", "method", "median"), (("rr1.example", "icmp", "0.03 ms"), ("r.example", "-", "-"))
)
FAILURES = TableLayout(
    "Failures", ("class", "videos", "meaning"), (("reset", "2", "the server ended the connection in mid-transfer"),)
)
WIDE = TableLayout("Wide", ("name", "value"), (("日本", "12"), ("a", "1")))


def test_columns_stand_below_their_names_and_figures_at_their_right() -> None:
    assert table_lines(HOSTS, 80) == [
        "host         method   median",
        "rr1.example  icmp    0.03 ms",
        "r.example    -             -",
    ]


def test_row_that_has_no_room_is_a_block() -> None:
    # The widest row takes 11 + 2 + 6 + 2 + 7 = 28 cells.
    assert table_lines(HOSTS, 28) == table_lines(HOSTS, 80)
    assert table_lines(HOSTS, 27) == [
        "host    rr1.example",
        "method  icmp",
        "median  0.03 ms",
        "",
        "host    r.example",
        "method  -",
        "median  -",
    ]


def test_prose_in_the_last_column_goes_on_below_itself() -> None:
    # 5 + 2 + 6 + 2 leave 25 of 40 cells.
    assert table_lines(FAILURES, 40) == [
        "class  videos  meaning",
        "reset       2  the server ended the",
        "               connection in",
        "               mid-transfer",
    ]
    assert table_lines(FAILURES, 30) == [
        "class    reset",
        "videos   2",
        "meaning  the server ended the",
        "         connection in",
        "         mid-transfer",
    ]


def test_letters_of_two_cells_are_counted_as_two() -> None:
    assert table_lines(WIDE, 80) == ["name  value", "日本     12", "a         1"]


@pytest.mark.parametrize("width", [1, 10, 20, 1000])
@pytest.mark.parametrize("layout", [HOSTS, FAILURES, WIDE])
def test_every_word_is_there_at_any_width(layout: TableLayout, width: int) -> None:
    words = " ".join(table_lines(layout, width)).split()
    for cell in (*layout.columns, *(cell for row in layout.rows for cell in row)):
        assert set(cell.split()) <= set(words)
