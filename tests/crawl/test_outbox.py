"""Measurements that wait on disk for their database."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.crawl.outbox import Unstored, UnstoredFolder
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.storage.frontier.frontier import OpenCrawl
from pytomo_scrapy.storage.measurements.repository import Run
from tests.factories import make_format, make_item
from tests.storage.factories import make_item as make_measured_item


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def unstored(**overrides: object) -> Unstored:
    return Unstored(make_item(**overrides), Run(1, "r", 1), OpenCrawl(1, "c", False, 1))


def test_kept_measurement_is_found_again_for_its_own_database_only(tmp_path: Path) -> None:
    folder = UnstoredFolder(str(tmp_path / "kept"), 10**6, "postgresql://one")
    path = folder.keep(unstored())
    assert path is not None and path.stat().st_mode & 0o077 == 0, "readable by its owner only"
    ((found_path, found),) = folder.waiting()
    assert found_path == path and found.item.uuid == make_item().uuid and found.crawl.name == "c"
    assert list(UnstoredFolder(str(tmp_path / "kept"), 10**6, "postgresql://two").waiting()) == []
    folder.forget(path)
    assert list(folder.waiting()) == []


def test_whole_measurement_survives_the_disk(tmp_path: Path) -> None:
    folder = UnstoredFolder(str(tmp_path / "kept"), 10**8, "x")
    item = make_measured_item()
    folder.keep(Unstored(item, Run(1, "r", 1), OpenCrawl(1, "c", False, 1)))
    ((_, found),) = folder.waiting()
    assert (found.item.downloads, found.item.playbacks) == (item.downloads, item.playbacks)


def test_signed_urls_are_not_written(tmp_path: Path) -> None:
    media = make_format(url="https://h/videoplayback?sig=SECRET", http_headers={"Cookie": "SECRET"})
    path = UnstoredFolder(str(tmp_path), 10**6, "x").keep(unstored(resolve=ResolveResult(formats=(media,))))
    assert path is not None and b"SECRET" not in path.read_bytes()


def test_folder_that_cannot_be_written_gives_way_to_the_temporary_one(
    tmp_path: Path, own_temporary_folder: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = UnstoredFolder(str(tmp_path / "file" / "below"), 10**6, "x")
    path = folder.keep(unstored())
    assert path is not None and own_temporary_folder in path.parents
    assert len(list(folder.waiting())) == 1


def test_limit_is_kept_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert UnstoredFolder(str(tmp_path), 10, "x").keep(unstored()) is None
    assert "limit of 10 bytes" in caplog.text


def test_damaged_file_is_left_where_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = UnstoredFolder(str(tmp_path), 10**6, "x")
    path = folder.keep(unstored())
    assert path is not None
    path.write_bytes(path.read_bytes()[:20])
    assert list(folder.waiting()) == []
    assert path.exists() and "cannot be read" in caplog.text
