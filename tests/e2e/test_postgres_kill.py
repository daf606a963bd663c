"""Two crawlers on one PostgreSQL, one of them killed at random instants: nothing lost, nothing twice, no half row."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.e2e.long import (
    TWO_LINES,
    Crawl,
    ask,
    assert_measured_once,
    kill,
    kill_at_random_instants,
    lab_environment,
    related_to,
    walk_arguments,
)
from tests.e2e.test_kill import KILL_COUNT, SEED, START

IS_SHORT = KILL_COUNT < 8
WIDTH = 2 if IS_SHORT else 8


def walk(lab: dict[str, str], url: str, folder: Path, vantage: str, pace_s: float) -> Crawl:
    settings = ["-s", f"PYTOMO_VANTAGE={vantage}", "-s", f"PYTOMO_PACE_S={pace_s}", *TWO_LINES]
    return Crawl(lab, url, walk_arguments(START, WIDTH, 3), settings, folder=folder)


def test_two_crawlers_share_a_crawl_and_one_is_killed_at_random_instants(postgres_url: str, tmp_path: Path) -> None:
    url = postgres_url
    with lab_environment() as lab:
        # The pace keeps videos for the last kill.
        survivor, victim, last = (walk(lab, url, tmp_path, *one) for one in (("a", 12), ("b", 8), ("b", 0)))
        surviving = survivor.start()
        try:
            kill_at_random_instants(victim, min(KILL_COUNT, 2) if IS_SHORT else KILL_COUNT, Random(SEED))
            assert last.finish() == 0, f"seed {SEED}: {last.last_log()}"
            assert surviving.wait(120) == 0, f"seed {SEED}: {survivor.last_log()}"
        finally:
            kill(surviving)
    assert_measured_once(url, related_to(START, WIDTH, rounds=3))
    shares = ask(url, "SELECT n.name FROM measurement m JOIN vantage n ON n.id = m.vantage_id GROUP BY 1 ORDER BY 1")
    assert shares == [("a",), ("b",)], "both had their share"
