"""Which windows PYTOMO_TRANSPORT opens: of one transport, or a pair in random order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat, ResolveResult
from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.measure.window.plan import WindowPlan, window_mode
from pytomo_scrapy.measure.window.transport_plans import transport_plans
from tests.factories import HOST, make_format, make_resolve

FORMATS = (
    make_format(kind="video", format_id="134", declared_size_bytes=900),
    make_format(kind="audio", format_id="251-1", declared_size_bytes=400),
)
LADDER = (
    SabrFormat(134, "video", 17, mime_type="video/mp4; x", size_bytes=900),
    SabrFormat(136, "video", 18, mime_type="video/mp4; y"),
    SabrFormat(248, "video", 19, mime_type="video/webm"),
    SabrFormat(251, "audio", 20, xtags="drc", size_bytes=500, mime_type="audio/webm"),
    SabrFormat(251, "audio", 20, size_bytes=400, mime_type="audio/webm"),
)
SOURCE = SabrSource("https://sabr.example/v?s=1", "sabr.example", 443, "AAAA", SabrClient(101, "1.02"), LADDER)


def plans(transport: str, seed: str = "a", **changes: object) -> list[WindowPlan | DownloadResult]:
    resolve: ResolveResult = make_resolve(formats=FORMATS, sabr=SOURCE, **changes)
    plan = WindowPlan(resolve.formats, {HOST: "192.0.2.1"}, seed=seed, window_index=3)
    return list(transport_plans(plan, resolve, replace(DownloadConfig(), transport=transport)))


def test_plain_is_the_default_and_knows_nothing_of_sabr() -> None:
    assert DownloadConfig().transport == "plain"
    (plan,) = plans("plain")
    assert isinstance(plan, WindowPlan) and plan.sabr is None and plan.transport == "plain"


def test_sabr_pins_the_formats_of_the_plain_window() -> None:
    (plan,) = plans("sabr")
    assert isinstance(plan, WindowPlan) and plan.sabr is not None and plan.transport == "sabr"
    # Of the two formats with one itag, the one of the announced size.
    assert plan.sabr.formats == (LADDER[0], LADDER[4])
    assert plan.sabr.ladder("video") == (LADDER[0],)
    assert [target.host for target in plan.targets] == ["sabr.example"]


def test_choice_of_the_server_is_among_the_formats_of_one_container() -> None:
    (plan,) = plans("sabr")
    assert isinstance(plan, WindowPlan) and plan.sabr is not None
    left_to_it = replace(plan.sabr, is_server_choice=True)
    assert left_to_it.ladder("video") == LADDER[:2]
    assert left_to_it.ladder("audio") == (LADDER[4],)


def test_formats_without_plain_urls_leave_the_plain_window_its_class() -> None:
    found = make_resolve(formats=(), sabr_formats=FORMATS, sabr=SOURCE, failure="no_url_formats").over_sabr()
    assert (found.formats, found.failure) == (FORMATS, None)
    sabr, plain = plans("both", sabr_formats=FORMATS)
    assert isinstance(sabr, WindowPlan) and isinstance(plain, DownloadResult)
    assert (sabr.transport, sabr.window_index, sabr.is_pair) == ("sabr", 3, True)
    assert (plain.transport, plain.failure, plain.place) == ("plain", "no_url_formats", 4)
    (alone,) = plans("sabr", sabr_formats=FORMATS)
    assert isinstance(alone, WindowPlan) and alone.transport == "sabr"


def test_pair_has_one_of_each_in_an_order_that_the_seed_draws() -> None:
    orders = set()
    for number in range(20):
        pair = plans("both", seed=str(number))
        assert [plan.window_index for plan in pair if isinstance(plan, WindowPlan)] == [3, 4]
        orders.add(tuple(plan.transport for plan in pair))
    assert orders == {("plain", "sabr"), ("sabr", "plain")}
    assert plans("both", seed="7") == plans("both", seed="7")


def test_windows_of_a_pair_fetch_alike() -> None:
    config = replace(DownloadConfig(), bulk_every=1)
    modes = [window_mode(plan, config) for plan in plans("both") if isinstance(plan, WindowPlan)]
    assert modes == ["paced", "paced"]


@pytest.mark.parametrize(
    "changes",
    [
        {"sabr": None},
        {"formats": (make_format(),)},  # muxed: no such stream over SABR
        {"formats": (make_format(kind="video", format_id="999"),)},
        {"formats": (make_format(kind="video", format_id="hls"),)},
    ],
)
def test_video_without_an_address_has_a_row_that_says_so(changes: dict[str, object]) -> None:
    resolve = replace(make_resolve(formats=FORMATS, sabr=SOURCE), **changes)  # type: ignore[arg-type]
    formats: tuple[MediaFormat, ...] = resolve.formats
    plan = WindowPlan(formats, {HOST: "192.0.2.1"})
    for transport, places in (("sabr", [0]), ("both", [1])):
        found = transport_plans(plan, resolve, replace(DownloadConfig(), transport=transport))
        rows = [one for one in found if isinstance(one, DownloadResult)]
        assert [(row.place, row.failure, row.transport) for row in rows] == [(places[0], "no_sabr_url", "sabr")]


def test_player_and_estimator_are_those_that_the_answer_declares() -> None:
    ranks = {"slidingWindowSize": 5, "percentile": 0.5, "scalar": 0.8}
    start = {"playbackStartPolicy": {"startMinReadaheadPolicy": [{"minReadaheadMs": 1700}]}}
    common = {
        "bandwidthEstimationConfig": {"nearestRankConfig": ranks},
        "serverPlaybackStartConfig": start,
    }
    resolve = make_resolve(formats=FORMATS, sabr=SOURCE, player_config={"mediaCommonConfig": common})
    (plan,) = transport_plans(
        WindowPlan(resolve.formats, {HOST: "192.0.2.1"}), resolve, replace(DownloadConfig(), transport="sabr")
    )
    assert isinstance(plan, WindowPlan) and plan.sabr is not None
    assert plan.sabr.player["start_buffer_s"] == 1.7 and plan.sabr.player["resume_buffer_s"] == 6.0
    assert (plan.sabr.estimator.window, plan.sabr.estimator.scalar) == (5, 0.8)
