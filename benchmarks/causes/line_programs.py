"""The programs on an emulated line: media hosts, a host for other traffic, the probe's own windows, other traffic."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.causes.injections import GOOD_A, GOOD_B, PEAKS, REFERENCE
from benchmarks.causes.other_traffic import CHUNK, TRAFFIC_PORT
from pytomo_scrapy import config
from pytomo_scrapy.config import ControlConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, MediaFormat, ResolveResult, VideoItem
from pytomo_scrapy.items.precision import round_trace
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.guests import Guests
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url
from pytomo_scrapy.lab.model import GuestRules, LabVideo, MediaHost, RateRule, World
from pytomo_scrapy.measure.comparing.control_windows import control_targets, is_bad, measure_control
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

CLIP, PEAKS_CLIP = "separate_90", "separate_vbr_40"
VIDEOS = {"video": CLIP, "peaks": PEAKS_CLIP}
PORT, SECRET = 8443, b"of the benchmark"


def host_name(address: str) -> str:
    """Return the name of the media host at an address."""
    return f"rr{address.rpartition('.')[2]}---sn-line{address.split('.')[2]}.googlevideo.com"


def serve(folder: Path, hosts: list[dict[str, Any]]) -> None:
    """Serve the clips at every address: {"address", "steps", "period_s", "first_byte_delay_s", "gate_media_s"}."""

    async def forever() -> None:
        authority, clips = Authority(folder), {clip: load_clip(clip) for clip in (CLIP, PEAKS_CLIP)}
        for gate_media_s in {host.get("gate_media_s") for host in hosts}:
            known = {
                host_name(host["address"]): _media_host(host)
                for host in hosts
                if host.get("gate_media_s") == gate_media_s
            }
            first = next(iter(known))
            videos = {name: LabVideo(name, "", clip, first) for name, clip in VIDEOS.items()}
            guests = None if gate_media_s is None else DistrustedGuests(GuestRules(gate_media_s=gate_media_s))
            world = World("line", "", videos, known)
            await MediaServer(world, clips, authority, SECRET, PORT, guests=guests).start()
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(forever())


class DistrustedGuests(Guests):
    """Guests whom the service lets no further than to its gate, all of them."""

    def allowance_bytes(self, mark: str, stream: ClipStream) -> int | None:
        """Return up to which byte of its file a media URL may reach."""
        return int(stream.size_bytes * (self.rules.gate_media_s or 0.0) / stream.duration_s)


def _media_host(host: dict[str, Any]) -> MediaHost:
    name, steps = host_name(host["address"]), host.get("steps")
    rate = RateRule(steps=tuple(map(tuple, steps)), period_s=host.get("period_s")) if steps else RateRule()
    return MediaHost(name, host["address"], rate, first_byte_delay_s=host.get("first_byte_delay_s", 0.0))


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
        self._clips = {name: load_clip(clip) for name, clip in VIDEOS.items()}
        self._database = open_database(f"sqlite:///{folder / 'line.db'}")
        self._repository = Repository(self._database)
        vantage = VantageFacts(folder.name)
        self._run = self._repository.begin_run(spider="benchmark", arguments={}, settings={}, vantage=vantage)

    def run(self) -> None:
        """Read commands until there are none: {"address", "mode", "number", "window_s"}."""
        print("ready", flush=True)
        for text in sys.stdin:
            command = json.loads(text)
            item = self._session(**command)
            saved = self._repository.save(item, self._run)
            print(json.dumps({"measurement": saved.measurement_id, "failure": item.failure}), flush=True)

    def _session(self, address: str, mode: str, number: int, window_s: float) -> VideoItem:
        own = {"PYTOMO_DOWNLOAD_MODE": mode, "PYTOMO_DOWNLOAD_WINDOW_S": window_s}
        settings = config.load({**self._settings, **own}.get)
        name = "peaks" if address == PEAKS else "video"
        host, clip = host_name(address), self._clips[name]
        formats = tuple(
            MediaFormat(
                stream.kind, str(stream.itag), self._url(address, name, stream),
                host, PORT, declared_size_bytes=stream.size_bytes,
            )
            for stream in clip.streams
        )  # fmt: skip
        item = VideoItem("lab", f"video{number:04}", f"https://lab/{number}", str(uuid4()))
        item.started_at = datetime.now(UTC)
        item.resolve = ResolveResult(formats, elapsed_s=0.1, address_family=4, duration_s=clip.duration_s)
        lookup = DnsLookup(host, "system", "127.0.0.1", "udp", "A", elapsed_s=0.01, addresses=(address,))
        item.dns = DnsResult((lookup,), {host: address}, "system", 0.01)
        item.ping = ping_media(item, (FamilyPath(None, item.resolve, item.dns),), settings.ping, settings.path)
        plan = WindowPlan(formats, {host: address}, spool_directory=str(self._folder), duration_s=clip.duration_s)
        print(json.dumps({"begins": True}), flush=True)
        began_s = time.monotonic()
        window = round_trace(download_window(plan, settings.download))
        print(json.dumps({"ends": True}), flush=True)
        item.downloads = (window,)
        if window.failure is not None:
            item.fail(Stage.DOWNLOAD, window.failure, window.failure_detail)
        declared = DeclaredVideo(duration_s=clip.duration_s)
        add_playbacks(item, *analyse_window(window, declared, settings.playback))
        if settings.control.mode == "on" and is_bad(item):
            self._control(item, settings.control, began_s)
        item.join_time_s = join_time_s(item)
        for stream in window.streams:
            if stream.spool_path:
                Path(stream.spool_path).unlink(missing_ok=True)
        return item

    def _url(self, address: str, name: str, stream: ClipStream) -> str:
        """Return the address of a stream's media, which names the other cache as the second one."""
        expire, second = int(time.time()) + EXPIRES_IN_S, GOOD_A if address == GOOD_B else GOOD_B
        host = host_name(address)
        return sign_url(SECRET, host, PORT, name, stream, self._client, expire, fallback_host=host_name(second))

    def _control(self, item: VideoItem, settings: ControlConfig, began_s: float) -> None:
        """Fetch from the second cache and the reference, as the product does behind a bad window."""
        stream = self._clips["video"].streams[0]
        reference = replace(settings, reference_url=self._url(REFERENCE, "video", stream))
        known = {host_name(address): address for address in (GOOD_A, GOOD_B, REFERENCE)}
        for target in control_targets(item, reference):
            address = known[str(urlsplit(target.url).hostname)]
            control = measure_control(target, address, None, time.monotonic() - began_s, settings)
            item.controls = (*item.controls, control)


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
