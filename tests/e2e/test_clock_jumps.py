"""A clock that jumps under a running crawl: nothing is measured twice or lost, and no duration shows it."""

from __future__ import annotations

from pathlib import Path

from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import Crawl, ask, assert_measured_once, kill, lab_environment

WORLD = list(build_world("clean").videos)[:6]


def test_crawl_under_a_jumping_clock_measures_each_video_once_and_right(tmp_path: Path) -> None:
    with lab_environment() as environment:
        url = f"sqlite:///{tmp_path / 'x.db'}"
        # A lease so short that each jump ahead is beyond it.
        crawl = Crawl(
            environment, url, ["-a", "urls=" + ",".join(WORLD), "-a", "related=0"], ["-s", "PYTOMO_LEASE_S=3"],
            folder=tmp_path, entry="tests.e2e.jumping_crawl",
        )  # fmt: skip
        process = crawl.start()
        try:
            assert process.wait(300) == 0, crawl.last_log()
        finally:
            kill(process)
    assert "Traceback" not in crawl.last_log()
    assert_measured_once(url, set(WORLD))
    ((first, last),) = ask(url, "SELECT MIN(started_at), MAX(started_at) FROM measurement")
    assert str(first)[:13] != str(last)[:13], "the clock did jump"
    assert {row[0] for row in ask(url, "SELECT failure FROM measurement")} == {None}
    durations = ask(
        url,
        "SELECT d.elapsed_s, m.resolve_elapsed_s, m.dns_elapsed_s, p.startup_delay_s FROM measurement m"
        " JOIN download d ON d.measurement_id = m.id JOIN playback p ON p.measurement_id = m.id"
        " WHERE m.failure IS NULL",
    )
    for seconds in durations:
        assert all(one is None or 0 <= float(str(one)) < 300 for one in seconds), seconds
