"""The media folder of a crawl, and of crawls that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytomo_scrapy.crawl.spool import SpoolFolder, remove_media, remove_orphans
from pytomo_scrapy.items import StreamDownload
from tests.factories import make_download

MAKE_AND_DIE = (
    "import os; from pytomo_scrapy.crawl.spool import SpoolFolder; print(SpoolFolder().path); os.kill(os.getpid(), 9)"
)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.mark.process
def test_folder_of_a_killed_process_is_removed_by_the_next_and_a_living_one_stays() -> None:
    done = subprocess.run([sys.executable, "-c", MAKE_AND_DIE], capture_output=True, text=True, check=False)
    orphan = Path(done.stdout.strip())
    assert orphan.is_dir()
    living = SpoolFolder()
    assert not orphan.exists()
    remove_orphans()
    assert Path(living.path).is_dir()
    living.remove()
    living.remove()
    assert not Path(living.path).exists()


def test_spooled_media_are_deleted_and_may_be_gone_already(tmp_path: Path) -> None:
    media_file = tmp_path / "window.media"
    media_file.write_bytes(b"media")
    streams = (StreamDownload("video", "134", spool_path=str(media_file)), StreamDownload("audio", "140"))
    remove_media(make_download(streams=streams))
    assert not media_file.exists()
    remove_media(make_download(streams=streams))


def shared(path: Path) -> None:
    path.chmod(0o777)


def of_another_user(path: Path) -> None:
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize(
    "change", [shared, pytest.param(of_another_user, marks=pytest.mark.skipif(os.getuid() != 0, reason="needs root"))]
)
def test_folder_that_another_user_can_have_made_is_left_alone(temporary: Path, change: Callable[[Path], None]) -> None:
    (temporary / "pytomo-media-x").mkdir(mode=0o700)
    (temporary / "pytomo-media-x" / "lock").touch()
    change(temporary / "pytomo-media-x")
    remove_orphans()
    assert (temporary / "pytomo-media-x").exists()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_lock_that_is_no_file_is_not_opened(temporary: Path, kind: str) -> None:
    """A link would have locked a file of ours elsewhere, and a pipe would have waited for ever."""
    orphan, elsewhere = temporary / "pytomo-media-x", temporary / "elsewhere"
    orphan.mkdir(mode=0o700)
    elsewhere.touch()
    if kind == "link":
        (orphan / "lock").symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(orphan / "lock")
    else:
        (orphan / "lock").mkdir()
    remove_orphans()
    assert orphan.exists() and elsewhere.exists()
