"""An export that fails leaves nothing behind: the same command succeeds once the trouble is over."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.exchange import export_run
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice, Exported, export, export_as
from pytomo_scrapy.exchange.writers import FORMATS
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from tests.storage.factories import begin, make_item

ALL = ExportSelection()


@pytest.fixture
def stored(each_database: Database) -> Database:
    """One measurement."""
    repository, run = begin(each_database)
    repository.save(make_item(), run)
    return each_database


def failing_after(tables: int, error: BaseException) -> Callable[..., Any]:
    """Return a copy of rows that fails in the middle of a table, once so many are whole."""
    copy, left = export_run._copy, [tables]

    def fail(connection: Any, dataset: Any, writer: Any) -> int:
        count = copy(connection, dataset, writer)
        if not left[0]:
            raise error
        left[0] -= 1
        return count

    return fail


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageError),
        (StorageError("The database is away."), StorageError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_export_that_failed_can_be_given_again_into_the_same_folder(
    stored: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
    error: BaseException,
    seen: type[BaseException],
) -> None:
    folder = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(export_run, "_copy", failing_after(1, error))
        with pytest.raises(seen):
            export(stored, folder, file_format, "tables", ALL)
    assert list(folder.iterdir()) == []
    export(stored, folder, file_format, "tables", ALL)
    assert (folder / "export.json").is_file() and not list(folder.glob("*.part"))


def test_export_that_failed_at_its_last_step_leaves_foreign_files_alone(stored: Database, tmp_path: Path) -> None:
    folder = tmp_path / "out"

    def fail(made: Exported) -> None:
        (folder / "of-another-program.txt").write_text("mine")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        export_as(stored, folder, ExportChoice("csv", "wide", ALL), more=fail)
    assert [path.name for path in folder.iterdir()] == ["of-another-program.txt"]
