"""Back-off: one short wait, then pauses that double, then the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from pytomo_scrapy.config import EnduranceConfig
from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.politeness import BackOff, Politeness
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import ResolveResult, VideoItem
from tests.factories import make_download, make_item, make_resolve

SETTINGS = EnduranceConfig(backoff_retry_s=60, backoff_pause_s=3600, backoff_max_pauses=2, broken_client_max=5)


def test_refusals_in_a_row_wait_longer_each_time_and_end() -> None:
    back_off, now_s, waits = BackOff(SETTINGS), 0.0, []
    for _ in range(4):
        assert not back_off.is_over
        waits.append(back_off.refused(now_s))
        now_s += waits[-1]
    # One retry after a minute, then one hour, two hours; the fourth refusal is one too many.
    assert waits[:3] == [60, 3600, 7200]
    assert back_off.is_over


def test_answer_between_two_refusals_starts_over() -> None:
    back_off = BackOff(SETTINGS)
    back_off.refused(0)
    back_off.answered()
    assert back_off.refused(60) == 60


def test_refusal_of_what_was_under_way_does_not_lengthen_the_wait() -> None:
    back_off = BackOff(SETTINGS)
    back_off.refused(0)
    assert back_off.refused(10) == 50
    assert back_off.wait_s(10) == 50
    assert back_off.wait_s(61) == 0


def test_wait_that_the_service_orders_is_kept_up_to_a_day() -> None:
    back_off = BackOff(SETTINGS)
    assert back_off.refused(0, 600) == 600
    assert back_off.refused(10) == 590  # under way, and orders nothing
    assert back_off.refused(20, 900) == 900
    assert back_off.refused(920, 600) == 3600  # our own pause is the longer one
    assert back_off.refused(4520, 10**9) == 86_400
    assert BackOff(EnduranceConfig(backoff_retry_s=0, backoff_pause_s=0)).refused(0, 600) == 0


def test_pause_of_zero_never_ends_the_crawl() -> None:
    back_off = BackOff(EnduranceConfig(backoff_retry_s=0, backoff_pause_s=0))
    assert [back_off.refused(number) for number in range(20)] == [0] * 20
    assert not back_off.is_over


def play(answers: str, settings: EnduranceConfig = SETTINGS, pace_s: float = 5.0) -> list[tuple[int, float]]:
    """Return which of the videos made us wait, and for how long: "." is a video that we got, "x" one that no guest got.

    The next video is asked for when the wait is over.
    """
    back_off, now_s, waits = BackOff(settings), 0.0, []
    for number, answer in enumerate(answers):
        if answer == ".":
            back_off.answered()
        elif (wait_s := back_off.guest_refused(now_s)) > 0:
            waits.append((number, wait_s))
        now_s += pace_s + back_off.wait_s(now_s)
    return waits


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        # Single guests out of luck: nothing is waited for, whatever comes between.
        ("x", []),
        ("x.", []),
        ("x.x.x.x.x.x.x.x.x.x.", []),
        ("....x....x......x...", []),
        # The first videos of a crawl: two of two say nothing yet, three of three do.
        ("xx.", []),
        ("xxx", [(2, 60)]),
        ("xxxxx", [(2, 60), (3, 3600), (4, 7200)]),
        # 3 of 4 is 0.75; 4 of 5 is 0.8.
        (".xxx", []),
        (".xxxx", [(4, 60)]),
        # An address that was trusted for ten videos: at the eighth refusal in a row 8 of the last 10 are refused.
        ("." * 10 + "x" * 10, [(17, 60), (18, 3600), (19, 7200)]),
        # An answer starts the pauses over, and lowers the share: of the last ten after it, 9 are refused again.
        ("." * 2 + "x" * 9 + ".x", [(9, 60), (10, 3600), (12, 60)]),
        # Ten answers later the share is forgotten.
        ("xxx" + "." * 10 + "xx", [(2, 60)]),
    ],
)
def test_refused_guests_make_us_wait_once_most_of_the_last_videos_were_refused(
    answers: str, waits: list[tuple[int, float]]
) -> None:
    assert play(answers) == waits


@pytest.mark.parametrize(
    ("videos", "share", "waits"),
    [
        (1, 0.8, [(0, 60), (1, 3600), (2, 7200), (4, 60)]),  # every single refusal counts
        (2, 1.0, [(1, 60), (2, 3600)]),
        (5, 0.7, [(2, 60), (4, 60)]),  # 3 of 3, 3 of 4, 4 of 5
        (10, 0.9, [(2, 60)]),
        (10, 0.0, [(2, 60), (4, 60)]),  # any refusal, once there are three videos
    ],
)
def test_window_and_share_of_the_back_off_are_settings(
    videos: int, share: float, waits: list[tuple[int, float]]
) -> None:
    assert play("xxx.x", replace(SETTINGS, backoff_videos=videos, backoff_share=share)) == waits


def test_share_is_compared_without_an_error_of_rounding() -> None:
    # 0.7 x 10 is a little over 7 in binary; 7 / 10 is 0.7.
    assert play("..." + "x" * 7, replace(SETTINGS, backoff_share=0.7)) == [(9, 60)]


def test_bot_checks_of_two_guests_in_five_let_a_crawl_go_on() -> None:
    """A video is refused where three guests are: 0.4 ** 3 is 6.4 % of the videos."""
    for seed in range(200):
        draw = Random(seed)
        answers = "".join("x" if all(draw.random() < 0.4 for _ in range(3)) else "." for _ in range(40))
        assert [wait_s for _, wait_s in play(answers)] in ([], [60]), f"{answers}: the first three at the worst"


def test_guest_that_was_under_way_when_the_pause_began_says_nothing_new() -> None:
    back_off = BackOff(SETTINGS)
    assert [back_off.guest_refused(0) for _ in range(3)] == [0, 0, 60]
    assert back_off.guest_refused(10) == 50
    assert back_off.guest_refused(60) == 3600


def test_guests_and_the_address_share_one_series_of_pauses() -> None:
    back_off = BackOff(SETTINGS)
    assert back_off.refused(0) == 60  # a page, or a rate limit
    assert [back_off.guest_refused(60) for _ in range(3)] == [0, 0, 3600]
    assert back_off.refused(3660) == 7200


def make_politeness(clock: list[float]) -> tuple[Politeness, Gate]:
    gate = Gate(is_quiet=True)
    return Politeness(SETTINGS, gate, clock=lambda: clock[0]), gate


@pytest.mark.parametrize(("failure", "count"), [("bot_check", 3), ("rate_limited", 1), ("http_429", 1)])
def test_refused_resolution_makes_the_next_one_wait_and_a_stop_ends_the_wait(failure: str, count: int) -> None:
    clock = [0.0]
    politeness, gate = make_politeness(clock)
    item = make_item()
    item.fail(Stage.RESOLVE, failure)
    for _ in range(count):
        asyncio.run(politeness.ready())
        politeness.stored(item)
    gate.stop()
    with pytest.raises(Stopped):
        asyncio.run(politeness.ready())
    clock[0] = 60.0
    asyncio.run(politeness.ready())


def test_address_whose_guests_are_all_refused_ends_the_crawl_and_single_ones_are_not_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = [0.0]
    politeness, gate = make_politeness(clock)
    refused = make_item()
    refused.fail(Stage.RESOLVE, "bot_check")
    for _ in range(2):
        politeness.stored(refused)
    assert caplog.text == ""
    for _ in range(4):
        assert not politeness.is_over
        politeness.stored(refused)
        clock[0] += 100_000
    assert politeness.is_over and gate.is_stopping
    assert caplog.text.count("The service refuses (bot_check") == 3


def test_media_host_that_answers_429_is_no_refusal_of_the_service() -> None:
    politeness, _ = make_politeness([0.0])
    item = make_item(resolve=ResolveResult())
    item.fail(Stage.DOWNLOAD, "http_429")
    politeness.stored(item)
    asyncio.run(politeness.ready())


def test_service_that_keeps_refusing_stops_the_gate_and_says_what_to_do() -> None:
    clock = [0.0]
    politeness, gate = make_politeness(clock)
    for _ in range(4):
        politeness.note("bot_check")
        clock[0] += 100_000
    assert politeness.is_over and gate.is_stopping
    assert "2 pauses" in politeness.sentence() and "PYTOMO_PACE_S" in politeness.sentence()


def refused_media() -> VideoItem:
    item = make_item(resolve=make_resolve(), downloads=(make_download(received_bytes=0),))
    item.fail(Stage.DOWNLOAD, "http_403")
    return item


def test_media_of_every_video_refused_ends_the_crawl_with_advice_to_upgrade() -> None:
    politeness, gate = make_politeness([0.0])
    private = make_item()
    private.fail(Stage.RESOLVE, "private")
    for item in [*[refused_media()] * 4, private]:
        politeness.stored(item)
    assert not politeness.is_over
    politeness.stored(refused_media())
    assert politeness.is_over and gate.is_stopping
    assert "5 videos" in politeness.sentence() and "yt-dlp" in politeness.sentence()


def gated_media() -> VideoItem:
    item = make_item(resolve=make_resolve(), downloads=(make_download(received_bytes=1_000_000, gated_at_s=9.0),))
    item.fail(Stage.DOWNLOAD, "media_gated")
    return item


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([gated_media] * 5, "The media of 5 videos in a row were cut off by the service: it distrusts"),
        (
            [gated_media] * 3 + [refused_media] * 2,
            "were cut off by the service, 2 of them at their start: it distrusts",
        ),
    ],
)
def test_media_of_every_video_cut_off_end_the_crawl_with_advice_to_upgrade_or_wait(
    items: list[Callable[[], VideoItem]], words: str
) -> None:
    politeness, gate = make_politeness([0.0])
    for make in items[:-1]:
        politeness.stored(make())
    assert not politeness.is_over
    politeness.stored(items[-1]())
    assert politeness.is_over and gate.is_stopping
    assert words in politeness.sentence()
    assert "Upgrade yt-dlp" in politeness.sentence() and "wait some hours" in politeness.sentence()


@pytest.mark.parametrize("failure", [None, "reset", "url_expired", "exit_address_changed"])
def test_video_that_is_measured_or_lost_otherwise_tells_that_not_all_are_cut_off(failure: str | None) -> None:
    politeness, _ = make_politeness([0.0])
    other = make_item(resolve=make_resolve(), downloads=(make_download(received_bytes=1000),))
    if failure is not None:
        other.fail(Stage.DOWNLOAD, failure)
    for item in [*[gated_media()] * 4, other, *[gated_media()] * 4]:
        politeness.stored(item)
    assert not politeness.is_over


def test_default_outlasts_the_run_of_bad_luck_that_a_day_may_bring() -> None:
    # With 65 % of the identities cut off, a run of n begins at a video with a chance of 0.35 x 0.65^n: of 5 at one
    # video in 25, of 20 at one in 15 800, which is more than a month at 500 videos a day.
    assert EnduranceConfig().broken_client_max == 20


def test_one_video_whose_media_came_tells_that_the_client_works() -> None:
    politeness, _ = make_politeness([0.0])
    measured = make_item(resolve=make_resolve(), downloads=(make_download(received_bytes=1000),))
    for item in [*[refused_media()] * 4, measured, *[refused_media()] * 4]:
        politeness.stored(item)
    assert not politeness.is_over


def test_refused_media_never_end_a_crawl_that_is_told_so() -> None:
    gate = Gate(is_quiet=True)
    politeness = Politeness(replace(SETTINGS, broken_client_max=0), gate)
    for _ in range(20):
        politeness.stored(refused_media())
    assert not politeness.is_over
