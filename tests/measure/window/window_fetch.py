"""One window from a server of `window_servers.py`."""

from __future__ import annotations

import time
from pathlib import Path

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan

HOST = "rr1---sn-test.example"
CONFIG = DownloadConfig(window_s=1.0, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))
# The window promises 0.25 s, and a busy machine gets more. Who waits for these servers waits without end.
LATE_S = 1.5


def make_format(port: int, kind: str = "muxed", scheme: str = "http", **overrides: object) -> MediaFormat:
    """A format of a server on this machine."""
    values: dict[str, object] = {
        "kind": kind,
        "format_id": {"video": "134", "audio": "140"}.get(kind, "18"),
        "url": f"{scheme}://{HOST}:{port}/videoplayback?sig=SECRET&kind={kind}",
        "host": HOST,
        "port": port,
    }
    return MediaFormat(**{**values, **overrides})  # type: ignore[arg-type]


def fetch(
    spool: Path, *formats: MediaFormat, config: DownloadConfig = CONFIG, address: str = "127.0.0.1"
) -> DownloadResult:
    """What a window of these formats gives."""
    return download_window(WindowPlan(formats, {HOST: address}, spool_directory=str(spool)), config)


def fetch_in_time(
    spool: Path, *formats: MediaFormat, config: DownloadConfig = CONFIG, address: str = "127.0.0.1"
) -> DownloadResult:
    """What a window gives that must end as it promises."""
    started = time.monotonic()
    result = fetch(spool, *formats, config=config, address=address)
    assert time.monotonic() - started < config.window_s + LATE_S
    assert result.elapsed_s is not None and result.elapsed_s <= config.window_s + LATE_S
    return result
