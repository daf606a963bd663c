"""Differential tests in the lab: a shaper that reads the TLS name, none, and a host that takes its own name alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE
from pytomo_scrapy.lab.world import build_world
from pytomo_scrapy.measure.comparing.name_pairs import PairsPlan, measure_pairs
from pytomo_scrapy.measure.comparing.pair_media import find_media
from tests.e2e.conftest import database_setting, query, run_scrapy
from tests.running.labs import shared_lab

pytestmark = pytest.mark.alone


def video_that(what: str) -> str:
    [found] = [video_id for video_id, text in build_world("names").known.items() if what in text]
    return found


def test_host_that_takes_its_own_name_alone_cannot_be_tested(database: Path) -> None:
    done = run_scrapy(
        "lab", "--world", "names", "differential", "--consent", "--json", video_that("certificate for no"),
        "-s", "PYTOMO_DIFFERENTIAL_WINDOW_S=1", "-s", "PYTOMO_LINE=off", *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    [test] = json.loads(done.output)
    assert (test["verdict"], test["refused_count"], len(test["windows"])) == ("cannot_be_tested", 3, 6)
    rows = query(database, "SELECT role, sent_name = 'www.example.com', failure FROM differential_window")
    assert set(rows) == {("service", 0, None), ("neutral", 1, "neutral_name_refused")}
    # Nothing of it is a measurement.
    assert query(database, "SELECT (SELECT COUNT(*) FROM measurement), (SELECT COUNT(*) FROM figure)") == [(0, 0)]


@pytest.mark.parametrize(("what", "ratio"), [("a shaper halves", 0.5), ("nobody looks", 1.0)])
def test_shaper_slows_the_windows_under_the_services_name(
    what: str, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytomo_scrapy.measure.resolve.resolution import resolve_video

    for name, value in shared_lab("names").environment(os.environ).items():
        monkeypatch.setenv(name, value)
    loaded = config.load({**os.environ, "PYTOMO_DIFFERENTIAL_WINDOW_S": "1"}.get)
    media = find_media(resolve_video(f"https://www.youtube.com/watch?v={video_that(what)}", loaded.resolve), loaded)
    windows = measure_pairs(PairsPlan(media, "www.example.com", 2, 2, "seed", 10**9), lambda _: 2)
    assert [window.fetch.failure for window in windows] == [None] * 4
    rates = {role: [one.fetch.rate_bps or 0.0 for one in windows if one.role == role] for role in (SERVICE, NEUTRAL)}
    assert sum(rates[SERVICE]) / sum(rates[NEUTRAL]) == pytest.approx(ratio, rel=0.3)
