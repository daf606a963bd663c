"""Values of an old row: what each kind of column takes, and the reason for which a row is left out."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from pytomo_scrapy.exchange import legacy_import as module
from pytomo_scrapy.exchange.legacy_import import Imported
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS, column_of

READERS = {"time": module._instant, "text": module._text, "real": module._real, "whole": module._whole}


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("time", "2012-03-04 05:06:07.123456", "2012-03-04 05:06:07.123456"),
        ("time", "2012-03-04", "2012-03-04"),
        ("text", "a title", "a title"),
        ("text", None, None),
        ("text", "", ""),
        ("text", 18, "18"),  # SQLite keeps a number where a text is declared
        ("real", 0.5, 0.5),
        ("real", "0.5", 0.5),
        ("real", 3, 3.0),
        ("real", b"1", 1.0),  # digits are digits
        ("real", None, None),
        ("whole", 7, 7),
        ("whole", 7.0, 7),
        ("whole", "7", 7),
        ("whole", 2**53 + 1, 2**53 + 1),  # as a float it would be another number
        ("whole", -(2**62), -(2**62)),
        ("whole", None, None),
    ],
)
def test_value_is_kept_as_its_column_holds_it(kind: str, value: Any, kept: Any) -> None:
    found = READERS[kind]("Column", value)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("time", "yesterday", "is not a time"),
        ("time", None, "is not a time"),
        ("time", 20120304, "is not a time"),
        ("text", b"\xff", "is not a text"),
        ("text", "a\x00b", "holds a NUL character"),
        ("real", "fast", "is not a number"),
        ("real", float("inf"), "is not a finite number"),
        ("real", "nan", "is not a finite number"),
        ("whole", 7.5, "is not a whole number"),
        ("whole", "seven", "is not a number"),
        # SQLite keeps a real where a whole number is declared; nothing stores this one as such.
        ("whole", 1e300, "is too large for a whole number"),
        ("whole", "-9223372036854775809", "is too large for a whole number"),
    ],
)
def test_value_that_cannot_be_kept_has_its_reason(kind: str, value: Any, reason: str) -> None:
    with pytest.raises(module._UnreadableError, match=f"^Column {reason}$"):
        READERS[kind]("Column", value)


def test_row_without_its_address_is_not_kept() -> None:
    with pytest.raises(module._UnreadableError, match=r"^Url is missing$"):
        module._text("Url", None)


ROW = {"ID": "2012-03-04 05:06:07", "Url": "http://v"}
PLACES = {name.lower(): place for place, name in enumerate(ROW)}


def values_of(*rows: dict[str, Any]) -> tuple[list[dict[str, Any]], Imported]:
    result = Imported("f.db", "pytomo_crawl_x")
    given = iter([tuple({**ROW, **row}.values()) for row in rows])
    return list(module._values(given, PLACES, result)), result


def test_rows_that_are_the_same_are_counted_apart_and_a_third_import_is_no_new_one() -> None:
    rows, result = values_of({}, {}, {"Url": "http://w"}, {})
    assert [row["occurrence"] for row in rows] == [0, 1, 0, 2]
    assert len({row["digest"] for row in rows}) == 2 and result.unreadable_count == 0
    assert values_of({}, {}, {"Url": "http://w"}, {})[0] == rows


def test_row_that_cannot_be_kept_is_counted_and_the_next_ones_are_read() -> None:
    rows, result = values_of({"ID": "never"}, {}, {"ID": "never"}, {"Url": None})
    assert len(rows) == 1 and result.unreadable == Counter({"ID is not a time": 2, "Url is missing": 1})
    assert result.unreadable_count == 3


def test_columns_that_an_older_table_lacks_are_null() -> None:
    (row,), _ = values_of({})
    lacking = [column_of(name) for name, _ in OLD_COLUMNS if name not in ROW]
    assert {row[name] for name in lacking} == {None} and row[column_of("Url")] == "http://v"


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_rows_are_stored_in_batches(count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    batches = list(module._batches({"n": number} for number in range(count)))
    assert [len(batch) for batch in batches] == sizes
    assert [row["n"] for batch in batches for row in batch] == list(range(count))


@pytest.mark.parametrize(
    ("raw", "text"), [(b"plain", "plain"), ("é".encode(), "é"), (b"\xe9", "é"), (b"\xff\xfe", "ÿþ")]
)
def test_text_of_any_encoding_loses_no_byte(raw: bytes, text: str) -> None:
    assert module._decoded(raw) == text


class Damaged:
    """A table of which the first rows can be read."""

    def __init__(self, readable: int, last_row: Any) -> None:
        self.readable, self.last_row = readable, last_row

    def execute(self, statement: str) -> Any:
        if "MAX(rowid)" in statement:
            if isinstance(self.last_row, Exception):
                raise self.last_row
            return self
        return self.rows()

    def fetchone(self) -> tuple[Any]:
        return (self.last_row,)

    def rows(self) -> Any:
        yield from [(number,) for number in range(self.readable)]
        raise sqlite3.DatabaseError("malformed")


@pytest.mark.parametrize(
    ("last_row", "lost"),
    [(10, 7), (3, 1), (None, 1), (sqlite3.DatabaseError("malformed"), 1)],  # at least the one that could not be read
)
def test_rows_behind_damage_are_counted_by_the_last_row_number(last_row: Any, lost: int) -> None:
    result = Imported("f.db", "t")
    source: Any = Damaged(3, last_row)
    assert len(list(module._read(source, '"t"', result))) == 3
    assert result.unreadable == Counter({"the file is damaged (malformed)": lost})


def test_table_without_time_or_address_is_counted_whole_and_asks_no_database() -> None:
    with closing(sqlite3.connect(":memory:")) as source:
        source.execute('CREATE TABLE "odd ""name" (Service text, Extra text)')
        source.executemany('INSERT INTO "odd ""name" VALUES (?, ?)', [("YouTube", "x")] * 3)
        result = module._import_table(None, source, "f.db", 'odd "name')  # type: ignore[arg-type]
    assert result.unreadable == Counter({"the table has no column id and no url": 3})
    assert result.ignored_columns == ("Extra",)
