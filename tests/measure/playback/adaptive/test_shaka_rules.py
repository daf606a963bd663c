"""The rules of Shaka's default manager, with the figures worked out by hand."""

import pytest

from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment
from pytomo_scrapy.measure.playback.adaptive.shaka_rules import ShakaRules, choose_variant, variants_of
from pytomo_scrapy.measure.playback.players.shaka_adaptive import PLAYER

PARAMETERS = {name: parameter.default for name, parameter in PLAYER.parameters.items()}
SEGMENTS = (TrackSegment(0.0, 5.0, None),)
LADDER = Ladder(
    tuple(MediaTrack("video", str(rate), rate * 1000.0, SEGMENTS) for rate in (100, 500, 2000)),
    tuple(MediaTrack("audio", str(rate), rate * 1000.0, SEGMENTS) for rate in (50, 130)),
)
# Variants: 150, 230, 550, 630, 2050, 2130 kbit/s.


def test_every_rung_of_video_goes_with_every_rung_of_sound() -> None:
    assert [variant.bitrate_bps / 1000 for variant in variants_of(LADDER)] == [150, 230, 550, 630, 2050, 2130]
    assert [variant.rungs for variant in variants_of(Ladder(LADDER.video))] == [{"video": n} for n in range(3)]


@pytest.mark.parametrize(
    ("rate_kbps", "variant_kbps"),
    [
        (100, 150),  # nothing fits: the first
        (157, 150),  # 150 needs 150/0.95 = 157.9
        (250, 230),  # 230/0.95 = 242 and 550/0.85 = 647
        (600, 550),  # 550/0.95 = 579
        (664, 630),  # 630/0.95 = 663.2
        (2200, 2050),  # 2050/0.95 = 2158; 2130 needs 2242
        (9000, 2130),
    ],
)
def test_the_last_variant_whose_range_holds_the_estimate(rate_kbps: float, variant_kbps: float) -> None:
    chosen = choose_variant(variants_of(LADDER), rate_kbps * 1000, PARAMETERS)
    assert chosen.bitrate_bps == variant_kbps * 1000


def test_the_browsers_own_estimate_counts_until_128_kb_were_seen() -> None:
    rules = ShakaRules(LADDER, PARAMETERS)
    assert rules.first(0.0).bitrate_bps == 2_130_000
    rules.add_sample(64_000, 1.0)
    rules.add_sample(15_999, 0.1)  # too few to say anything
    rules.add_sample(64_000, 0.004)  # out of a cache
    assert (rules.rate_bps(), rules.suggest(1.0)) == (10_000_000, None)
    rules.add_sample(64_000, 1.0)
    assert rules.rate_bps() == pytest.approx(512_000)


def test_the_first_choice_comes_at_once_and_the_next_after_8_s() -> None:
    rules = ShakaRules(LADDER, PARAMETERS)
    rules.first(0.0)
    rules.add_sample(128_000, 1.0)
    chosen = rules.suggest(1.5)
    assert chosen is not None and chosen.bitrate_bps == 630_000, "1024 kbit/s"
    assert [rules.suggest(t_s) is not None for t_s in (2.0, 9.4, 9.5, 9.6)] == [False, False, True, False]
