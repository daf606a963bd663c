"""A crawl that repeats must leave the service alone now and then."""

from __future__ import annotations

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.spiders.youtube import YoutubeSpider


def load(**overrides: object) -> config.Config:
    return config.load(overrides.get)


def test_loop_without_any_pace_is_refused_with_what_to_set() -> None:
    with pytest.raises(SettingError, match="PYTOMO_PACE_S or PYTOMO_ROUND_EVERY_S"):
        YoutubeSpider.check_arguments({"loop": "1"}, load(PYTOMO_PACE_S=0))


@pytest.mark.parametrize("pace", [{"PYTOMO_PACE_S": 1}, {"PYTOMO_PACE_S": 0, "PYTOMO_ROUND_EVERY_S": 60}])
def test_loop_with_a_pace_of_either_kind_is_accepted(pace: dict[str, object]) -> None:
    YoutubeSpider.check_arguments({"loop": "1"}, load(**pace))


def test_arguments_that_scrapyd_adds_are_not_the_users() -> None:
    YoutubeSpider.check_arguments({"_job": "6487ec79947edab326d6db28a2d86511e8247444"}, load())
    spider = YoutubeSpider(_job="1", max_rounds="2")
    assert spider._user_arguments == {"max_rounds": "2"}, "else every job would be another crawl"
