"""Videos of a run: measured again or in several arms, they count once."""

from __future__ import annotations

from datetime import UTC, datetime

from pytomo_scrapy.crawl.video_count import VideoCount
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import StudyMark, VideoItem
from tests.factories import make_item

OUTAGE = datetime(2026, 11, 28, tzinfo=UTC)


def counted(*items: VideoItem) -> int:
    count = VideoCount()
    for item in items:
        count.stored(item)
    return count.value


def refused(**overrides: object) -> VideoItem:
    item = make_item(**overrides)
    item.fail(Stage.RESOLVE, "bot_check", "")
    return item


def arm(name: str, left: int, **overrides: object) -> VideoItem:
    return make_item(study=StudyMark("s", arm=name), arms_left=left, **overrides)


def test_refused_video_that_is_asked_for_again_counts_once() -> None:
    assert counted(refused(), make_item()) == 1
    assert counted(refused(), refused()) == 1


def test_video_that_is_measured_again_after_each_of_two_outages_counts_once() -> None:
    assert counted(make_item(outage_started_at=OUTAGE), make_item(outage_started_at=OUTAGE), make_item()) == 1


def test_same_video_of_another_pass_counts_again() -> None:
    assert counted(make_item(), make_item(pass_number=2)) == 2


def test_arms_of_a_video_count_once_with_the_last() -> None:
    assert counted(arm("a", 1)) == 0
    assert counted(arm("a", 1), arm("b", 0)) == 1


def test_arm_that_an_outage_hit_makes_the_video_no_second_one() -> None:
    assert counted(arm("a", 1, outage_started_at=OUTAGE), arm("b", 0), arm("a", 0)) == 1


def test_refused_arm_is_not_asked_for_again() -> None:
    assert counted(refused(study=StudyMark("s", arm="a")), make_item()) == 2
