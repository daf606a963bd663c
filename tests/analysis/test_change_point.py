"""Where a share changed most, by hand."""

from __future__ import annotations

from pytomo_scrapy.analysis.change_point import change_point


def test_change_point_is_where_the_share_jumps() -> None:
    # Four buckets of 1 in 10, then four of 8 in 10: the sums of differences from the mean turn at the fifth.
    buckets = [(at, 1.0, 10.0) for at in range(4)] + [(at, 8.0, 10.0) for at in range(4, 8)]
    assert change_point(buckets) == 4
    assert change_point([]) is None
