"""HTTP versions of a window: what was demanded, what was spoken, and what could not be."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.conftest import missing
from tests.measure.window.window_fetch import LATE_S
from tests.measure.window.window_servers import BODY, Authority, serve_body, serving

pytestmark = pytest.mark.process

HOST = "rr1---sn-test.example"
CONFIG = DownloadConfig(window_s=3.0, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))


def fetch(directory: Path, port: int, http_version: str, scheme: str = "https") -> DownloadResult:
    media = MediaFormat("muxed", "18", f"{scheme}://{HOST}:{port}/body", HOST, port)
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory))
    return download_window(plan, dataclasses.replace(CONFIG, http_version=http_version))


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; default_type video/mp4;
  server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {pem}; ssl_certificate_key {pem}; root {folder}; }}
}}
"""


@contextmanager
def serving_h2(directory: Path, certificate: Path) -> Iterator[int]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        missing("nginx is not installed")
        raise AssertionError
    (directory / "body").write_bytes(BODY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = directory / "nginx.conf"
    settings.write_text(NGINX.format(folder=directory, port=port, pem=certificate))
    with subprocess.Popen([program, "-c", str(settings), "-e", str(directory / "error.log")]) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()
            server.wait(60)


@pytest.mark.parametrize(("demanded", "spoken"), [("auto", "2"), ("2", "2"), ("1.1", "1.1")])
def test_window_speaks_the_version_that_is_demanded(
    tmp_path: Path, authority: Authority, demanded: str, spoken: str
) -> None:
    authority.context(HOST)
    with serving_h2(tmp_path, authority.certificate(HOST)) as port:
        result = fetch(tmp_path, port, demanded)
    assert result.failure is None
    assert result.received_bytes == len(BODY)
    assert [row.http_version for row in result.requests] == [spoken]


def test_window_in_auto_falls_back_and_the_row_shows_it(tmp_path: Path, authority: Authority) -> None:
    with serving(serve_body, authority.context(HOST)) as server:
        result = fetch(tmp_path, server.port, "auto")
    assert (result.failure, result.requests[0].http_version) == (None, "1.1")


def test_window_of_http_2_against_an_older_server_is_unavailable(tmp_path: Path, authority: Authority) -> None:
    with serving(serve_body, authority.context(HOST)) as server:
        result = fetch(tmp_path, server.port, "2")
    assert (result.failure, result.received_bytes) == ("http_version_unavailable", 0)
    assert result.failure_detail == "muxed: the server speaks HTTP/1.1"


def test_window_speaks_http_3(tmp_path: Path, authority: Authority) -> None:
    try:
        from tests.measure.window.window_h3_server import serving_h3
    except ImportError:
        missing("aioquic is not installed")
        raise
    authority.context(HOST)
    with serving_h3(BODY, authority.certificate(HOST)) as port:
        result = fetch(tmp_path, port, "3")
    assert result.failure is None
    assert result.received_bytes == len(BODY)
    (request,) = result.requests
    assert request.http_version == "3"
    assert request.connect_s is not None or request.tls_s is not None
    assert result.tcp == ()


def test_window_of_http_3_where_nobody_answers_is_unavailable(tmp_path: Path, authority: Authority) -> None:
    with serving(serve_body, authority.context(HOST)) as server:
        result = fetch(tmp_path, server.port, "3")
    assert (result.failure, result.received_bytes) == ("http_version_unavailable", 0)


def test_window_of_http_3_against_silence_is_unavailable(tmp_path: Path, authority: Authority) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        media_port = silent.getsockname()[1]
        result = fetch(tmp_path, media_port, "3")
    assert result.failure == "http_version_unavailable"
    assert result.elapsed_s is not None and CONFIG.window_s - 0.05 <= result.elapsed_s < CONFIG.window_s + LATE_S


def test_window_of_http_3_checks_the_certificate(
    tmp_path: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        from tests.measure.window.window_h3_server import serving_h3
    except ImportError:
        missing("aioquic is not installed")
        raise
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "Another CA")
    stranger.context(HOST)
    with serving_h3(BODY, stranger.certificate(HOST)) as port:
        result = fetch(tmp_path, port, "3")
    assert result.failure == "tls_unknown_ca"
