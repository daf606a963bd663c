"""What slowed the processor, from counters of our own making."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.measure.host.throttling import ThrottleCounters, Throttling, compare_throttling, read_throttling


def test_counters_are_read_from_the_nearest_group_that_has_a_quota(tmp_path: Path) -> None:
    group = tmp_path / "cgroup" / "above" / "own"
    group.mkdir(parents=True)
    (group / "cpu.stat").write_text("usage_usec 5\n")
    (group.parent / "cpu.stat").write_text("usage_usec 9\nthrottled_usec 2500000\n")
    own_cgroup = tmp_path / "own"
    own_cgroup.write_text("0::/above/own\n")
    for core, count in (("cpu0", "3"), ("cpu1", "4")):
        folder = tmp_path / "cpus" / core / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(count)
    found = read_throttling(tmp_path / "cgroup", own_cgroup, tmp_path / "cpus")
    assert (found.quota_s, found.heat_count) == (2.5, 7)


def test_machine_that_tells_nothing_gives_none(tmp_path: Path) -> None:
    found = read_throttling(tmp_path, tmp_path / "none", tmp_path)
    assert (found.quota_s, found.heat_count) == (None, None)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ThrottleCounters(), ThrottleCounters(), Throttling(None, None, None)),
        (ThrottleCounters(1.0, 3, 0.0), ThrottleCounters(1.0, 3, 0.0), Throttling(False, 0.0, 0.0)),
        # 0.4 s of 10 s are 4 %, 0.5 s are 5 %.
        (ThrottleCounters(1.0), ThrottleCounters(1.4), Throttling(False, pytest.approx(0.4), None)),
        (ThrottleCounters(1.0), ThrottleCounters(1.5), Throttling(True, 0.5, None)),
        (ThrottleCounters(heat_count=3), ThrottleCounters(heat_count=4), Throttling(True, None, None)),
        # 1 s of two cores' 20 s.
        (ThrottleCounters(steal_s=5.0), ThrottleCounters(steal_s=6.0), Throttling(True, None, 0.05)),
    ],
)
def test_what_was_lost_between_two_readings(
    before: ThrottleCounters, after: ThrottleCounters, expected: Throttling
) -> None:
    assert compare_throttling(before, after, 10.0, 20.0) == expected
