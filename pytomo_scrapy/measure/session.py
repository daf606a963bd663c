"""The flow of one video, from its first stage to its last.

1 start, 2 resolve, 3 look up, 4 ping, 5 windows (before some a canary; once more after a refusal), 6 playback,
7 finish, after a bad window with controls from other hosts. Each step sets its own field of the item. An earlier
failure that ends the session turns the later network stages into `skipped_after_<stage>`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from weakref import WeakKeyDictionary

from pytomo_scrapy.config import Config, DownloadConfig
from pytomo_scrapy.failures import Attribution, MeasurementError, Stage, attribution_of
from pytomo_scrapy.items import (
    DnsResult,
    DownloadResult,
    LadderResult,
    MediaTimeline,
    PingResult,
    PlaybackResult,
    VideoItem,
)
from pytomo_scrapy.items.precision import round_ladder, round_trace
from pytomo_scrapy.measure.comparing import control_windows
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.family_paths import (
    FamilyPath,
    answer_of,
    is_bot_check,
    look_up_paths,
    refuse_private,
    resolve_paths,
)
from pytomo_scrapy.measure.net.clock import Clock, utc_now
from pytomo_scrapy.measure.outcome import join_time_s
from pytomo_scrapy.measure.playback.declared_video import declared_video
from pytomo_scrapy.measure.playback.ladder_building import NO_LISTS, KnownLadder
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.playback.window_replay import gated_at_media_s
from pytomo_scrapy.measure.round_trip_targets import network_addresses, ping_media, ping_redirects, redirect_addresses
from pytomo_scrapy.measure.tools import Activity, Stopped, Tools
from pytomo_scrapy.measure.window.canary import ask_canary, canary_range
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.planning import (
    add_window,
    capped_window,
    failed_window,
    plan_windows,
    window_config,
)
from pytomo_scrapy.measure.window.refused import is_refused_at_start, refused_row, unknown_hosts, with_later_hosts
from pytomo_scrapy.measure.window.rung_lists import read_lists

logger = logging.getLogger(__name__)


def _no_dns(item: VideoItem, failure: str) -> None:
    item.dns = DnsResult(failure=failure)


def _no_ping(item: VideoItem, failure: str) -> None:
    item.ping = PingResult(failure=failure)


def _no_window(item: VideoItem, failure: str) -> None:
    item.downloads = (DownloadResult(mode=None, via_proxy=None, received_bytes=None, failure=failure),)


# What each stage leaves behind where an earlier one ended the session. None: it runs all the same.
SKIPPED: Mapping[Stage, Callable[[VideoItem, str], None] | None] = {
    Stage.RESOLVE: None,
    Stage.DNS: _no_dns,
    Stage.PING: _no_ping,
    Stage.DOWNLOAD: _no_window,
    Stage.PLAYBACK: None,  # what a window received before it failed is analysed too
}


def skip(item: VideoItem, stage: Stage) -> bool:
    """Record `skipped_after_<stage>` where an earlier stage ended the session, and say whether it did.

    Raises LookupError for a stage without a row in SKIPPED.
    """
    if stage not in SKIPPED:
        raise LookupError(f"The stage {stage} has no row in SKIPPED: say what it leaves behind when it is skipped.")
    leave = SKIPPED[stage]
    if leave is None or item.failure is None or item.failure_stage is None:
        return False
    leave(item, f"skipped_after_{item.failure_stage}")
    return True


class Session:
    """Measures video after video, a stage at a time, while other videos are in other stages.

    Nothing is asked of the network but with the gate's leave, and what holds the gate never waits for the gate again.
    """

    def __init__(self, config: Config, tools: Tools, *, clock: Clock = time.monotonic) -> None:
        self._config = config
        self._tools = tools
        self._clock = clock
        self._steps: Mapping[Stage, Callable[[VideoItem], Awaitable[None]]] = {
            Stage.RESOLVE: self._resolve,
            Stage.DNS: self._look_up,
            Stage.PING: self._ping,
            Stage.DOWNLOAD: self._download,
            Stage.PLAYBACK: self._play,
        }
        self._finding = asyncio.Lock()
        self._until_canary = 0  # videos
        # The two paths of a video that is measured over both families, for as long as its item lives.
        self._pairs: WeakKeyDictionary[VideoItem, tuple[FamilyPath, ...]] = WeakKeyDictionary()
        # The segments of further qualities, read after the window.
        self._lists: WeakKeyDictionary[VideoItem, KnownLadder] = WeakKeyDictionary()

    async def step(self, stage: Stage, item: VideoItem) -> None:
        """Run one stage of a video, or record that it is skipped.

        Raises Stopped where the crawl stops before the stage's turn, and MeasurementError where the stage has no
        result that could carry its failure.
        """
        if not skip(item, stage):
            await self._steps[stage](item)

    async def _resolve(self, item: VideoItem) -> None:
        # 1. Start: both clocks are read once. The time that a service which refused is left alone comes before it.
        await self._tools.service_ready()
        item.started_at, item.started_s = utc_now(), self._clock()
        # 2. Resolve. The first path is the item's own.
        paths = await self._resolve_paths(item)
        self._follow(item, paths)
        result = paths[0].resolve
        item.title = result.title or item.title
        if result.failure is not None:
            item.fail(Stage.RESOLVE, result.failure, result.failure_detail)

    async def _resolve_paths(self, item: VideoItem) -> tuple[FamilyPath, ...]:
        """Resolve every path; those that meet a bot check again, as another guest each time, after a pause.

        The gate is given back during the pause. Raises Stopped, in the middle of a resolution too: nothing is lost.
        """
        settings, resolve = self._config.resolve, self._tools.process.resolve
        paths: tuple[FamilyPath, ...] = ()
        for attempt in range(settings.bot_check_retries + 1):
            if attempt:
                await self._tools.pause(settings.bot_check_pause_s)
                await self._tools.service_ready()
            async with self._tools.hold(Activity.PAGE):
                paths = await self._tools.until_stop(resolve_paths(item, settings, resolve, paths))
            if not is_bot_check(paths):
                break
        if self._config.download.transport == "plain":
            # What is not asked for is not looked up either.
            return tuple(replace(path, resolve=replace(path.resolve, sabr=None)) for path in paths)
        return tuple(replace(path, resolve=path.resolve.over_sabr()) for path in paths)

    async def _look_up(self, item: VideoItem) -> None:
        # 3. Look up: every resolver, for the media hosts of every path; the first resolver's failure ends the session.
        async with self._tools.hold(Activity.PROBE):
            paths = await self._tools.in_thread(
                look_up_paths, self._paths(item), self._config.dns, started_s=item.started_s or 0.0
            )
            paths = refuse_private(paths, self._config.path)
            self._follow(item, paths)
            item.dns = answer_of(paths)
            if item.dns.failure is not None:
                item.fail(Stage.DNS, item.dns.failure, item.dns.failure_detail)
            await self._find_networks(item)

    async def _ping(self, item: VideoItem) -> None:
        # 4. Ping, before the window: idle round trips. A failure ends nothing.
        async with self._tools.hold(Activity.PROBE):
            item.ping = await self._tools.in_thread(
                ping_media, item, self._paths(item), self._config.ping, self._config.path
            )

    async def _download(self, item: VideoItem) -> None:
        # 5. Windows, one after the other, each alone on the wire. A canary goes before the first.
        settings, paths = window_config(item, self._config.download), self._paths(item)
        plans = plan_windows(item, paths, self._config, self._tools.process.spool_directory)
        is_clean = await self._ask_canary(plans, settings, item)
        for plan in plans:
            if not isinstance(plan, WindowPlan):
                windows: tuple[DownloadResult, ...] = (plan,)
            else:
                window = await self._window(plan, settings, item)
                windows = (replace(window, is_identity_clean=is_clean if window.place == 0 else None),)
                if len(plans) == 1 and is_refused_at_start(windows[0]):
                    windows = await self._once_more(windows[0], settings, item)
            for window in windows:
                add_window(item, window, is_pair=len(paths) > 1 or settings.transport == "both")
        first = plans[0]
        # A crawl that stops now keeps what the window measured, without what follows.
        with suppress(Stopped):
            if isinstance(first, WindowPlan) and item.downloads:
                await self._read_ladder(first, settings, item)
            if redirect_addresses(item):
                await self._ping_redirects(item)

    async def _ask_canary(
        self, plans: Sequence[WindowPlan | DownloadResult], settings: DownloadConfig, item: VideoItem
    ) -> bool | None:
        """Ask, of the first video and of one in `gate_canary`, whether the first window's guest is cut off."""
        if settings.gate_canary == 0:
            return None
        self._until_canary -= 1
        plan = plans[0]
        if self._until_canary >= 0 or not isinstance(plan, WindowPlan) or self._tools.data_cap.is_reached:
            return None
        span = canary_range(plan.formats[0], plan.duration_s)
        if span is None:
            logger.info("%s %s: too short for a canary, or of no known size", item.service, item.video_id)
            return None
        self._until_canary = settings.gate_canary - 1
        async with self._tools.hold(Activity.PROBE):
            canary = await self._tools.in_thread(ask_canary, plan.formats[0], span, plan.chosen, plan.bound(settings))
        self._tools.data_cap.took(canary.received_bytes)
        found = {True: "this guest is clean", False: "the service cuts this guest off", None: "nothing is told"}
        logger.info("%s %s: canary: %s (%s)", item.service, item.video_id, found[canary.is_clean], canary.said)
        return canary.is_clean

    async def _window(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> DownloadResult:
        async with self._tools.hold(Activity.WINDOW):
            data_cap = self._tools.data_cap
            if data_cap.is_reached:
                if not item.downloads:
                    raise Stopped  # the whole video is for another day
                return capped_window(plan)
            try:
                plan = await self._with_ladder(plan, settings, item)
                capped = replace(settings, max_bytes=data_cap.room_bytes())
                self._note_age(item, plan)
                result = await self._tools.process.download(plan, capped, item)
            except MeasurementError as error:
                return failed_window(plan, error, settings.window_s)
            data_cap.took(result.received_bytes or 0)
            return round_trace(result)

    async def _with_ladder(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> WindowPlan:
        """Return the plan with what an adaptive window chooses among. The window's gate is held already."""
        resolve = item.resolve
        if settings.mode != "adaptive" or resolve is None:
            return plan
        live, cost = await self._tools.in_thread(
            read_lists, resolve.rungs, plan.chosen, plan.bound(settings), settings.adaptive_player
        )
        self._tools.data_cap.took(cost.received_bytes)
        if live is None:
            logger.info("%s %s: its qualities are not known: fetched as one", item.service, item.video_id)
            return plan
        parameters = player_parameters(settings.adaptive_player, declared=declared_video(resolve))
        return replace(plan, live=replace(live, parameters=parameters))

    async def _read_ladder(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> None:
        """Read the segments of the qualities that the first window did not fetch, with the gate given back before."""
        window, resolve = item.downloads[0], item.resolve
        if self._config.playback.ladder != "index" or settings.mode == "adaptive" or resolve is None:
            return
        fetched = {stream.format_id for stream in window.streams}
        others = [media for media in resolve.rungs if media.format_id not in fetched]
        if window.failure is not None or not others or self._tools.data_cap.is_reached:
            return
        async with self._tools.hold(Activity.PROBE):
            live, cost = await self._tools.in_thread(read_lists, others, plan.chosen, plan.bound(settings), "")
        self._tools.data_cap.took(cost.received_bytes)
        ladder = round_ladder(live.ladder) if live is not None else None
        self._lists[item] = KnownLadder(ladder, cost.received_bytes, cost.request_count)

    def _note_age(self, item: VideoItem, plan: WindowPlan) -> None:
        """Keep how old the guest identity is as the first window opens. Further windows are later, or another's."""
        began_s = item.resolve.identity_began_s if item.resolve else None
        if item.resolve and began_s is not None and plan.window_index == 0:
            item.resolve = replace(item.resolve, identity_age_s=self._clock() - began_s)

    async def _once_more(
        self, window: DownloadResult, settings: DownloadConfig, item: VideoItem
    ) -> tuple[DownloadResult, ...]:
        """Resolve anew after a 403 at the start, with the gate given back, and open one more window, at one address."""
        (before,), dns = self._paths(item), None
        assert before.dns is not None  # a window was opened at its address
        with suppress(Stopped):
            await self._tools.service_ready()
            (after,) = await self._resolve_paths(item)
            later = after.resolve
            if later.failure is None and (hosts := unknown_hosts(before.dns, later)):
                async with self._tools.hold(Activity.PROBE):
                    dns = await self._tools.in_thread(
                        look_up_hosts, hosts, later.address_family, self._config.dns, started_s=item.started_s or 0.0
                    )
            if later.failure is None and (dns is None or dns.failure is None):
                item.resolve = replace(
                    later,
                    attempt_count=before.resolve.attempt_count + later.attempt_count,
                    bot_check_count=before.resolve.bot_check_count + later.bot_check_count,
                )
                item.dns = with_later_hosts(before.dns, dns)
                plan, *_ = plan_windows(item, self._paths(item), self._config, self._tools.process.spool_directory)
                if isinstance(plan, WindowPlan):
                    return await self._window(plan, settings, item), refused_row(window, before.resolve, later)
        return (window,)

    async def _ping_redirects(self, item: VideoItem) -> None:
        async with self._tools.hold(Activity.PROBE):
            item.ping = await self._tools.in_thread(ping_redirects, item, self._config.ping)
            await self._find_networks(item)

    async def _play(self, item: VideoItem) -> None:
        # 6. Playback: never during a window, and as long as the crawl takes even where it stops.
        declared = replace(declared_video(item.resolve), known=self._lists.get(item, NO_LISTS))
        for download in item.downloads:
            async with self._tools.hold(Activity.ANALYSIS):
                timelines, playbacks, ladder = await self._tools.process.analyse(
                    download, declared, self._config.playback
                )
            add_playbacks(item, timelines, playbacks, ladder)
        # 7. Finish.
        item.join_time_s = join_time_s(item)
        if self._config.control.mode == "on" and control_windows.is_bad(item):
            with suppress(Stopped):
                await self._control(item)

    async def _control(self, item: VideoItem) -> None:
        """Fetch from other hosts for a few seconds, where it is their turn and the day's cap has room."""
        settings = self._config.control
        targets = control_windows.control_targets(item, settings)
        if not targets or self._tools.data_cap.is_reached or not await self._tools.control_turn(settings.every_s):
            return
        for target in targets:
            await self._control_from(target, item)

    async def _control_from(self, target: control_windows.ControlTarget, item: VideoItem) -> None:
        family = item.resolve.address_family if item.resolve else None
        async with self._tools.hold(Activity.PROBE):
            address, failure = await self._tools.in_thread(
                control_windows.find_address, target, family, self._config.dns
            )
        settings, data_cap = self._config.control, self._tools.data_cap
        async with self._tools.hold(Activity.WINDOW):
            if data_cap.is_reached:
                return
            capped = replace(settings, max_bytes=min(settings.max_bytes, data_cap.room_bytes()))
            t_s = self._clock() - (item.started_s or 0.0)
            control = await self._tools.in_thread(
                control_windows.measure_control, target, address, failure, t_s, capped
            )
            data_cap.took(control.fetch.received_bytes)
        item.controls = (*item.controls, control)

    async def _find_networks(self, item: VideoItem) -> None:
        # With the gate held: Team Cymru may be asked. Videos that share the gate take turns, for the finder is not for
        # several threads.
        if self._tools.networks.is_on:
            async with self._finding:
                item.networks = await self._tools.in_thread(self._tools.networks.find, network_addresses(item))

    def _paths(self, item: VideoItem) -> tuple[FamilyPath, ...]:
        if item in self._pairs:
            return self._pairs[item]
        assert item.resolve is not None
        return (FamilyPath(None, item.resolve, item.dns),)

    def _follow(self, item: VideoItem, paths: tuple[FamilyPath, ...]) -> None:
        item.resolve = paths[0].resolve
        if len(paths) > 1:
            self._pairs[item] = paths


def add_playbacks(
    item: VideoItem,
    timelines: tuple[MediaTimeline, ...],
    playbacks: tuple[PlaybackResult, ...],
    ladder: LadderResult | None = None,
) -> None:
    """Add one window's analysis.

    Unreadable media of the first window fail the session, unless the line failed it before.
    """
    is_first, window_index = not item.timelines, len(item.timelines)
    item.downloads = tuple(
        replace(download, gated_at_media_s=gated_at_media_s(download, timelines)) if place == window_index else download
        for place, download in enumerate(item.downloads)
    )
    item.timelines = (*item.timelines, timelines)
    item.playbacks = (*item.playbacks, *playbacks)
    if ladder is not None:
        item.ladders = (*item.ladders, ladder)
    for timeline in timelines if is_first else ():
        if timeline.failure is not None and attribution_of(timeline.failure) is not Attribution.NETWORK:
            item.fail(Stage.PLAYBACK, timeline.failure, timeline.failure_detail)
        elif timeline.fallback_reason is not None and not timeline.is_index_last:
            # The stand-in's figures are kept, but damaged media cannot be played. An index behind the media is
            # in order: players fetch it from there, and the linear model stands in for what they would know.
            item.fail(Stage.PLAYBACK, "unreadable_container", timeline.fallback_reason)
