"""The comparison of recorded outputs finds what a user would notice, and nothing else."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.outputs_compare import compare, normalise, print_comparison, readable_pdf
from benchmarks.outputs_database import OLD_ROWS, age, copy_database, describe_schema, rows_of, transplant
from tests.exchange.forerunner import KEPT

SCHEMA = """
    CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id), started_at TEXT, points BLOB);
    CREATE INDEX ix_child_parent ON child (parent_id) WHERE points IS NOT NULL;
    CREATE TRIGGER note AFTER INSERT ON child BEGIN UPDATE parent SET name = 'touched' WHERE id = NEW.parent_id; END;
    CREATE VIEW both AS SELECT p.name, c.id FROM parent p JOIN child c ON c.parent_id = p.id;
"""
ROWS = """
    INSERT INTO child VALUES (1, 7, '2026-11-20T18:00:00.250000+00:00', x'0102');
    INSERT INTO parent VALUES (7, 'seven');
"""


def test_rows_of_pytomo_3_are_where_they_are_looked_for() -> None:
    (found,) = Path(__file__).resolve().parents[2].glob(OLD_ROWS)
    assert found == KEPT


def make_database(path: Path, *scripts: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
    return path


def make_folder(folder: Path, **outputs: str) -> Path:
    folder.mkdir()
    for name, text in outputs.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_compare_equal_folders_has_no_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = make_folder(tmp_path / "old", report="1 video\n", help="usage\n")
    new = make_folder(tmp_path / "new", report="1 video\n", help="usage\n")
    assert dict(compare(old, new)) == {"help.txt": [], "report.txt": []}
    assert print_comparison(old, new)
    assert capsys.readouterr().out.splitlines()[-1] == "2 outputs are the same, 0 differ."


def test_compare_another_figure_is_shown_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = make_folder(tmp_path / "old", report="videos\n40 resolved\n")
    new = make_folder(tmp_path / "new", report="videos\n41 resolved\n")
    assert dict(compare(old, new)) == {"report.txt": ["line 2", "  - 40 resolved", "  + 41 resolved"]}
    assert not print_comparison(old, new)
    assert "different report.txt" in capsys.readouterr().out


def test_compare_difference_far_behind_in_a_long_line_is_shown(tmp_path: Path) -> None:
    old = make_folder(tmp_path / "old", report="x" * 5000 + "1")
    new = make_folder(tmp_path / "new", report="x" * 5000 + "2")
    (_, (_, one, other)) = next(compare(old, new))
    assert one.endswith("x1") and other.endswith("x2") and len(one) < 100


def test_compare_many_differences_are_counted_and_three_shown(tmp_path: Path) -> None:
    old = make_folder(tmp_path / "old", report="a\n" * 10)
    new = make_folder(tmp_path / "new", report="b\n" * 10 + "more\n")
    (_, differences) = next(compare(old, new))
    assert len(differences) == 3 * 3 + 1 and differences[-1] == "11 lines differ"


def test_compare_line_ends_count(tmp_path: Path) -> None:
    for name, content in (("old", b"a\r\n"), ("new", b"a\n")):
        make_folder(tmp_path / name)
        (tmp_path / name / "one.csv").write_bytes(content)
    assert dict(compare(tmp_path / "old", tmp_path / "new")) == {"one.csv": ["only line ends differ"]}


def test_compare_output_of_one_side_only_differs(tmp_path: Path) -> None:
    old, new = make_folder(tmp_path / "old", plot="x"), make_folder(tmp_path / "new")
    assert dict(compare(old, new)) == {"plot.txt": [f"only in {old}"]}
    (new / "report.txt").write_text("1 video\n")
    (old / "report.txt").write_text("1 video\n")
    assert not print_comparison(old, new)
    assert print_comparison(old, new, is_common=True)


def test_print_comparison_of_nothing_is_not_the_same(tmp_path: Path) -> None:
    assert not print_comparison(make_folder(tmp_path / "old"), make_folder(tmp_path / "new"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("export/csv-wide/export.json", '  "exported_at": "2026-11-27",', '  "exported_at": "2026-11-28",'),
        ("export/csv-wide/README.md", "- software_version: 0.1.0", "- software_version: 0.2.0"),
        (
            "export/sqlite-wide/pytomo_export.sql",
            "INSERT INTO \"export_info\" VALUES('schema_version','0010');",
            "INSERT INTO \"export_info\" VALUES('schema_version','0001');",
        ),
        ("db_revision.txt", "0010 (this version's is 0010)", "0001 (this version's is 0001)"),
        ("status.json", '"rate_per_h": 670.1, "left_s": 3.0}', '"rate_per_h": null, "left_s": null}'),
        (
            "status.txt",
            "  nothing measured within the last hour",
            "  670 videos an hour, 0.0 h left for what is queued",
        ),
        ("web/page-overview.txt", 'href="/static/page.css?4c02011f99"', 'href="/static/page.css?0123456789"'),
        ("web/metrics.txt", 'pytomo_info{version="0.1.0"} 1', 'pytomo_info{version="0.2.0"} 1'),
    ],
)
def test_normalise_leaves_out_what_is_volatile(name: str, old: str, new: str) -> None:
    assert normalise(name, old) == normalise(name, new) != old


def test_pdf_written_at_another_time_is_the_same_and_another_figure_is_not() -> None:
    texts = []
    for words in (
        b"40 videos, written 2026-11-27 11:23 UTC.",
        b"40 videos, written 1 UTC.",
        b"41 videos, written 1 UTC.",
    ):
        packed = zlib.compress(words)
        head = b"<< /Length %d >>\nstream\n%s\nendstream\nendobj" % (len(packed), packed)
        content = b"%PDF-1.3\n" + head + b"\nxref\n0 15\n"
        texts.append(normalise("report-pdf.txt", readable_pdf(content)))
    assert texts[0] == texts[1] != texts[2]
    assert "40 videos" in texts[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # The same words as stored values, or in another output, count.
        ("export/jsonl-wide/measurements.jsonl", '{"software_version": "0.1.0", "exported_at": 1}'),
        ("rows/measurement.jsonl", '{"schema_version": "0010"}'),
        ("report.txt", "670 videos an hour, 0.0 h left for what is queued"),
        ("status.txt", "  39 done, 1 queued, 0 in flight"),
        ("web/page-overview.txt", "2026-11-20 18:00"),
    ],
)
def test_normalise_keeps_what_a_user_sees(name: str, text: str) -> None:
    assert normalise(name, text) == text


@pytest.mark.slow
def test_schema_says_a_changed_type_key_index_or_view_and_no_order(tmp_path: Path) -> None:
    described = describe_schema(make_database(tmp_path / "a.db", SCHEMA))
    assert "column parent.name TEXT NOT NULL" in described
    assert "reference child.parent_id -> parent.id" in described
    swapped = SCHEMA.replace("id INTEGER PRIMARY KEY, name TEXT NOT NULL", "name TEXT NOT NULL, id INTEGER PRIMARY KEY")
    assert describe_schema(make_database(tmp_path / "b.db", swapped)) == described
    changes = (
        ("name TEXT NOT NULL", "name TEXT"),
        ("started_at TEXT", "started_at REAL"),
        ("WHERE points IS NOT NULL", ""),
        ("'touched'", "'other'"),
        ("p.name, c.id", "c.id, p.name"),
        ("REFERENCES parent (id)", ""),
    )
    for number, (before, after) in enumerate(changes):
        changed = make_database(tmp_path / f"{number}.db", SCHEMA.replace(before, after, 1))
        assert describe_schema(changed) != described, before


def test_rows_tell_every_value_and_a_blob_by_its_hash(tmp_path: Path) -> None:
    rows = rows_of(make_database(tmp_path / "a.db", SCHEMA, ROWS))
    assert set(rows) == {"parent", "child", "view-both"}
    assert rows["parent"] == '{"id": 7, "name": "seven"}\n'
    other = rows_of(make_database(tmp_path / "b.db", SCHEMA, ROWS.replace("0102", "0103")))
    assert other["child"] != rows["child"] and other["parent"] == rows["parent"]


def test_transplant_copies_rows_into_another_history_of_the_schema(tmp_path: Path) -> None:
    source = make_database(tmp_path / "old.db", SCHEMA, ROWS, "CREATE TABLE alembic_version AS SELECT '0010' AS v;")
    swapped = SCHEMA.replace("id INTEGER PRIMARY KEY, name TEXT NOT NULL", "name TEXT NOT NULL, id INTEGER PRIMARY KEY")
    target = make_database(tmp_path / "new.db", swapped, "CREATE TABLE alembic_version AS SELECT '0001' AS v;")
    schema = describe_schema(target)
    assert transplant(source, target) == []
    ours, theirs = rows_of(target), rows_of(source)
    # A trigger that fired would have left 'touched' behind.
    assert ours["parent"] == theirs["parent"] == '{"id": 7, "name": "seven"}\n'
    assert ours == theirs
    assert describe_schema(target) == schema
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT v FROM alembic_version").fetchone() == ("0001",)


def test_transplant_says_which_columns_are_on_one_side_only(tmp_path: Path) -> None:
    source = make_database(tmp_path / "old.db", SCHEMA, ROWS)
    target = make_database(tmp_path / "new.db", SCHEMA.replace("points BLOB", "points BLOB, more TEXT"))
    assert transplant(source, target) == ["not on both sides in child: more"]


def test_age_moves_instants_into_the_past_and_a_copy_leaves_its_source(tmp_path: Path) -> None:
    source = make_database(tmp_path / "old.db", SCHEMA, ROWS)
    copy_database(source, tmp_path / "copy.db")
    age(tmp_path / "copy.db", days=2)
    assert '"2026-11-18T18:00:00.250000+00:00"' in rows_of(tmp_path / "copy.db")["child"]
    assert '"2026-11-20T18:00:00.250000+00:00"' in rows_of(source)["child"]
