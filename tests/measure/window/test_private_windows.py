"""Media that are said to lie on this machine or its network: no connection, whatever the address is written as."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.net import private_addresses
from pytomo_scrapy.measure.window.canary import ask_canary
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.measure.window.window_servers import Request, answer, serve_body, serving

pytestmark = pytest.mark.process

HOST = "rr1---sn-test.example"
DEFAULT = PathConfig()
ALLOWED = PathConfig(is_private_allowed=True)


def fetch(directory: Path, host: str, port: int, path: PathConfig = DEFAULT) -> DownloadResult:
    media = MediaFormat("muxed", "18", f"http://{host}:{port}/v?sig=SECRET", host.strip("[]"), port)
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory))
    # With probes beside the window: they too would be connections.
    return download_window(plan, DownloadConfig(window_s=1.2, mode="bulk", loaded_probes_per_s=5, path=path))


@pytest.mark.parametrize("host", [HOST, "127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_private_media_host_is_refused_and_never_connected_to(tmp_path: Path, host: str) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, host, server.port)
        connection_count = server.connection_count
    assert connection_count == 0
    assert result.received_bytes == 0
    if host in (HOST, "127.0.0.1"):
        assert result.failure == "private_address"
        assert result.failure_detail == "muxed: leads to 127.0.0.1"
    else:
        assert result.failure is not None  # no address of such a name may be found at all


def test_private_media_host_over_ipv6_is_refused(tmp_path: Path) -> None:
    assert fetch(tmp_path, "[::1]", 9).failure == "private_address"


def test_redirect_to_a_private_address_is_not_followed(tmp_path: Path) -> None:
    with serving(serve_body) as inside:
        location = f"http://127.0.0.1:{inside.port}/secret"

        def redirect(connection: socket.socket, request: Request) -> None:
            connection.sendall(answer("302 Found", f"Location: {location}"))

        with serving(redirect) as server:
            # The first host counts as public here: the guard is put on for the second alone.
            result = fetch_past_the_first(tmp_path, server.port)
        connection_count = inside.connection_count
    assert connection_count == 0
    assert (result.failure, [row.hop for row in result.requests]) == ("private_address", [0, 1])


def fetch_past_the_first(directory: Path, port: int) -> DownloadResult:
    judged: list[str] = []

    def all_but_the_first(address: str, path: PathConfig) -> bool:
        judged.append(address)
        return len(judged) > 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private_addresses, "is_refused", all_but_the_first)
        media = MediaFormat("muxed", "18", f"http://{HOST}:{port}/v", HOST, port)
        plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory))
        return download_window(plan, DownloadConfig(window_s=1.2, mode="bulk", loaded_probes_per_s=0))


def test_private_media_host_that_is_allowed_is_measured(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        assert fetch(tmp_path, HOST, server.port, ALLOWED).failure is None


def test_proxy_may_have_a_private_address(tmp_path: Path) -> None:
    with serving(serve_body) as proxy:
        result = fetch(tmp_path, HOST, 80, PathConfig(proxy=f"http://127.0.0.1:{proxy.port}"))
    assert (result.failure, result.via_proxy) == (None, True)


def test_canary_asks_no_private_address(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        media = MediaFormat("muxed", "18", f"http://{HOST}:{server.port}/v", HOST, server.port)
        canary = ask_canary(media, (0, 99), {HOST: "127.0.0.1"}, DownloadConfig())
        connection_count = server.connection_count
    assert (connection_count, canary.is_clean) == (0, None)
