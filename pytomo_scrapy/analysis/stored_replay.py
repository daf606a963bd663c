"""Plays stored measurements again, and adds the results to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import IO, Any

from sqlalchemy import select

from pytomo_scrapy.analysis.replay_summary import ReplaySummary, result_name
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_replay import p1203_input, replay_window
from pytomo_scrapy.storage.measurements.read import NEWEST_FIRST, matching, recall_ladders, recall_windows
from pytomo_scrapy.storage.measurements.repository import Repository
from pytomo_scrapy.storage.schema.crawl_tables import measurement


def replay(
    repository: Repository,
    player: str,
    changes: Mapping[str, float],
    filters: Mapping[str, Any],
    export: IO[str] | None = None,
    *,
    is_dry_run: bool = False,
) -> ReplaySummary:
    """Play every matching measurement again; add results under their name, and never touch a stored one.

    `is_dry_run` adds none. `export` gets a line of ITU-T P.1203 input for each result that started.
    """
    summary = ReplaySummary(result_name(player, changes))
    for key in _matching_ids(repository, filters):
        summary.measurements += 1
        is_replayed = False
        stored = repository.measurement(key)
        assert stored is not None
        declared = DeclaredVideo(
            extractor=stored["extractor"], client=stored["client"], player_config=stored["player_config"]
        )
        with repository.database.read() as connection:
            windows = recall_windows(connection, key)
            ladders = recall_ladders(connection, key)
        for download, timelines in windows:
            of_window = [row for row in stored["playbacks"] if row["place"] == download.place]
            known = next((row for row in of_window if row["player"] == summary.name), None)
            # The same name means the same settings: a crawl's own parameters are played again, not today's defaults.
            parameters = known["parameters"] if known else changes
            ladder = ladders.get(download.place)
            result = replay_window(download, timelines, player, parameters, summary.name, declared, ladder)
            if result is None:
                continue
            is_replayed = True
            if known is None and not is_dry_run:
                repository.add_playback(key, result)
                summary.added += 1
            elif known is not None:
                summary.compare(key, known, result)
            for before in of_window:
                summary.pairs.setdefault(before["player"], []).append((before, result))
            session = p1203_input(result, timelines) if export else None
            if export and session is not None:
                export.write(json.dumps({"measurement": key, "place": download.place, "input": session}) + "\n")
        summary.without_trace += not is_replayed
    return summary


def _matching_ids(repository: Repository, filters: Mapping[str, Any]) -> Sequence[int]:
    # All at once: page by page, each measurement that a crawl stores meanwhile would move one into the next page again.
    with repository.database.read() as connection:
        return (
            connection.execute(select(measurement.c.id).where(matching(**filters)).order_by(*NEWEST_FIRST))
            .scalars()
            .all()
        )
