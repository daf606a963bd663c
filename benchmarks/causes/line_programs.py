"""The programs on an emulated line: media hosts, a host for other traffic, the probe's own windows, other traffic."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.causes.other_traffic import CHUNK, TRAFFIC_PORT
from pytomo_scrapy import config
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, MediaFormat, ResolveResult, VideoItem
from pytomo_scrapy.items.precision import round_trace
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url
from pytomo_scrapy.lab.model import LabVideo, MediaHost, RateRule, World
from pytomo_scrapy.measure.family_paths import FamilyPath
from pytomo_scrapy.measure.outcome import join_time_s
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.round_trip_targets import ping_media
from pytomo_scrapy.measure.session import add_playbacks
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts

CLIP, PORT, SECRET = "separate_90", 8443, b"of the benchmark"


def host_name(address: str) -> str:
    """Return the name of the media host at an address."""
    return f"rr{address.rpartition('.')[2]}---sn-line{address.split('.')[2]}.googlevideo.com"


def serve(folder: Path, hosts: list[dict[str, Any]]) -> None:
    """Serve the clip at every address: {"address", "rate_bps", "first_byte_delay_s"}."""

    async def forever() -> None:
        known = {
            host_name(host["address"]): MediaHost(
                host_name(host["address"]),
                host["address"],
                RateRule(steps=tuple(map(tuple, host["steps"])), period_s=host.get("period_s"))
                if host.get("steps")
                else RateRule(),
                first_byte_delay_s=host.get("first_byte_delay_s", 0.0),
            )
            for host in hosts
        }
        world = World("line", "", {"video": LabVideo("video", "", CLIP, next(iter(known)))}, known)
        await MediaServer(world, {CLIP: load_clip(CLIP)}, Authority(folder), SECRET, PORT).start()
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(forever())


def serve_traffic(address: str) -> None:
    """Send zeros to whoever connects, and take what they send."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(1) == b"d":
                while True:
                    writer.write(CHUNK)
                    await writer.drain()
            while await reader.read(65536):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def forever() -> None:
        await asyncio.start_server(meet, address, TRAFFIC_PORT)
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(forever())


class Probe:
    """Opens windows on command and stores each as the product does."""

    def __init__(self, folder: Path, client: str, settings: dict[str, Any]) -> None:
        self._folder, self._client, self._settings = folder, client, settings
        self._clip = load_clip(CLIP)
        self._database = open_database(f"sqlite:///{folder / 'line.db'}")
        self._repository = Repository(self._database)
        vantage = VantageFacts(folder.name)
        self._run = self._repository.begin_run(spider="benchmark", arguments={}, settings={}, vantage=vantage)

    def run(self) -> None:
        """Read commands until there are none: {"address", "mode", "number"}."""
        print("ready", flush=True)
        for text in sys.stdin:
            command = json.loads(text)
            item = self._session(command["address"], command["mode"], command["number"])
            saved = self._repository.save(item, self._run)
            print(json.dumps({"measurement": saved.measurement_id, "failure": item.failure}), flush=True)

    def _session(self, address: str, mode: str, number: int) -> VideoItem:
        settings = config.load({**self._settings, "PYTOMO_DOWNLOAD_MODE": mode}.get)
        host, expire = host_name(address), int(time.time()) + EXPIRES_IN_S
        formats = tuple(
            MediaFormat(
                stream.kind, str(stream.itag), sign_url(SECRET, host, PORT, "video", stream, self._client, expire),
                host, PORT, declared_size_bytes=stream.size_bytes,
            )
            for stream in self._clip.streams
        )  # fmt: skip
        item = VideoItem("lab", f"video{number:04}", f"https://lab/{number}", str(uuid4()))
        item.started_at = datetime.now(UTC)
        item.resolve = ResolveResult(formats, elapsed_s=0.1, address_family=4, duration_s=self._clip.duration_s)
        lookup = DnsLookup(host, "system", "127.0.0.1", "udp", "A", elapsed_s=0.01, addresses=(address,))
        item.dns = DnsResult((lookup,), {host: address}, "system", 0.01)
        item.ping = ping_media(item, (FamilyPath(None, item.resolve, item.dns),), settings.ping, settings.path)
        plan = WindowPlan(formats, {host: address}, spool_directory=str(self._folder), duration_s=self._clip.duration_s)
        print(json.dumps({"begins": True}), flush=True)
        window = round_trace(download_window(plan, settings.download))
        print(json.dumps({"ends": True}), flush=True)
        item.downloads = (window,)
        if window.failure is not None:
            item.fail(Stage.DOWNLOAD, window.failure, window.failure_detail)
        declared = DeclaredVideo(duration_s=self._clip.duration_s)
        add_playbacks(item, *analyse_window(window, declared, settings.playback))
        item.join_time_s = join_time_s(item)
        for stream in window.streams:
            if stream.spool_path:
                Path(stream.spool_path).unlink(missing_ok=True)
        return item


def main() -> None:
    role, *words = sys.argv[1:]
    if role == "serve":
        serve(Path(words[0]), json.loads(words[1]))
    elif role == "serve-traffic":
        serve_traffic(words[0])
    elif role == "probe":
        os.environ["no_proxy"] = "*"
        Probe(Path(words[0]), words[1], json.loads(words[2])).run()


if __name__ == "__main__":
    main()
