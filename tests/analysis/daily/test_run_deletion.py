"""A run that went wrong is taken back: its rows and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from pytomo_scrapy.analysis.daily.run_deletion import delete_run, newest_runs
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, video
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.schema.measurement_tables import arrival_trace, stream
from tests.storage.factories import begin, make_item


def measure(database: Database, run_uuid: str, *ids: str, ends: bool = True) -> int:
    repository, started = begin(database)
    for video_id in ids:
        repository.save(make_item(uuid=f"{run_uuid}-{video_id}", video_id=video_id), started)
    if ends:
        repository.end_run(started, "finished")
    return started.id


def counts(database: Database) -> dict[str, int]:
    tables = (run, measurement, figure, stream, arrival_trace, video)
    with database.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }


def test_bad_run_goes_with_all_below_it_and_others_stay(each_database: Database) -> None:
    measure(each_database, "good", "aaaaaaaaaaa")
    before = counts(each_database)
    bad = measure(each_database, "bad", "aaaaaaaaaaa", "bbbbbbbbbbb")
    measure(each_database, "next", "ccccccccccc")
    with_all = counts(each_database)
    assert delete_run(each_database, str(bad), is_dry_run=True) == {"measurement": 2}
    assert counts(each_database) == with_all
    deleted = delete_run(each_database, str(bad))
    assert (deleted["measurement"], deleted["run"], deleted["video"]) == (2, 1, 1)
    left = counts(each_database)
    # As before, and the run behind it: one measurement of one video.
    assert left["measurement"] == before["measurement"] + 1 and left["run"] == before["run"] + 1
    assert left["stream"] == 2 * before["stream"] and left["arrival_trace"] == 2 * before["arrival_trace"]
    with pytest.raises(SettingError, match=f"no run '{bad}'"):
        delete_run(each_database, str(bad))


def test_newest_measurement_of_all_is_set_aside_so_that_its_number_is_not_given_again(database: Database) -> None:
    bad = measure(database, "bad", "aaaaaaaaaaa", "bbbbbbbbbbb")
    deleted = delete_run(database, str(bad))
    assert (deleted["measurement"], deleted["set aside"]) == (1, 1) and "run" not in deleted
    with database.read() as connection:
        assert connection.execute(select(measurement.c.id, measurement.c.is_superseded)).all() == [(2, True)]
    assert counts(database)["figure"] == 0
    repository, later = begin(database)
    assert repository.save(make_item(uuid="later", video_id="ccccccccccc"), later).measurement_id == 3
    # Once a later one is there, the same command takes the rest too.
    rest = delete_run(database, str(bad))
    assert (rest["measurement"], rest["run"]) == (1, 1) and "set aside" not in rest


def test_run_that_still_measures_keeps_its_row(database: Database) -> None:
    going_on = measure(database, "now", "aaaaaaaaaaa", ends=False)
    measure(database, "next", "bbbbbbbbbbb")
    assert "run" not in delete_run(database, str(going_on))
    assert counts(database)["run"] == 2


def test_run_is_found_by_its_uuid_and_a_wrong_one_names_the_newest(database: Database) -> None:
    number = measure(database, "x", "aaaaaaaaaaa")
    (line,) = newest_runs(database)
    assert (line.id, line.measurement_count, line.spider) == (number, 1, "youtube")
    assert delete_run(database, line.uuid, is_dry_run=True) == {"measurement": 1}
    with pytest.raises(SettingError, match=rf"There is no run 'nope': the newest are {number} \("):
        delete_run(database, "nope")
