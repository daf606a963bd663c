"""A window in the worker: its result, its progress, and what is left of it when the process is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.worker.worker import Worker
from tests.measure.window.window_servers import BODY, Request, media_head, serve_body, serving
from tests.running import forked
from tests.running.sharing import server_socket

pytestmark = pytest.mark.process

HOST = "rr1---sn-test.example"


def make_plan(port: int, directory: Path) -> WindowPlan:
    media = MediaFormat("muxed", "18", f"http://{HOST}:{port}/v", HOST, port)
    return WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory))


def trickle(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(10**9))
    while True:
        connection.sendall(bytes(10_000))
        time.sleep(0.01)


def test_worker_window_gives_result_and_progress(tmp_path: Path) -> None:
    seen: list[WindowProgress] = []

    async def scenario(port: int) -> int:
        worker = Worker()
        try:
            plan, config = (
                make_plan(port, tmp_path),
                DownloadConfig(
                    window_s=1.0, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True)
                ),
            )
            result = await worker.run(download_window, plan, config, deadline_s=20, on_progress=seen.append)
        finally:
            await worker.close()
        assert result.failure is None
        return result.received_bytes or 0

    with serving(trickle) as server:
        received_bytes = asyncio.run(scenario(server.port))
    assert received_bytes > 100_000
    assert len(seen) >= 3
    assert seen[-1].received_bytes <= received_bytes


def test_worker_killed_in_mid_window_costs_one_row_and_leaves_its_spool(tmp_path: Path) -> None:
    async def scenario(port: int, healthy_port: int) -> tuple[str, int]:
        worker = Worker()
        try:
            pid = await worker.run(os.getpid, deadline_s=20)
            config, plan = (
                DownloadConfig(
                    window_s=5.0, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True)
                ),
                make_plan(port, tmp_path),
            )

            def kill(progress: WindowProgress) -> None:
                if progress.received_bytes:
                    os.kill(pid, signal.SIGKILL)

            with pytest.raises(MeasurementError) as caught:
                await worker.run(download_window, plan, config, deadline_s=20, on_progress=kill)
            result = await worker.run(download_window, make_plan(healthy_port, tmp_path), config, deadline_s=20)
        finally:
            await worker.close()
        return str(caught.value), result.received_bytes or 0

    with serving(trickle) as server, serving(serve_body) as healthy, forked.in_use(server_socket()):
        failure, received_bytes = asyncio.run(scenario(server.port, healthy.port))
    assert failure == "worker_died: exit code -9"
    assert received_bytes == len(BODY)
    spools = list(tmp_path.iterdir())
    assert len(spools) == 2  # the lost window's, for the parent to remove, and the good one's
