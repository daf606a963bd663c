"""Measurements that wait on disk for their database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy import __version__, config
from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.crawl.outbox import FORMAT, Outbox, WaitingMeasurement
from pytomo_scrapy.items import DownloadResult, PageResult, ResolveResult
from pytomo_scrapy.storage.frontier.frontier import OpenCrawl
from pytomo_scrapy.storage.measurements.repository import Run
from tests.factories import make_format, make_item
from tests.storage.factories import make_item as make_measured_item


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def unstored(**overrides: object) -> WaitingMeasurement:
    return WaitingMeasurement(make_item(**overrides), Run(1, "r", 1), OpenCrawl(1, "c", False, 1))


def test_kept_measurement_is_found_again_for_its_own_database_only(tmp_path: Path) -> None:
    folder = Outbox(str(tmp_path / "kept"), 10**6, "postgresql://one")
    path = folder.keep(unstored())
    assert path is not None and path.stat().st_mode & 0o077 == 0, "readable by its owner only"
    ((found_path, found),) = folder.waiting()
    assert found_path == path and found.item.uuid == make_item().uuid and found.crawl.name == "c"
    assert list(Outbox(str(tmp_path / "kept"), 10**6, "postgresql://two").waiting()) == []
    folder.forget(path)
    assert list(folder.waiting()) == []


@pytest.mark.slow
def test_whole_measurement_survives_the_disk(tmp_path: Path) -> None:
    folder = Outbox(str(tmp_path / "kept"), 10**8, "x")
    item = make_measured_item()
    folder.keep(WaitingMeasurement(item, Run(1, "r", 1), OpenCrawl(1, "c", False, 1)))
    ((_, found),) = folder.waiting()
    assert (found.item.downloads, found.item.playbacks) == (item.downloads, item.playbacks)


def test_signed_urls_are_not_written(tmp_path: Path) -> None:
    media = make_format(url="https://h/videoplayback?sig=SECRET", http_headers={"Cookie": "SECRET"})
    path = Outbox(str(tmp_path), 10**6, "x").keep(unstored(resolve=ResolveResult(formats=(media,))))
    assert path is not None and b"SECRET" not in path.read_bytes()


def test_nothing_is_written_that_the_database_never_keeps(tmp_path: Path) -> None:
    media = make_format(url="https://h/videoplayback?sig=SECRET", http_headers={"Cookie": "SECRET"})
    resolve = ResolveResult(formats=(media,), client_address="203.0.113.7")
    window = DownloadResult(failure="reset", failure_detail="https://h/v?ip=203.0.113.7&sig=SECRET from 203.0.113.7")
    page = PageResult(failure="page_timeout", failure_detail="https://h/watch?key=SECRET from 203.0.113.7")
    item = make_item(resolve=resolve, downloads=(window,), page=page, failure_detail="x?sig=SECRET")
    path = Outbox(str(tmp_path), 10**6, "x").keep(WaitingMeasurement(item, Run(1, "r", 1), OpenCrawl(1, "c", False, 1)))
    assert path is not None and b"SECRET" not in path.read_bytes() and b"203.0.113.7" not in path.read_bytes()


def test_folder_that_cannot_be_written_gives_way_to_the_temporary_one(
    tmp_path: Path, own_temporary_folder: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = Outbox(str(tmp_path / "file" / "below"), 10**6, "x")
    path = folder.keep(unstored())
    assert path is not None and own_temporary_folder in path.parents
    assert len(list(folder.waiting())) == 1


def test_limit_is_kept_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Outbox(str(tmp_path), 10, "x").keep(unstored()) is None
    assert "limit of 10 bytes" in caplog.text


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite a kept measurement as another version would have written it."""
    written = json.loads(path.read_bytes())
    change(written)
    path.write_text(json.dumps(written))


def test_kept_file_says_its_format_and_who_wrote_it(tmp_path: Path) -> None:
    path = Outbox(str(tmp_path), 10**6, "x").keep(unstored())
    assert path is not None
    written = json.loads(path.read_bytes())
    assert (written["format"], written["software_version"]) == (FORMAT, __version__)


def test_file_of_an_earlier_version_is_read_and_new_fields_take_their_defaults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Outbox(str(tmp_path), 10**8, "x")
    path = folder.keep(WaitingMeasurement(make_measured_item(), Run(1, "r", 1), OpenCrawl(1, "c", False, 1)))
    assert path is not None

    def without_later_fields(written: dict[str, Any]) -> None:
        written["software_version"] = "0.0.1"
        del written["measurement"]["item"]["networks"], written["measurement"]["run"]["store_public_ip"]
        del written["measurement"]["item"]["downloads"][0]["host_state"]["is_cpu_throttled"]

    changed(path, without_later_fields)
    ((_, found),) = folder.waiting()
    assert (found.item.networks, found.item.downloads[0].host_state.is_cpu_throttled) == ((), None)
    assert found.run == Run(1, "r", 1) and caplog.text == ""


def test_file_of_a_later_version_is_read_and_its_new_fields_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Outbox(str(tmp_path), 10**8, "x")
    item = make_measured_item()
    path = folder.keep(WaitingMeasurement(item, Run(1, "r", 1), OpenCrawl(1, "c", False, 1)))
    assert path is not None

    def with_later_fields(written: dict[str, Any]) -> None:
        written["software_version"] = "9.9.9"
        written["measurement"]["item"]["mood"] = {"of": "the host"}
        written["measurement"]["item"]["downloads"][0]["quic_loss_ratio"] = 0.1

    changed(path, with_later_fields)
    ((_, found),) = folder.waiting()
    assert found.item.downloads == item.downloads
    (record,) = caplog.records
    assert "pytomo-scrapy 9.9.9; this version does not know VideoItem.mood, DownloadResult.quic_loss_ratio" in (
        record.getMessage()
    )


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def nest(path: Path) -> None:
    path.write_text("[" * 100_000)


def write_later_format(path: Path) -> None:
    changed(path, lambda written: written.update(format=FORMAT + 1, software_version="9.9.9"))


def write_other_types(path: Path) -> None:
    changed(path, lambda written: written["measurement"]["item"].update(uuid=3))


def put_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SPOILED: list[tuple[Callable[[Path], object], str]] = [
    (damage, "it is damaged"),
    (nest, "recursion"),
    (lambda path: path.write_bytes(b"\x80\x04."), "it is damaged"),
    (lambda path: path.write_text("{}"), "it is not a measurement"),
    (lambda path: path.write_text('"measurement"'), "it is not a measurement"),
    (write_later_format, f"pytomo-scrapy 9.9.9 wrote it in format {FORMAT + 1}, this version reads format {FORMAT}"),
    (write_other_types, "VideoItem.uuid cannot be '3'"),
    (put_link, "symbolic links"),
    (put_pipe, "it is not a file"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILED)
def test_file_that_cannot_be_read_is_left_where_it_is_with_one_sentence(
    spoil: Callable[[Path], object], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Outbox(str(tmp_path), 10**6, "x")
    path = folder.keep(unstored())
    assert path is not None
    spoil(path)
    assert list(folder.waiting()) == []
    assert os.path.lexists(path)
    (record,) = caplog.records
    assert "cannot be read and is left where it is" in record.getMessage() and reason in record.getMessage()


def test_file_of_another_user_is_left_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Outbox(str(tmp_path), 10**6, "x")
    path = folder.keep(unstored())
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert list(folder.waiting()) == []
    assert path is not None and path.exists() and "it belongs to another user" in caplog.text


def link_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


SHARED_FOLDERS: list[tuple[Callable[[Path], object], str]] = [
    (link_folder, "it is a link"),
    (lambda folder: folder.chmod(0o777), "other users can write to it"),
    (lambda folder: folder.chmod(0o770), "other users can write to it"),
    (lambda folder: next(folder.iterdir()).chmod(0o666), "other users can write to it"),
]


@pytest.mark.parametrize(("share", "reason"), SHARED_FOLDERS)
def test_nothing_is_read_that_another_user_can_have_written(
    share: Callable[[Path], object], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Outbox(str(tmp_path / "kept"), 10**6, "x")
    folder.keep(unstored())
    share(tmp_path / "kept")
    assert list(folder.waiting()) == [] and reason in caplog.text


@pytest.mark.parametrize("share", [link_folder, lambda folder: folder.chmod(0o777)])
def test_nothing_is_written_where_another_user_could_change_it(
    share: Callable[[Path], object], tmp_path: Path, own_temporary_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").mkdir(mode=0o700)
    share(tmp_path / "kept")
    path = Outbox(str(tmp_path / "kept"), 10**6, "x").keep(unstored())
    assert path is not None and own_temporary_folder in path.parents and "cannot be kept in" in caplog.text


def storage_of(tmp_path: Path) -> CrawlStorage:
    folders = {
        "PYTOMO_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
        "PYTOMO_UNSTORED_DIRECTORY": str(tmp_path / "kept"),
    }
    return CrawlStorage(config.load(folders.get), Gate(is_quiet=True), {})


ARGUMENTS = {"crawl": "c", "max_crawled_url": 10}


@pytest.fixture
def keep_measurement(tmp_path: Path) -> Callable[..., Path]:
    """Keeps a measurement of a crawl that began, for the next run of it."""

    def keep(**overrides: object) -> Path:
        storage = storage_of(tmp_path)
        opened = storage.begin("youtube", {}, ARGUMENTS)
        item = make_measured_item(**overrides)
        path = opened.outbox.keep(WaitingMeasurement(item, opened.run, opened.frontier.crawl))
        storage._close("shutdown")
        assert path is not None
        return path

    return keep


def stored_uuids(storage: CrawlStorage) -> list[str]:
    with storage.database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT uuid FROM measurement")]


@pytest.mark.slow
def test_crawl_stores_what_an_earlier_run_kept(tmp_path: Path, keep_measurement: Callable[..., Path]) -> None:
    path = keep_measurement(uuid="a" * 36)
    storage = storage_of(tmp_path)
    storage.begin("youtube", {}, ARGUMENTS)
    assert stored_uuids(storage) == ["a" * 36] and not path.exists()
    storage._close("finished")


def spoil_failure(written: dict[str, Any]) -> None:
    written["measurement"]["item"].update(failure="gone_fishing", failure_stage="resolve")


def test_class_of_failure_of_another_version_is_stored_and_charged_to_nobody(
    tmp_path: Path, keep_measurement: Callable[..., Path]
) -> None:
    path = keep_measurement()
    changed(path, spoil_failure)
    storage = storage_of(tmp_path)
    storage.begin("youtube", {}, ARGUMENTS)
    assert len(stored_uuids(storage)) == 1 and not os.path.lexists(path)
    with storage.database.read() as connection:
        row = connection.exec_driver_sql("SELECT failure, attribution FROM measurement").one()
    assert tuple(row) == ("gone_fishing", "unknown")
    storage._close("finished")


@pytest.mark.parametrize("spoil", [damage, put_link, write_later_format])
def test_crawl_starts_whatever_lies_in_the_folder(
    spoil: Callable[[Path], object],
    tmp_path: Path,
    keep_measurement: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = keep_measurement()
    spoil(path)
    storage = storage_of(tmp_path)
    storage.begin("youtube", {}, ARGUMENTS)
    assert stored_uuids(storage) == [] and os.path.lexists(path)
    assert caplog.text.count(str(path)) == 1 and "left" in caplog.text
    storage._close("finished")
