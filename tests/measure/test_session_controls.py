"""Controls in the flow: after a bad window, in turn, within the day's cap, and never without the gate."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytomo_scrapy.config import load
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import ControlWindow, Interval, TimedFetch, VideoItem
from pytomo_scrapy.measure.comparing import control_windows
from pytomo_scrapy.measure.comparing.control_windows import ControlTarget
from pytomo_scrapy.measure.session import Session
from tests.factories import make_dns, make_download, make_format, make_item, make_playback, make_resolve, make_timeline
from tests.fake_tools import FakeCrawl

URL = "https://rr1---sn-one.googlevideo.com/videoplayback?mn=sn-one,sn-two&fvip=2"
REFERENCE = "https://files.example/10MB.bin"


class Crawl(FakeCrawl):
    """A crawl whose windows stall, or not."""

    stalls: tuple[Interval, ...] = (Interval(8.0, 2.0, False),)

    async def analyse(self, *_: Any) -> Any:
        return (make_timeline(),), (make_playback(stall_count=len(self.stalls), stalls=self.stalls),), None


def played(monkeypatch: pytest.MonkeyPatch, crawl: Crawl, **settings: object) -> VideoItem:
    def find_address(target: ControlTarget, *_: Any) -> tuple[str, None]:
        crawl.note(f"find {target.role}")
        return "192.0.2.7", None

    def measure_control(target: ControlTarget, address: str, failure: None, t_s: float, config: Any) -> ControlWindow:
        crawl.note(f"control {target.role} {config.max_bytes}")
        return ControlWindow(target.role, t_s, TimedFetch(address=address, received_bytes=5_000))

    monkeypatch.setattr(control_windows, "find_address", find_address)
    monkeypatch.setattr(control_windows, "measure_control", measure_control)
    item = make_item(
        resolve=make_resolve(formats=(make_format(url=URL),)), dns=make_dns(), downloads=(make_download(),),
        started_s=10.0,
    )  # fmt: skip
    running = Session(
        load({"PYTOMO_CONTROL_REFERENCE_URL": REFERENCE, **settings}.get), crawl.tools(), clock=lambda: 45
    )
    asyncio.run(running.step(Stage.PLAYBACK, item))
    return item


def test_bad_window_is_followed_by_its_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    item = played(monkeypatch, crawl)
    assert crawl.log[2:] == [
        "turn 3600",
        "+probe", "find fallback", "-probe", "+window", "control fallback 8000000", "-window",
        "+probe", "find reference", "-probe", "+window", "control reference 8000000", "-window",
    ]  # fmt: skip
    assert [(one.role, one.t_s) for one in item.controls] == [("fallback", 35), ("reference", 35)]
    assert crawl.took_bytes == 10_000


def test_good_window_has_no_control(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    crawl.stalls = ()
    assert (played(monkeypatch, crawl).controls, crawl.log) == ((), ["+analysis", "-analysis"])


def test_controls_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    assert (played(monkeypatch, crawl, PYTOMO_CONTROL="off").controls, crawl.log[2:]) == ((), [])


def test_control_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    crawl.has_control_turn = False
    assert (played(monkeypatch, crawl).controls, crawl.log[2:]) == ((), ["turn 3600"])


def test_controls_keep_the_data_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    crawl.room = 5_000
    item = played(monkeypatch, crawl)
    assert "control fallback 5000" in crawl.log
    # The first one used the day up.
    assert [one.role for one in item.controls] == ["fallback"]
    crawl.log.clear()
    assert (played(monkeypatch, crawl).controls, crawl.log[2:]) == ((), [])


def test_crawl_that_stops_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl()
    crawl.stops_before = "+window"
    item = played(monkeypatch, crawl)
    assert item.controls == () and item.playbacks
