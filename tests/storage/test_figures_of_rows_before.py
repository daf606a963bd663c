"""Rows that an earlier version stored get the figures of the session that their windows knew already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from pytomo_scrapy.storage import migrate
from tests.storage.test_stalls_as_defined import scripts_until, store_before, write

pytestmark = pytest.mark.migrates

# Median round trip under load, contract, access, two signs of a busy machine; the shortest round trip of its ping
BEFORE: dict[int, tuple[float | None, int | None, str | None, bool | None, bool | None, float | None]] = {
    1: (0.150, 50_000_000, "dsl", False, True, 0.020),
    2: (0.060, None, None, False, None, 0.020),
    3: (0.030, None, None, None, None, 0.020),
    2000: (None, None, None, None, False, 0.020),
    2001: (0.150, None, None, None, None, None),
}
AFTER: dict[int, tuple[Any, ...]] = {
    1: (0.150, 50_000_000, "dsl", 1, "100 ms and more"),
    2: (0.060, None, None, 0, "30 to 100 ms"),
    3: (0.030, None, None, None, "under 30 ms"),
    2000: (None, None, None, 0, None),
    2001: (0.150, None, None, None, None),
    5000: (None, None, None, None, None),  # it has no window
}


def test_figures_are_those_of_the_windows(each_url: str, tmp_path: Path) -> None:
    engine = create_engine(each_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        migrate.apply_scripts(connection, scripts_until("0003", tmp_path / "before"))
        store_before(connection)
        for number, (loaded_s, contract, access, is_limited, is_throttled, ping_s) in BEFORE.items():
            write(
                connection, "download", measurement_id=number, place=0, mode="paced", started_at="2026-05-04",
                loaded_rtt_median_s=loaded_s, contract_bps=contract, access_technology=access,
                is_probe_limited=is_limited, is_cpu_throttled=is_throttled,
            )  # fmt: skip
            connection.execute(
                text("UPDATE figure SET rtt_min_s = :ping_s WHERE measurement_id = :number"),
                {"ping_s": ping_s, "number": number},
            )
        migrate.apply_scripts(connection, scripts_until("0006", tmp_path / "after"))
        found = connection.execute(
            text(
                "SELECT measurement_id, loaded_rtt_s, contract_bps, access_technology, is_machine_limited, loaded_delay"
                " FROM figure"
            )
        ).all()
        sealed = connection.execute(text("SELECT sum(is_sealed) FROM figure_block")).scalar_one()
    engine.dispose()
    assert {row[0]: tuple(row[1:]) for row in found} == AFTER
    assert sealed == 0
