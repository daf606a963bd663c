"""Which stored measurements are played again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytomo_scrapy.analysis import stored_replay
from pytomo_scrapy.storage.database import Database
from tests.storage.factories import begin, make_item

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_measurement_that_a_crawl_stores_meanwhile_makes_none_count_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, run = begin(database)
    for number in range(3):
        repository.save(make_item(uuid=str(number), started_at=NOW + timedelta(hours=number)), run)
    replayed: list[int] = []

    def recall(_connection: Any, key: int) -> dict[int, Any]:
        replayed.append(key)
        repository.save(make_item(uuid=f"later {key}", started_at=NOW + timedelta(days=key)), run)
        return {}

    monkeypatch.setattr(stored_replay, "_PAGE", 1, raising=False)
    monkeypatch.setattr(stored_replay, "recall_ladders", recall)
    summary = stored_replay.replay(repository, "classic", {}, {}, is_dry_run=True)
    # The newest first, as they were when the replay began.
    assert (summary.measurements, replayed) == (3, [3, 2, 1])
