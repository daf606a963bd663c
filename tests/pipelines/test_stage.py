"""What every stage's pipeline promises: nothing that happens in a stage loses the row."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from scrapy.exceptions import DropItem
from scrapy.settings import Settings

from pytomo_scrapy.addons import PytomoAddon
from pytomo_scrapy.crawl.gate import Stopped
from pytomo_scrapy.failures import MeasurementError, SettingError, Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.pipelines.dns import DnsPipeline
from pytomo_scrapy.pipelines.download import DownloadPipeline
from pytomo_scrapy.pipelines.ping import PingPipeline
from pytomo_scrapy.pipelines.playback import PlaybackPipeline
from pytomo_scrapy.pipelines.resolve import ResolvePipeline
from pytomo_scrapy.pipelines.stage import StagePipeline
from tests.factories import make_item


class Stats(dict[str, int]):
    def inc_value(self, key: str) -> None:
        self[key] = self.get(key, 0) + 1


class Probe(StagePipeline):
    stage = Stage.PING
    error: BaseException | None = None

    async def measure(self, item: VideoItem) -> None:
        if self.error is not None:
            raise self.error


def run(error: BaseException | None, **item: Any) -> tuple[VideoItem, Stats]:
    stats = Stats()
    probe = Probe(cast(Any, None), cast(Any, stats))
    probe.error = error
    return asyncio.run(probe.process_item(make_item(**item))), stats


def test_stage_that_ends_well_leaves_no_failure() -> None:
    item, stats = run(None)
    assert item.failure is None
    assert stats == {"pytomo/ping/count": 1}


def test_stage_that_fails_with_a_class_keeps_it() -> None:
    item, stats = run(MeasurementError("ping_no_reply", "all lost"))
    assert (item.failure, item.failure_stage, item.failure_detail) == ("ping_no_reply", Stage.PING, "all lost")
    assert stats["pytomo/ping/failure/ping_no_reply"] == 1


def test_bug_in_a_stage_costs_its_figure_and_never_the_row(caplog: pytest.LogCaptureFixture) -> None:
    item, _ = run(ZeroDivisionError("division by zero"))
    assert (item.failure, item.failure_detail) == ("unknown_failure", "ZeroDivisionError: division by zero")
    assert "Traceback" in caplog.text


def test_item_whose_turn_a_stop_took_goes_back_to_the_frontier() -> None:
    with pytest.raises(DropItem, match="goes back to the frontier"):
        run(Stopped(), claim_id=1)
    with pytest.raises(DropItem, match="is not measured"):
        run(Stopped())


def test_item_of_another_kind_passes_untouched() -> None:
    probe = Probe(cast(Any, None), cast(Any, Stats()))
    probe.error = ZeroDivisionError()
    theirs = {"title": "a page"}
    assert asyncio.run(probe.process_item(theirs)) is theirs


@pytest.mark.parametrize(
    ("pipeline", "stage"),
    [
        (ResolvePipeline, Stage.RESOLVE),
        (DnsPipeline, Stage.DNS),
        (PingPipeline, Stage.PING),
        (DownloadPipeline, Stage.DOWNLOAD),
        (PlaybackPipeline, Stage.PLAYBACK),
    ],
)
def test_pipeline_of_each_stage_runs_its_step_of_the_flow_and_counts_it(
    pipeline: type[StagePipeline], stage: Stage
) -> None:
    steps: list[tuple[Stage, VideoItem]] = []

    class Flow:
        async def step(self, stage: Stage, item: VideoItem) -> None:
            steps.append((stage, item))

    stats, item = Stats(), make_item()
    assert asyncio.run(pipeline(cast(Any, Flow()), cast(Any, stats)).process_item(item)) is item
    assert steps == [(stage, item)] and stats == {f"pytomo/{stage}/count": 1}


def test_every_stage_of_the_add_on_is_a_pipeline_in_the_order_of_the_flow() -> None:
    settings = Settings({"PYTOMO_PACE_S": "7"})
    PytomoAddon().update_settings(settings)
    pipelines = settings.getdict("ITEM_PIPELINES")
    names = [path.rsplit(".", 2)[1] for path in sorted(pipelines, key=lambda path: pipelines[path])]
    assert names == ["resolve", "dns", "ping", "download", "playback", "store"]
    assert settings.getint("CONCURRENT_REQUESTS") == 1
    assert settings["PYTOMO_PACE_S"] == "7"


def test_add_on_refuses_a_bad_setting_by_name() -> None:
    with pytest.raises(SettingError, match="PYTOMO_PACE_S"):
        PytomoAddon().update_settings(Settings({"PYTOMO_PACE_S": "soon"}))
