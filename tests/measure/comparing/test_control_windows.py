from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy.config import ControlConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import Interval, VideoItem
from pytomo_scrapy.measure.comparing.control_windows import control_targets, is_bad, measure_control
from tests.factories import make_dns, make_download, make_format, make_item, make_playback, make_resolve

URL = "https://rr1---sn-one.googlevideo.com/videoplayback?mn=sn-one,sn-two&fvip=2"
SECOND = "https://rr2---sn-two.googlevideo.com/videoplayback?mn=sn-one,sn-two&fvip=2"


def session(failure: str | None = None, stage: Stage | None = None, **playback: Any) -> VideoItem:
    item = make_item(
        resolve=make_resolve(formats=(make_format(url=URL),)),
        dns=make_dns(),
        downloads=(make_download(failure=failure),),
        playbacks=(make_playback(**{"stall_count": 0, "stalled_s": 0.0, **playback}),),
    )
    item.failure, item.failure_stage = failure, stage
    return item


STALL = (Interval(8.0, 0.5, False),)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (session(), False),
        (session(startup_delay_s=1.9), False),  # 1.92 s with the look-up
        (session(startup_delay_s=1.99), True),  # 2.01 s
        (session(stalls=STALL), True),
        (session(stalls=(Interval(8.0, 0.05, False),)), False),
        (session(is_started=False, startup_delay_s=None), True),
        (session("reset", Stage.DOWNLOAD, is_started=False, startup_delay_s=None), True),
        # What the line and the service have no part in.
        (session("spool_lost", Stage.DOWNLOAD, is_started=False, startup_delay_s=None), False),
        (session("video_private", Stage.RESOLVE, is_started=False, startup_delay_s=None), False),
        (make_item(), False),
    ],
)
def test_bad_session_is_one_that_line_or_service_made_bad(item: VideoItem, expected: bool) -> None:
    assert is_bad(item) is expected


def test_controls_are_the_second_cache_and_the_users_reference() -> None:
    item, reference = session(), "https://files.example/10MB.bin"
    only = control_targets(item, ControlConfig())
    assert [(one.role, one.url) for one in only] == [("fallback", SECOND)]
    both = control_targets(item, ControlConfig(reference_url=reference))
    assert [(one.role, one.url) for one in both] == [("fallback", SECOND), ("reference", reference)]


def test_host_behind_a_proxy_is_no_control(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ControlConfig()
    through = replace(config, path=replace(config.path, proxy="http://proxy.example:3128"))
    assert control_targets(session(), through) == []


def test_control_whose_host_has_no_address_says_why() -> None:
    [target] = control_targets(session(), ControlConfig())
    control = measure_control(target, "", "dns_nxdomain", 33.0, ControlConfig())
    assert (control.role, control.t_s, control.fetch.failure) == ("fallback", 33.0, "dns_nxdomain")
    assert (control.fetch.host, control.fetch.address) == ("rr2---sn-two.googlevideo.com", None)
