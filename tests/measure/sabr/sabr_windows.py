"""Windows of a lab's videos over either transport, for the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from pytomo_scrapy.config import Config, load
from pytomo_scrapy.items import DownloadResult, MediaTimeline, PlaybackResult, ResolveResult
from pytomo_scrapy.lab.model import LabVideo, World
from pytomo_scrapy.lab.servers import LabError, LabOptions, make_world
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.family_paths import media_hosts
from pytomo_scrapy.measure.playback.declared_video import declared_video
from pytomo_scrapy.measure.playback.simulation import simulate_playback
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.playback.window_replay import horizon_s, window_traces
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.transport_plans import transport_plans
from tests.conftest import missing
from tests.running.labs import shared_lab


@dataclass(frozen=True)
class Window:
    """One window and what was made of it."""

    result: DownloadResult
    timelines: tuple[MediaTimeline, ...]
    players: dict[str, PlaybackResult]

    def played(self, player: str) -> PlaybackResult:
        """Return how a player would have shown it, also one that is not simulated for every window."""
        if player in self.players:
            return self.players[player]
        end_s = horizon_s(self.result)
        assert end_s is not None
        return simulate_playback(window_traces(self.result, self.timelines), player, horizon_s=end_s)


@dataclass(frozen=True)
class SabrLab:
    """A running lab of the world `sabr`."""

    world: World
    config: Config
    spool: str

    def video(self, words: str) -> LabVideo:
        """Return the only video whose title has these words."""
        (found,) = (video for video in self.world.videos.values() if words in video.title)
        return found

    def resolve(self, words: str) -> ResolveResult:
        return resolve_video(f"https://www.youtube.com/watch?v={self.video(words).video_id}", self.config.resolve)

    def plan(self, resolve: ResolveResult, transport: str, **changes: object) -> WindowPlan:
        """Return the plan of one window; `changes` are of the download's configuration."""
        found = look_up_hosts(media_hosts(resolve), resolve.address_family, self.config.dns)
        plan = WindowPlan(
            resolve.formats,
            dict(found.chosen),
            resolver=self.config.dns.resolvers[0],
            spool_directory=self.spool,
            duration_s=resolve.duration_s,
        )
        settings = replace(self.config.download, transport=transport, **changes)  # type: ignore[arg-type]
        (opened,) = transport_plans(plan, resolve, settings)
        assert isinstance(opened, WindowPlan), (resolve.failure, resolve.failure_detail, opened.failure)
        return opened

    def window(self, words: str, transport: str = "sabr", window_s: float = 6.0, **changes: object) -> Window:
        resolve = self.resolve(words)
        plan = self.plan(resolve, transport, **changes)
        settings = replace(
            self.config.download, transport=transport, window_s=window_s, bulk_every=0, loaded_probes_per_s=0, **changes
        )  # type: ignore[arg-type]
        result = download_window(plan, settings)
        kept = replace(result, streams=tuple(result.streams))
        timelines, players, _ = analyse_window(kept, declared_video(resolve), self.config.playback)
        return Window(result, timelines, {player.player: player for player in players})


@contextmanager
def running_sabr_lab(spool: str) -> Iterator[SabrLab]:
    """Give the lab of the world `sabr`, and lead this process into it while the block lasts."""
    try:
        lab = shared_lab("sabr")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in lab.environment(os.environ).items():
                patch.setenv(name, value)
            yield SabrLab(make_world(LabOptions("sabr")), load(os.environ.get), spool)
    except LabError as error:
        missing(f"the lab cannot run here: {error}")
