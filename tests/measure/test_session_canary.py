"""When a session asks the canary, and what it does with the answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import ResolveResult, VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.measure.window.canary import Canary
from tests.factories import (
    make_dns,
    make_download,
    make_format,
    make_item,
    make_resolve,
)
from tests.measure.session_world import REFUSED, World, make_session


def answer_canaries(world: World, monkeypatch: pytest.MonkeyPatch, *answers: bool | None) -> None:
    left = list(answers)

    def ask(media: object, span: tuple[int, int], chosen: object, settings: DownloadConfig) -> Canary:
        world.note(f"canary-{span[0]}")
        return Canary(left.pop(0), "said", 1024)

    monkeypatch.setattr(session, "ask_canary", ask)


def measure_several(world: World, count: int, resolved: ResolveResult, **settings: object) -> list[VideoItem]:
    flow = make_session(world, **settings)
    items = [make_item(resolve=resolved, dns=make_dns()) for _ in range(count)]
    for item in items:
        asyncio.run(flow.step(Stage.DOWNLOAD, item))
    return items


LONG = make_resolve(duration_s=600.0, formats=(make_format(declared_size_bytes=6_000_000),))


def test_canary_goes_before_the_first_window_and_every_so_many_videos(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_canaries(world, monkeypatch, False, True, None)
    items = measure_several(world, 5, LONG, PYTOMO_GATE_CANARY="2")
    # 120 s of 600 s, by the mean rate: a fifth of 6 MB.
    asked, plain = "+probe canary-1200000 -probe", "+window window-0 -window"
    assert world.calls == " ".join((asked, plain, plain, asked, plain, plain, asked, plain))
    assert [item.downloads[0].is_identity_clean for item in items] == [False, None, True, None, None]
    assert world.took_bytes == 3 * 1024 + 5 * 600


def test_canary_is_never_asked_unless_it_is_wanted(world: World) -> None:
    assert [item.downloads[0].is_identity_clean for item in measure_several(world, 2, LONG)] == [None, None]
    assert "probe" not in world.calls


def test_canary_waits_for_a_video_that_is_long_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch, True)
    flow = make_session(world, PYTOMO_GATE_CANARY="9")
    for duration_s in (20.0, 600.0, 600.0):
        item = make_item(resolve=replace(LONG, duration_s=duration_s), dns=make_dns())
        asyncio.run(flow.step(Stage.DOWNLOAD, item))
    plain = "+window window-0 -window"
    assert world.calls == f"{plain} +probe canary-1200000 -probe {plain} {plain}"


def test_canary_speaks_of_the_first_window_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch, True)
    world.windows = [REFUSED, make_download(received_bytes=600)]
    (item,) = measure_several(world, 1, LONG, PYTOMO_GATE_CANARY="1")
    # The video was resolved once more: the guest that the canary asked about is that of the refused window.
    assert [(window.place, window.is_identity_clean) for window in item.downloads] == [(0, None), (1, True)]


def test_canary_is_not_asked_on_a_day_whose_cap_is_reached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch)
    world.room = 0
    with pytest.raises(Stopped):
        measure_several(world, 1, LONG, PYTOMO_GATE_CANARY="1")
    assert "canary" not in world.calls
