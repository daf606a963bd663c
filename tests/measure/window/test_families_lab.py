"""Families, modes and the exit address in the lab, whose media hosts refuse whoever is not the one that resolved."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import Config, load
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.lab.servers import LabError, LabOptions, make_world
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.family_paths import look_up_paths, resolve_paths
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.planning import plan_windows
from tests.conftest import missing
from tests.factories import make_item
from tests.running.labs import own_lab

pytestmark = pytest.mark.lab

Configure = Callable[..., Config]


@pytest.fixture(scope="module")
def configure() -> Iterator[Configure]:
    """Settings as a command in the lab has them, with some changed."""
    try:
        with own_lab(LabOptions("clean")) as lab, pytest.MonkeyPatch.context() as patch:
            environment = lab.environment(os.environ)
            for name, value in environment.items():
                patch.setenv(name, value)
            yield lambda **changed: load({**environment, **changed}.get)
    except LabError as error:
        missing(f"the lab cannot run here: {error}")


@pytest.fixture(scope="module")
def url() -> str:
    return f"https://www.youtube.com/watch?v={next(iter(make_world(LabOptions('clean')).videos))}"


def needs_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def plan_of(resolved: ResolveResult, chosen: Mapping[str, str], folder: Path) -> WindowPlan:
    return WindowPlan(resolved.formats, dict(chosen), spool_directory=str(folder), duration_s=resolved.duration_s)


@pytest.mark.parametrize("mode", ["bulk", "paced"])
@pytest.mark.parametrize(("family", "measured"), [("any", 4), ("4", 4), ("6", 6)])
def test_media_host_that_enforces_the_address_serves_each_family_in_each_mode(
    configure: Configure, url: str, tmp_path: Path, family: str, measured: int, mode: str
) -> None:
    if measured == 6:
        needs_ipv6()
    config = configure(PYTOMO_IP_FAMILY=family, PYTOMO_DOWNLOAD_WINDOW_S="1", PYTOMO_DOWNLOAD_MODE=mode)
    resolved = resolve_video(url, config.resolve)
    assert (resolved.failure, resolved.address_family) == (None, measured)
    dns = look_up_hosts([media.host for media in resolved.formats], resolved.address_family, config.dns)
    window = download_window(plan_of(resolved, dns.chosen, tmp_path), replace(config.download, bulk_every=0))
    assert (window.failure, window.mode, window.address_family) == (None, mode, measured)
    assert window.received_bytes and {request.status for request in window.requests} <= {200, 206}


def test_both_families_are_resolved_and_fetched_each_over_its_own(
    configure: Configure, url: str, tmp_path: Path
) -> None:
    needs_ipv6()
    config = configure(PYTOMO_IP_FAMILY="both", PYTOMO_DOWNLOAD_WINDOW_S="1")
    item = make_item(url=url)
    paths = asyncio.run(resolve_paths(item, config.resolve, partial(run_in_thread, resolve_video)))
    assert paths[0].resolve.failure is None
    plans = plan_windows(item, look_up_paths(paths, config.dns, started_s=0.0), config, str(tmp_path))
    windows = [download_window(plan, config.download) for plan in plans if isinstance(plan, WindowPlan)]
    assert {(window.address_family, window.failure) for window in windows} == {(4, None), (6, None)}


def test_exit_address_that_changes_between_resolution_and_window_has_its_class(
    configure: Configure, url: str, tmp_path: Path
) -> None:
    config = configure(PYTOMO_DOWNLOAD_WINDOW_S="2")
    resolved = resolve_video(url, config.resolve)
    dns = look_up_hosts([media.host for media in resolved.formats], resolved.address_family, config.dns)
    elsewhere = replace(config.download, path=replace(config.download.path, source_address="127.0.0.77"))
    window = download_window(plan_of(resolved, dns.chosen, tmp_path), elsewhere)
    assert (window.failure, window.received_bytes) == ("exit_address_changed", 0)
    assert window.requests[0].status == 403


def test_family_that_changes_between_resolution_and_window_has_the_class_of_a_changed_exit(
    configure: Configure, url: str, tmp_path: Path
) -> None:
    needs_ipv6()
    config = configure(PYTOMO_IP_FAMILY="6", PYTOMO_DOWNLOAD_WINDOW_S="2")
    resolved = resolve_video(url, config.resolve)
    over_4 = look_up_hosts([media.host for media in resolved.formats], 4, config.dns)
    window = download_window(plan_of(resolved, over_4.chosen, tmp_path), config.download)
    assert window.failure == "exit_address_changed"
