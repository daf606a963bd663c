"""The service's declared estimator, with the figures worked out by hand."""

import pytest

from pytomo_scrapy.measure.playback.adaptive.nearest_rank import NearestRankRules, nearest_rank
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.players.youtube_adaptive import PLAYER
from pytomo_scrapy.measure.playback.simulation import player_parameters

PARAMETERS = {name: parameter.default for name, parameter in PLAYER.parameters.items()}


@pytest.mark.parametrize(
    ("count", "rank"),
    [(1, 1), (4, 1), (5, 2), (8, 2), (12, 3)],  # the smallest rank of at least a quarter
)
def test_nearest_rank_of_the_25th_percentile(count: int, rank: int) -> None:
    assert nearest_rank([float(value) for value in range(count, 0, -1)], 0.25) == rank


def test_the_estimate_is_that_of_the_last_12_segments_times_0_91() -> None:
    rules = NearestRankRules([100_000.0, 500_000.0, 2_000_000.0], PARAMETERS)
    assert rules.rate_bps() == 1_000_000, "before the first"
    for rate in (1, *range(1, 13)):
        rules.add_sample(125_000 * rate, 1.0)
    # 1 to 12 Mbit/s remain; the third of twelve is 3.
    assert rules.rate_bps() == pytest.approx(3_000_000 * 0.91)
    assert (rules.rung(0.0), rules.rung(800_000)) == (2, 1), "the sound takes its part"


def test_the_services_answer_says_window_percentile_and_factor() -> None:
    config = {"nearestRankConfig": {"slidingWindowSize": 5, "percentile": 0.5, "scalar": 0.8}}
    declared = DeclaredVideo(player_config={"mediaCommonConfig": {"bandwidthEstimationConfig": config}})
    chosen = player_parameters("youtube-adaptive", declared=declared)
    assert [chosen[f"estimate_{name}"] for name in ("window", "percentile", "factor")] == [5, 0.5, 0.8]
    zeros = {"nearestRankConfig": {"slidingWindowSize": 0, "percentile": 0, "scalar": 0}}
    declared = DeclaredVideo(player_config={"mediaCommonConfig": {"bandwidthEstimationConfig": zeros}})
    assert player_parameters("youtube-adaptive", declared=declared)["estimate_window"] == 12, "zeros say nothing"
