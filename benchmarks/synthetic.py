# ruff: noqa: E501
"""A database of made-up measurements, as large as wanted and always the same: for tests and benchmarks of the web page.

Three vantage points of two providers measure two thousand videos; evenings are slow, a twentieth fails, yt-dlp is
upgraded in the middle, and titles are as hostile as strangers can make them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, func, insert, select

from pytomo_scrapy.failures import attribution_of
from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.blobs import encode_timeline, encode_trace
from pytomo_scrapy.storage.measurements.figure_row import write_missing_figures
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES
from pytomo_scrapy.storage.schema.crawl_tables import crawl, measurement, run, vantage, video
from pytomo_scrapy.storage.schema.measurement_tables import (
    arrival_trace,
    dns_address,
    dns_lookup,
    download,
    http_request,
    ladder,
    media_timeline,
    network,
    ping,
    playback,
    playback_event,
    stream,
)

END_S = 1_795_000_000  # in November 2026
RUN_LENGTH_S = 43_200
BATCH = 5000
HOSTILE_TITLES = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "'; DROP TABLE measurement; --",
    "\u202egnp.exe \u2066rtl\u2069 \u0000 \U0001f525" * 3,
    '=HYPERLINK("http://203.0.113.1/","click")',
    "</textarea></title><svg/onload=document.title='taken'>",
    "W" * 300,
)
_FAILURES = ("removed", "geo_restricted", "bot_check", "connect_timeout", "first_byte_timeout", "dns_timeout")
_PLAYERS = ("dashjs", "classic")
_LADDER_BPS = {360: 600_000.0, 480: 1_100_000.0, 720: 2_000_000.0, 1080: 4_000_000.0}
_CONTRACTS_BPS = {1: 100_000_000, 2: 50_000_000}  # by vantage point: the third one does not say
_AIRPORTS = {"4g5lznez": "fra", "n4v7sn7z": "lax", "h5q7knes": "ams"}
_AIRPORTS_IN_ORDER = sorted(_AIRPORTS.values())
# The columns that hold an id of a measurement, or of what is below one.
_COPIED = {
    "measurement": ("id",),
    "download": ("id", "measurement_id"),
    "stream": ("id", "measurement_id", "download_id"),
    "http_request": ("id", "download_id"),
    "dns_lookup": ("id", "measurement_id"),
    "dns_address": ("lookup_id",),
    "ping": ("id", "measurement_id"),
    "network": ("measurement_id",),
    "playback": ("id", "measurement_id"),
    "ladder": ("id", "measurement_id"),
    "figure": ("measurement_id",),
}
_IDS = _COPIED | {
    "arrival_trace": ("stream_id",),
    "media_timeline": ("stream_id",),
    "playback_event": ("playback_id",),
}
_HOSTS = [f"rr{n}---sn-{site}.media.test" for n in (1, 2, 3, 4) for site in ("4g5lznez", "n4v7sn7z", "h5q7knes")]


def fill(
    database: Database,
    count: int,
    *,
    days: float = 365,
    seed: int = 1,
    videos: int = 2000,
    traces: int = 20,
    apart: int = 1,
) -> None:
    """Add `count` measurements that end at END_S. The last `traces` of them carry arrivals and timelines.

    Their ids are `apart`: a few hundred rows are then many blocks of the flat table.
    """
    chance = random.Random(seed)
    with database.write() as connection:
        _add_surroundings(connection, days, videos)
    step_s = days * 86400 / count
    for first in range(0, count, BATCH):
        rows = _Rows(apart)
        for index in range(first, min(count, first + BATCH)):
            started_s = END_S - days * 86400 + (index + chance.random()) * step_s
            rows.add(index + 1, started_s, chance, videos, has_trace=index >= count - traces, days=days)
        with database.write() as connection:
            rows.write(connection)
    with database.write() as connection:
        write_missing_figures(connection)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _runs(days: float) -> Iterator[tuple[int, int, float]]:
    """Give (run, vantage, start) of every half day."""
    start_s = END_S - days * 86400
    for index in range(math.ceil(days * 86400 / RUN_LENGTH_S) + 1):
        for vantage_id in (1, 2, 3):
            yield index * 3 + vantage_id, vantage_id, start_s + index * RUN_LENGTH_S


def _add_surroundings(connection: Connection, days: float, videos: int) -> None:
    places = [("paris", "ISP A"), ("lyon", "ISP A"), ("berlin", "ISP B")]
    connection.execute(insert(vantage), [{"id": i + 1, "name": n, "provider": p} for i, (n, p) in enumerate(places)])
    connection.execute(
        insert(crawl),
        {
            "id": 1,
            "name": "popular",
            "vantage_name": "",
            "spider": "youtube",
            "arguments": {},
            "created_at": _at(END_S - days * 86400),
        }
        | {"pass_number": 1, "max_crawled_url": 5_000_000, "admitted_count": videos, "done_count": videos}
        | {"listed_position": 0, "is_listed_end": True},
    )
    runs = []
    for run_id, vantage_id, start_s in _runs(days):
        is_new = start_s > END_S - days * 86400 / 2
        runs.append(
            {"id": run_id, "uuid": str(UUID(int=run_id)), "vantage_id": vantage_id, "crawl_id": 1, "spider": "youtube"}
            | {"arguments": {}, "settings": {"PYTOMO_DOWNLOAD_WINDOW_S": 30.0, "PYTOMO_DOWNLOAD_MODE": "bulk"}}
            | {"software_version": "0.1.0", "yt_dlp_version": "2026.8.19" if is_new else "2026.6.1"}
            | {"started_at": _at(start_s), "ended_at": _at(start_s + RUN_LENGTH_S - 60), "end_reason": "finished"}
        )
    connection.execute(insert(run), runs)
    rows = []
    for index in range(videos):
        title = HOSTILE_TITLES[index] if index < len(HOSTILE_TITLES) else f"Video number {index} of the list"
        name = f"v{index:010d}"
        rows.append(
            {"id": index + 1, "service": "youtube", "video_id": name, "url": f"https://www.youtube.com/watch?v={name}"}
            | {
                "title": title.replace("\x00", ""),
                "duration_s": 40.0 + index % 600,
                "first_seen_at": _at(END_S - days * 86400),
            }
        )
    connection.execute(insert(video), rows)


def _listed(video_key: int) -> dict[str, float | None]:
    """Return what a list says of a video: of each seventh nothing."""
    if video_key % 7 == 0:
        return {"listed_view_count": None, "listed_duration_s": None, "listed_age_s": None}
    duration_s = 40.0 + (video_key - 1) % 600
    return {
        "listed_view_count": 10 ** (3 + video_key % 6),
        "listed_duration_s": duration_s,
        "listed_age_s": 86_400.0 * (video_key % 500),
    }


class _Rows:
    """The rows of one batch, a list for each table. Ids are arithmetic on the measurement's."""

    def __init__(self, apart: int) -> None:
        self._apart = apart
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def write(self, connection: Connection) -> None:
        """Insert everything; parents first."""
        for table in (measurement, *(child.table for child in reversed(CHILD_TABLES))):
            rows = self._rows.get(table.name, [])
            if rows:
                connection.execute(insert(table), rows)

    def _add(self, table: Table, **values: Any) -> None:
        spread = {name: self._apart * values[name] for name in _IDS.get(table.name, ())}
        self._rows.setdefault(table.name, []).append(values | spread)

    def add(
        self, key: int, started_s: float, chance: random.Random, videos: int, *, has_trace: bool, days: float
    ) -> None:
        """Add one measurement with everything below it."""
        vantage_id = chance.choice((1, 1, 2, 3))
        index = int((started_s - (END_S - days * 86400)) // RUN_LENGTH_S)
        failure = chance.choice(_FAILURES) if chance.random() < 0.06 else None
        attribution = attribution_of(failure)
        has_window = failure in {None, "first_byte_timeout"}
        is_new = started_s > END_S - days * 86400 / 2
        # A playback that starts, and an evening that is slow.
        hour = started_s / 3600 % 24
        load = 1 + 1.5 * max(0.0, math.sin((hour - 14) / 24 * 2 * math.pi))
        delay_s = round(0.4 * load * vantage_id**0.5 * chance.lognormvariate(0, 0.5), 4)
        delay: float | None = delay_s if has_window and failure is None and delay_s < 30 else None
        video_key = 1 + (key - 1) % videos if key <= videos else chance.randrange(videos) + 1
        self._add(
            measurement,
            id=key,
            uuid=str(UUID(int=key)),
            run_id=index * 3 + vantage_id,
            vantage_id=vantage_id,
            crawl_id=None,
            pass_number=1,
            video_row_id=video_key,
            is_superseded=False,
            started_at=_at(started_s),
            stored_at=_at(started_s + 45),
            source="charts",
            depth=1,
            address_family=4 if vantage_id != 3 else 6,
            client="VISIONOS" if is_new else "ANDROID",
            resolve_software_version="2026.8.19" if is_new else "2026.6.1",
            resolve_elapsed_s=None if failure in {"removed", "geo_restricted", "bot_check"} else round(0.2 * load, 4),
            resolve_attempt_count=1,
            resolve_failure=failure if failure in {"removed", "geo_restricted", "bot_check"} else None,
            dns_resolver="system",
            dns_elapsed_s=round(0.01 * load * chance.lognormvariate(0, 0.7), 5) if has_window else None,
            failure=failure,
            failure_stage=None if failure is None else "download",
            failure_detail=None if failure is None else f"made up: {failure}",
            attribution=None if attribution is None else attribution.value,
            join_time_s=None if delay is None else delay + 0.3,
            **_listed(video_key),
        )
        if has_window:
            self._add_window(key, started_s, chance, load, delay, failure, has_trace=has_trace)

    def _add_window(
        self,
        key: int,
        started_s: float,
        chance: random.Random,
        load: float,
        delay: float | None,
        failure: str | None,
        *,
        has_trace: bool,
    ) -> None:
        host = _HOSTS[chance.randrange(len(_HOSTS))]
        address = f"192.0.2.{1 + key % 200}"
        site = host.partition("---sn-")[2].partition(".")[0]
        as_number = 64500 + _AIRPORTS_IN_ORDER.index(_AIRPORTS[site]) % 2
        self._add(
            network, measurement_id=key, address=address, as_number=as_number, as_prefix="192.0.2.0/24",
            as_holder=f"HOLDER-{as_number}", source="mmdb",
        )  # fmt: skip
        rate_bps = 0.0 if failure else round(12e6 / load * chance.lognormvariate(0, 0.4))
        received = int(rate_bps * 28 / 8)
        self._add(
            download, id=key, measurement_id=key, place=0, mode="bulk" if key % 10 else "paced", ended_by="deadline",
            address_family=4, host=host, address=address, via_proxy=False, window_s=30.0, elapsed_s=30.0,
            connect_s=round(0.02 * load, 4), first_byte_s=None if failure else round(0.06 * load, 4), active_s=28.0,
            delivery_bps=rate_bps or None, bin_min_bps=rate_bps * 0.5, bin_median_bps=rate_bps, bin_max_bps=rate_bps * 1.7,
            cache_site=site, cache_airport=_AIRPORTS[site], started_at=_at(started_s + 1), received_bytes=received, is_cross_traffic=chance.random() < 0.02, failure=failure,
            loaded_rtt_median_s=None if key % 3 else round(0.02 * load**3, 5), is_probe_limited=key % 97 == 0,
            contract_bps=_CONTRACTS_BPS.get(self._rows["measurement"][-1]["vantage_id"]),
        )  # fmt: skip
        for place, (kind, name, bitrate) in enumerate((("video", "136", 1.8e6), ("audio", "140", 1.3e5))):
            self._add(
                stream, id=2 * key + place, measurement_id=key, download_id=key, place=0, stream=place, kind=kind,
                format_id=name, host=host, port=443, file_bitrate_bps=bitrate, declared_bitrate_bps=bitrate,
                size_bytes=int(bitrate * 20), height_px=720 if place == 0 else None, service_estimate_bps=10_000_000,
                received_bytes=received // 2, timeline_method="packets",
            )  # fmt: skip
            if has_trace and received:
                self._add_trace(2 * key + place, received // 2, bitrate)
        self._add(
            http_request, id=key, download_id=key, stream=0, hop=0, host=host, port=443, address=address, t_s=0.0,
            status=206 if failure is None else None, http_version="2" if key % 5 else "1.1", tls_version="TLSv1.3",
            connect_s=round(0.02 * load, 4), tls_s=round(0.03 * load, 4), first_byte_s=round(0.01 * load, 4),
            total_s=28.0, received_bytes=received, failure=failure,
        )  # fmt: skip
        for place, resolver in enumerate(("system", "google")):
            self._add(
                dns_lookup, id=2 * key + place, measurement_id=key, host=host, resolver=resolver,
                resolver_address="192.0.2.53", transport="udp", record_type="A", rcode="NOERROR", ttl_s=300,
                elapsed_s=round((0.01 + 0.02 * place) * load * chance.lognormvariate(0, 0.7), 5), chosen_address=address,
            )  # fmt: skip
            self._add(dns_address, lookup_id=2 * key + place, place=0, address=address)
        rtt_s = round(0.012 * load * chance.lognormvariate(0, 0.3), 5)
        self._add(
            ping, id=key, measurement_id=key, address=address, method="icmp_datagram", sent_count=10, received_count=10,
            loss_ratio=0.0, rtt_min_s=rtt_s, rtt_avg_s=rtt_s * 1.2, rtt_max_s=rtt_s * 2, rtt_median_s=rtt_s * 1.1,
        )  # fmt: skip
        if failure is None:
            self._add_playbacks(key, chance, load, delay, rate_bps)
            self._add_ladder(key, rate_bps)

    def _add_ladder(self, key: int, rate_bps: float) -> None:
        plays = max((height for height, bitrate in _LADDER_BPS.items() if bitrate <= 0.8 * rate_bps), default=0)
        fails = min((height for height in _LADDER_BPS if height > plays), default=None)
        is_known = fails is None or key % 4 > 0
        self._add(
            ladder, id=key, measurement_id=key, place=0, source="declared", video_rung_count=len(_LADDER_BPS),
            audio_rung_count=1, top_height_px=max(_LADDER_BPS), plays_height_px=plays,
            fails_height_px=fails if is_known else None, best_height_px=plays if is_known else None,
            best_unknown=None if is_known else "demand_limited", head_bytes=0, head_request_count=0,
        )  # fmt: skip

    def _add_playbacks(
        self, key: int, chance: random.Random, load: float, delay: float | None, rate_bps: float
    ) -> None:
        stalls = 0 if delay is None or chance.random() > 0.08 * load else 1 + chance.randrange(3)
        for place, player in enumerate(_PLAYERS):
            own = None if delay is None else round(delay * (1 + 0.5 * place), 4)
            stalled_s = 1.25 * stalls
            played_s = 0.0 if own is None else 30.0 - own - stalled_s
            self._add(
                playback, id=2 * key + place, measurement_id=key, place=0, player=player, parameters={},
                is_started=own is not None, is_ended=False, is_validated=True, is_identifiable=True, horizon_s=30.0,
                startup_delay_s=own, stalled_s=stalled_s, played_s=played_s, stall_count=stalls, stall_1s_count=stalls,
                stall_ratio=stalled_s / (stalled_s + played_s) if played_s else None, initial_buffer_s=2.0,
                initial_buffer_bytes=450_000, initial_rate_bps=rate_bps, buffer_end_s=12.0,
                mos_stalling_hossfeld2011=3.5 * math.exp(-(0.15 * 1.25 + 0.19) * stalls) + 1.5, freeze_count=None,
                timeline_method="packets",
            )  # fmt: skip
            for stall in range(stalls):
                self._add(
                    playback_event, playback_id=2 * key + place, kind="stall", start_s=8.0 + 6 * stall,
                    duration_s=1.25, is_open=False,
                )  # fmt: skip

    def _add_trace(self, stream_id: int, received: int, bitrate: float) -> None:
        steps = [index / 10 for index in range(1, 280)]
        arrived = [int(received * step / 27.9) for step in steps]
        seconds = [float(step) for step in range(1, 160)]
        timeline = MediaTimeline(
            "video", "packets", tuple(int(bitrate / 8 * one) for one in seconds), tuple(seconds), init_bytes=1000
        )
        self._add(arrival_trace, stream_id=stream_id, point_count=len(steps), points=encode_trace(steps, arrived))
        self._add(
            media_timeline,
            stream_id=stream_id,
            point_count=len(seconds),
            segment_count=0,
            points=encode_timeline(timeline),
        )


def count_of(database: Database) -> int:
    """Return how many measurements a database holds."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(measurement)).scalar_one())


def multiply(database: Database, count: int, times: int, days: float) -> None:
    """Copy all measurements, of ids up to `count`, `times` - 1 times, each copy `days` earlier; in SQL, so fast."""
    is_sqlite = database.is_sqlite
    number = "printf('%012x', {})" if is_sqlite else "lpad(to_hex({}), 12, '0')"
    doubled = {("stream", "id"), ("dns_lookup", "id"), ("dns_address", "lookup_id"), ("playback", "id")}
    with database.write() as connection:
        for name, columns in _COPIED.items():
            table = measurement.metadata.tables[name]
            shown = []
            for column in table.columns:
                factor = 2 if (name, column.name) in doubled else 1
                if column.name in columns:
                    shown.append(f"t.{column.name} + {factor * count} * k.n")
                elif column.name == "uuid":
                    shown.append("substr(t.uuid, 1, 24) || " + number.format(f"t.id + k.n * {count}"))
                elif column.name == "started_s":
                    shown.append(f"t.started_s - CAST({days * 86400} * k.n AS INTEGER)")
                elif column.name in {"started_at", "stored_at"}:
                    earlier = f"'-' || ({days * 86400} * k.n) || ' seconds'"
                    shown.append(
                        f"strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', t.{column.name}, {earlier})"
                        if is_sqlite
                        else f"t.{column.name} - {days * 86400} * k.n * interval '1 second'"
                    )
                else:
                    shown.append(f"t.{column.name}")
            names = ", ".join(column.name for column in table.columns)
            connection.exec_driver_sql(
                f"INSERT INTO {name} ({names}) WITH RECURSIVE k(n) AS "
                f"(SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n + 1 < {times}) "
                f"SELECT {', '.join(shown)} FROM k, {name} t"
            )
