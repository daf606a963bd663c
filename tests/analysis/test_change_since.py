"""When a figure changed: by the rows that the figure is of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from pytomo_scrapy.analysis.estimates import KINDS, Estimate
from pytomo_scrapy.analysis.overview import change_since
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, vantage, video
from pytomo_scrapy.storage.schema.figure_tables import figure

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S, HOUR_S = 86_400, 3600
RTT = next(kind for kind in KINDS if kind.name == "rtt")


def test_round_trip_changed_when_the_pings_that_it_is_of_did(tmp_path: Path) -> None:
    # Echoes take 10 ms for ten days and 20 ms then; from the third day on five of six pings are handshakes of 50 ms.
    first_s, began = int(FIRST.timestamp()), {"vantage_id": 1, "spider": "youtube", "arguments": {}, "settings": {}}
    rows = []
    for hour in range(14 * 24):
        is_echo = hour < 2 * 24 or hour % 6 == 0
        rtt_s = (0.01 if hour < 10 * 24 else 0.02) if is_echo else 0.05
        rows.append({
            "measurement_id": hour + 1, "video_row_id": 1, "run_id": 1, "vantage_id": 1, "place": 0, "is_valid": 1,
            "is_session": 1, "is_started": 1, "has_stall": 0, "started_s": first_s + hour * HOUR_S,
            "rtt_min_s": rtt_s, "ping_method": "icmp" if is_echo else "tcp_connect",
        })  # fmt: skip
    stored = {"run_id": 1, "vantage_id": 1, "video_row_id": 1, "pass_number": 1, "is_superseded": False}
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.write() as connection:
        connection.execute(insert(vantage), {"id": 1, "name": "here", "provider": "isp"})
        connection.execute(insert(run), {"id": 1, "uuid": "r", "started_at": FIRST, **began})
        named = {"service": "youtube", "video_id": "v", "url": "https://x.test", "first_seen_at": FIRST}
        connection.execute(insert(video), {"id": 1, **named})
        uuids = ({"id": row["measurement_id"], "uuid": f"m{row['measurement_id']}"} for row in rows)
        connection.execute(insert(measurement), [{**one, "stored_at": FIRST, **stored} for one in uuids])
        connection.execute(insert(figure), rows)
    week = Selection(first_s + 7 * DAY_S, first_s + 14 * DAY_S)
    changed = Estimate(RTT, 0.02, 0.019, 0.021, 100, before=0.01, change=1.0)
    with database.read() as connection:
        found = change_since(connection, week, changed, "icmp")
    database.close()
    assert found == first_s + 10 * DAY_S
