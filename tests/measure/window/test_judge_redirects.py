"""A window that is led elsewhere, or refused for the address that it came from."""

from __future__ import annotations

import dataclasses
import socket
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DnsResult
from pytomo_scrapy.measure.window import redirect_lookup
from tests.measure.window.window_fetch import HOST, make_format
from tests.measure.window.window_fetch import fetch_in_time as fetch
from tests.measure.window.window_servers import (
    Request,
    answer,
    say,
    serve_body,
    serving,
)

pytestmark = pytest.mark.process


WINDOW_S = 1.2


CONFIG = DownloadConfig(window_s=WINDOW_S, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))


def test_window_redirects_without_end_stop_at_the_limit(tmp_path: Path) -> None:
    def further(connection: socket.socket, request: Request) -> None:
        number = int(request.target.rpartition("/")[2]) if "/hop/" in request.target else 0
        connection.sendall(answer("302 Found", f"Location: /hop/{number + 1}"))

    with serving(further) as server:
        result = fetch(tmp_path, make_format(server.port), config=dataclasses.replace(CONFIG, max_redirects=3))
    assert result.failure == "redirect_limit"
    assert [row.hop for row in result.requests] == [0, 1, 2, 3]


def test_window_redirect_to_a_host_without_address_is_dns_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(hosts: list[str], *_: object) -> DnsResult:
        return DnsResult(elapsed_s=0.01, failure="dns_nxdomain", failure_detail=hosts[0])

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", nothing)
    with serving(say(answer("302 Found", "Location: http://gone.example/x"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert result.failure == "dns_nxdomain"
    assert [(row.hop, row.host, row.failure) for row in result.requests] == [
        (0, HOST, None),
        (1, "gone.example", "dns_nxdomain"),
    ]


def test_window_redirect_host_is_looked_up_inside_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(hosts: list[str], *_: object) -> DnsResult:
        time.sleep(0.1)
        return DnsResult(chosen={hosts[0]: "127.0.0.1"}, elapsed_s=0.1)

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", slow)
    with serving(serve_body) as cache:
        location = f"Location: http://rr2---sn-test.example:{cache.port}/x"
        with serving(say(answer("302 Found", location))) as front:
            result = fetch(tmp_path, make_format(front.port))
    assert result.failure is None
    assert result.requests[1].host == "rr2---sn-test.example"
    assert result.requests[1].address == "127.0.0.1"
    assert result.requests[1].dns_s is not None and 0.09 <= result.requests[1].dns_s < WINDOW_S


def test_window_that_ends_during_a_look_up_is_dns_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> DnsResult:
        time.sleep(WINDOW_S + 0.5)
        return DnsResult(failure="dns_timeout")

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", silent)
    with serving(say(answer("302 Found", "Location: http://silent.example/x"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.failure, result.ended_by) == ("dns_timeout", "deadline")


@pytest.mark.parametrize(
    ("signed_for", "source_address", "failure"),
    [
        ("127.0.0.1", None, "http_403"),  # refused for another reason
        ("127.0.0.1", "127.0.0.9", "exit_address_changed"),
        ("::1", None, "exit_address_changed"),
        ("198.51.100.7", None, "exit_address_changed"),
        ("8.8.8.8", None, "http_403"),  # behind address translation nobody can tell
        ("", None, "http_403"),
    ],
)
def test_window_refused_for_another_address_is_told_apart(
    tmp_path: Path, signed_for: str, source_address: str | None, failure: str
) -> None:
    config = dataclasses.replace(CONFIG, path=PathConfig(source_address=source_address, is_private_allowed=True))
    with serving(say(answer("403 Forbidden"))) as server:
        url = f"http://{HOST}:{server.port}/v?ip={signed_for}&sig=SECRET"
        result = fetch(tmp_path, make_format(server.port, url=url), config=config)
    assert result.failure == failure
    assert "198.51.100.7" not in repr(result)
