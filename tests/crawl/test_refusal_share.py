"""The share of refusals that a crawl's statistics tell."""

from __future__ import annotations

import pytest

from pytomo_scrapy.crawl.refusal_share import RefusalShare
from tests.factories import make_item


@pytest.mark.parametrize(
    ("stored", "share"),
    [
        ([], None),
        ([("a", "data_cap")], None),  # the service was not asked
        ([("a", None), ("b", "bot_check"), ("c", "private"), ("d", "reset")], 0.25),
        ([("a", "bot_check"), ("b", None), ("a", None)], 0.0),  # asked again: the last answer counts
        ([("a", "bot_check"), ("b", None), ("a", "bot_check")], 0.5),
        ([("a", "bot_check"), ("b", None), ("a", "worker_died")], 0.0),
    ],
)
def test_share_is_of_the_videos_asked_for(stored: list[tuple[str, str | None]], share: float | None) -> None:
    counted = RefusalShare()
    for video_id, failure in stored:
        counted.stored(make_item(video_id=video_id, failure=failure))
    assert counted.value == share


def test_video_of_the_next_pass_counts_again() -> None:
    counted = RefusalShare()
    for number in (1, 2):
        counted.stored(make_item(failure="bot_check", pass_number=number))
    counted.stored(make_item())
    assert counted.value == 0.5  # the last one is another answer of the first pass
