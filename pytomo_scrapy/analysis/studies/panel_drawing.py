"""The panel of a study, drawn from the videos that a database knows: evenly over the strata of its plan."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from sqlalchemy import Connection, func, select

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.schema.crawl_tables import measurement, video
from pytomo_scrapy.storage.schema.measurement_tables import figure
from pytomo_scrapy.studies.study_plan import StudyPlan

_DAY_S = 86_400


def panel_of(connection: Connection, plan: StudyPlan) -> tuple[str, ...]:
    """Return the links of a plan's videos: those that it lists, or as many as it asks for, drawn.

    Raises SettingError where the database knows too few.
    """
    if plan.panel.videos:
        return tuple(plan.panel.videos)
    strata: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for url, facts in _known_videos(connection):
        values = [facts[name] for name in plan.panel.strata]
        if all(value is not None for value in values):
            bounds = plan.panel.strata.values()
            strata[tuple(bisect_right(list(own), value) for own, value in zip(bounds, values, strict=True))].append(url)
    return _drawn(strata, plan)


def _drawn(strata: Mapping[tuple[int, ...], list[str]], plan: StudyPlan) -> tuple[str, ...]:
    count, known = plan.panel.count, sum(map(len, strata.values()))
    if known < count:
        of = f" with {', '.join(plan.panel.strata)}" if plan.panel.strata else ""
        raise SettingError(
            f"The plan of {plan.name!r} draws {count} videos, and the database knows {known}{of}: crawl first, or "
            "list the videos."
        )
    chance = Random(f"panel:{plan.name}:{plan.schedule.seed}")
    piles = [chance.sample(sorted(strata[key]), len(strata[key])) for key in sorted(strata)]
    found: list[str] = []
    # One of each stratum in turn: those that have fewer are used up.
    while len(found) < count:
        for pile in piles:
            if pile and len(found) < count:
                found.append(pile.pop())
    return tuple(found)


def _known_videos(connection: Connection) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Return of every video that gave a valid session its link, and what its newest one says of it."""
    newest = select(func.max(figure.c.measurement_id)).where(figure.c.is_valid == 1).group_by(figure.c.video_row_id)
    rows = (
        select(video.c.url, video.c.uploaded_at, measurement.c.view_count, figure.c.bitrate_bps)
        .join(measurement, measurement.c.id == figure.c.measurement_id)
        .join(video, video.c.id == figure.c.video_row_id)
        .where(figure.c.measurement_id.in_(newest))
    )
    now = datetime.now(UTC)
    return [
        (
            row.url,
            {
                "bitrate_bps": row.bitrate_bps,
                "views": row.view_count,
                "age_days": None
                if row.uploaded_at is None
                else max(0.0, (now - row.uploaded_at).total_seconds() / _DAY_S),
            },
        )
        for row in connection.execute(rows)
    ]
