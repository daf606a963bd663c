"""A database as frames: the values of its tables, decoded, each column with its unit and meaning."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest

import pytomo_scrapy as pytomo
from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.media.steady import steady_ladder
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.blobs import encode_trace
from pytomo_scrapy.storage.measurements.ladder_blob import encode_ladder
from pytomo_scrapy.storage.measurements.traces import prune
from tests.storage.factories import begin, make_item, make_playback

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow")

ROWS, TRACES = 120, 5


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    path = tmp_path_factory.mktemp("face") / "some where" / "x.db"
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, ROWS, days=4, videos=30, traces=TRACES)
    database.close()
    return path


@pytest.fixture(scope="module")
def results(path: Path) -> Iterator[pytomo.Results]:
    with pytomo.open(path) as opened:
        yield opened


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    yield connection
    connection.close()


def test_sessions_are_the_figures_of_the_database_with_their_units(
    results: pytomo.Results, raw: sqlite3.Connection
) -> None:
    frame = results.sessions()
    stored = raw.execute("SELECT startup_delay_s, failure, is_session FROM figure ORDER BY measurement_id").fetchall()
    assert len(frame) == ROWS == len(stored)
    own = frame[["startup_delay_s", "failure", "is_session"]].astype(object).where(frame.notna(), None)
    assert list(own.itertuples(index=False, name=None)) == stored
    assert frame["started_at"].dt.tz is not None and frame["startup_delay_s"].dtype == "float64"
    about = pytomo.describe(frame).set_index("column")
    assert about.loc["startup_delay_s", "unit"] == "s"
    assert about.loc["startup_delay_s", "meaning"] == "startup delay: t0 to the first frame (of the headline's player)"
    assert set(about.index) == set(frame.columns)
    assert about["meaning"].notna().all(), about[about["meaning"].isna()]


def test_columns_and_periods_are_chosen(results: pytomo.Results) -> None:
    every = results.sessions(columns=["measurement_id", "started_at"])
    assert list(every.columns) == ["measurement_id", "started_at"]
    day = every["started_at"].dt.date.max()
    later = results.sessions(since=day, columns=["measurement_id"])
    assert 0 < len(later) == int((every["started_at"].dt.date >= day).sum()) < ROWS
    earlier = results.sessions(until=datetime(day.year, day.month, day.day, tzinfo=UTC), columns=["measurement_id"])
    assert len(earlier) + len(later) == ROWS
    assert len(results.sessions(since=date(2100, 1, 1))) == 0
    failed = results.sessions(where="failure = 'dns_timeout'", columns=["failure"])
    assert set(failed["failure"]) <= {"dns_timeout"}
    with pytest.raises(pytomo.SettingError, match="no column 'startup_delay': did you mean startup_delay_s"):
        results.sessions(columns=["startup_delay"])
    with pytest.raises(pytomo.SettingError, match="not usable"):
        results.sessions(where="nothing = 1")


def test_arrow_table_carries_units_in_its_fields(results: pytomo.Results) -> None:
    table = results.windows(to="arrow")
    field = table.schema.field("delivery_bps")
    assert field.type == pyarrow.float64() and field.metadata[b"unit"] == b"bit/s"
    assert pytomo.describe(table).column("column").to_pylist() == table.schema.names
    assert table.num_rows == len(results.windows())


def test_streams_have_their_traces_and_timelines_decoded(results: pytomo.Results, raw: sqlite3.Connection) -> None:
    frame = results.streams()
    known = frame[frame["arrival_s"].notna()]
    count = raw.execute("SELECT count(*) FROM arrival_trace").fetchone()[0]
    assert len(known) == count >= TRACES
    row = known.iloc[0]
    blob = raw.execute("SELECT points FROM arrival_trace WHERE stream_id = ?", (int(row["id"]),)).fetchone()[0]
    read = pytomo.read_blob(blob)
    assert read == pytomo.read_blob(base64.b64encode(blob).decode()) and set(read) == {"arrival_s", "arrival_bytes"}
    assert row["arrival_s"] == read["arrival_s"] and row["arrival_bytes"] == read["arrival_bytes"]
    assert row["arrival_bytes"][-1] == row["received_bytes"]
    assert list(row["complete_s"]) == sorted(row["complete_s"]) and len(row["complete_s"]) == len(row["offset_bytes"])
    arrow = results.streams(to="arrow")
    assert arrow.column("arrival_s").to_pylist()[known.index[0]] == list(read["arrival_s"])


def test_playbacks_have_their_stalls(results: pytomo.Results, raw: sqlite3.Connection) -> None:
    frame = results.playbacks()
    assert len(frame) == raw.execute("SELECT count(*) FROM playback").fetchone()[0]
    stored = raw.execute("SELECT count(*), sum(duration_s) FROM playback_event WHERE kind = 'stall'").fetchone()
    stalls = [stall for row in frame["stalls"] for stall in row]
    assert len(stalls) == stored[0] > 0
    assert sum(stall["duration_s"] for stall in stalls) == pytest.approx(stored[1])
    assert results.playbacks(to="arrow").num_rows == len(frame)


def test_spans_that_are_not_known_are_null_and_no_empty_list(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    stall = Interval(3.0, 1.0, False)
    smooth = make_playback(player="dashjs", stalls=(), stall_count=0, freezes=())
    stalled = make_playback(player="classic", stalls=(stall,), stall_count=1, freezes=None)
    repository.save(make_item(playbacks=(smooth, stalled)), run)
    with pytomo.open(tmp_path / "x.db") as results:
        frame = results.playbacks().set_index("player")
    assert (frame["stalls"]["dashjs"], frame["freezes"]["dashjs"]) == ([], [])
    assert [one["start_s"] for one in frame["stalls"]["classic"]] == [3.0]
    assert frame["freezes"]["classic"] is None, "it shows no picture"
    prune(database, datetime(2100, 1, 1, tzinfo=UTC))
    database.close()
    with pytomo.open(tmp_path / "x.db") as results:
        frame = results.playbacks().set_index("player")
    assert frame["stalls"]["classic"] is None and frame["stalls"]["dashjs"] == []


TRACE, LADDER = encode_trace((0.1, 0.2), (10, 20)), encode_ladder(steady_ladder([1e6, 2e6], 20.0, 5.0))


@pytest.mark.parametrize(
    ("blob", "sentence"),
    [
        (b"zip and zap", "stored trace starts with"),
        (b"", "stored trace starts with"),
        ("", "stored trace starts with"),
        (TRACE[:1], "stored trace starts with"),
        # As a copy that was cut leaves them.
        (TRACE[:-3], "The blob is damaged: "),
        (LADDER[:-2], "The blob is damaged: "),
        (base64.b64encode(TRACE).decode()[:-1], "The blob is damaged, or none of these: Incorrect padding"),
        ("\u00e9", "The blob is damaged, or none of these"),
    ],
)
def test_blob_that_cannot_be_read_is_refused(blob: bytes | str, sentence: str) -> None:
    with pytest.raises(pytomo.StorageError, match=sentence):
        pytomo.read_blob(blob)


def test_blob_of_a_ladder_is_its_rungs_lowest_first() -> None:
    read = pytomo.read_blob(base64.b64encode(LADDER).decode())
    assert [rung["bitrate_bps"] for rung in read["video"]] == [1e6, 2e6] and read["audio"] == ()


@pytest.mark.parametrize(("name", "given"), [("since", "yesterday"), ("until", "0001-01-01T00:00+23:00")])
def test_text_that_is_no_time_is_refused_by_the_name_of_its_argument(
    results: pytomo.Results, name: str, given: str
) -> None:
    with pytest.raises(pytomo.SettingError, match=f"{name}='.*' is not usable: it must be a time such as 2026-01-31"):
        results.sessions(**{name: given})


def test_database_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(pytomo.StorageError, match="There is no database"):
        pytomo.open(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_default_is_the_database_of_every_command(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTOMO_DATABASE_URL", f"sqlite:///{path}")
    with pytomo.open() as opened:
        assert len(opened.sessions(columns=["uuid"])) == ROWS


def test_word_that_is_no_kind_of_frame_is_refused(results: pytomo.Results) -> None:
    with pytest.raises(ValueError, match="must be 'pandas' or 'arrow'"):
        results.sessions(to="polars")  # type: ignore[arg-type]


@pytest.mark.parametrize(("to", "module"), [("pandas", "pandas"), ("arrow", "pyarrow")])
def test_missing_extra_is_named(results: pytomo.Results, monkeypatch: pytest.MonkeyPatch, to: str, module: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}.*pip install 'pytomo-scrapy\[notebook\]'"):
        results.sessions(to=to)  # type: ignore[arg-type]


def test_meanings_of_columns_go_along_with_what_is_made_of_a_frame_and_are_not_copied(results: pytomo.Results) -> None:
    frame = results.sessions()
    made = frame[frame.is_valid == 1].sort_values("started_s")
    assert made.attrs["columns"] is frame.attrs["columns"]
