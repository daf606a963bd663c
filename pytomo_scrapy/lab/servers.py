"""The lab's servers together: their start options, their addresses, and the process that holds them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from multiprocessing.connection import Connection
from pathlib import Path

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.library import prepare_clips
from pytomo_scrapy.lab.guests import Guests
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.model import LOOPBACK_V6, GuestRules, RateRule, World
from pytomo_scrapy.lab.name_servers import LabResolvers
from pytomo_scrapy.lab.proxy import InterceptingProxy
from pytomo_scrapy.lab.service.answers import SERVICE_HOSTS, Service
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.lab.world import build_world, with_rates, world_names

logger = logging.getLogger(__name__)


class LabError(Exception):
    """Raised if the lab cannot start; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class LabOptions:
    """Which world to serve, and what to change in it."""

    world: str = "default"
    seed: int = 0
    clip_ratio: float | None = None  # every media host at this multiple of the clip's rate
    rates_bps: Mapping[str, float] = field(default_factory=dict)  # by host name, or by its first label
    # What to change of how the world treats guests; None: as the world does.
    gated_share: float | None = None
    gate_bytes: int | None = None
    gate_media_s: float | None = None
    bot_check_share: float | None = None

    def guest_rules(self, rules: GuestRules) -> GuestRules:
        """Return `rules` with what these options change."""
        names = ("gated_share", "gate_bytes", "gate_media_s", "bot_check_share")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(rules, **given)


@dataclass(frozen=True, slots=True)
class LabEndpoints:
    """Where a running lab listens."""

    proxy_url: str
    resolvers: Mapping[str, str]  # name -> address:port, in the order to ask
    ca_bundle: str
    media_port: int
    proxy_url_v6: str | None = None  # where the machine has IPv6
    pid: int = field(default_factory=os.getpid)  # of the servers: whose end ends the lab

    def environment(self) -> dict[str, str]:
        """Return the variables that point any client to the lab."""
        # Media go direct, as on a real line: the proxy never sees a window.
        proxies = {
            "HTTPS_PROXY": self.proxy_url,
            "HTTP_PROXY": self.proxy_url,
            "NO_PROXY": ".googlevideo.com,googlevideo.com",
        }
        variables = {**proxies, **{name.lower(): value for name, value in proxies.items()}}
        variables["SSL_CERT_FILE"] = self.ca_bundle
        variables["OFFLINE_LAB_PID"] = str(self.pid)  # a crawl ends with its lab (crawl/lab_life.py)
        variables["PYTOMO_ALLOW_PRIVATE_ADDRESSES"] = "1"  # the media hosts are on loopback
        variables["PYTOMO_DNS_RESOLVERS"] = ",".join(f"{name}={where}" for name, where in self.resolvers.items())
        if self.proxy_url_v6 is not None:
            # A proxy at an IPv4 address cannot see clients' IPv6 addresses, which media URLs are signed for.
            variables["PYTOMO_HTTP_PROXY_IPV6"] = self.proxy_url_v6
        return variables


def make_world(options: LabOptions) -> World:
    """Build the world that `options` ask for. Raises LabError for an unknown world or host."""
    try:
        world = build_world(options.world, options.seed)
    except KeyError:
        near = " or ".join(get_close_matches(options.world, world_names(), n=2))
        meant = f": did you mean {near}?" if near else "; `pytomo lab list` shows them."
        raise LabError(f"There is no lab world {options.world!r}{meant}") from None
    world = replace(world, guests=options.guest_rules(world.guests))
    everywhere = RateRule(clip_ratio=options.clip_ratio) if options.clip_ratio is not None else None
    rates = {name: RateRule(steps=((0.0, rate_bps),)) for name, rate_bps in options.rates_bps.items()}
    try:
        return with_rates(world, rates, everywhere)
    except KeyError as error:
        raise LabError(f"World {world.name!r} has no media host {error}; `pytomo lab list` shows them.") from None


@contextlib.asynccontextmanager
async def running_servers(world: World, directory: Path) -> AsyncIterator[LabEndpoints]:
    """Run every server of the lab until the block ends. `directory` receives the CA."""
    clips = prepare_clips({name for video in world.videos.values() for name in video.clips})
    authority = Authority.create(directory)
    secret = secrets.token_bytes(16)
    guests = Guests(world.guests, world.seed)
    media = MediaServer(world, clips, authority, secret, guests=guests)
    resolvers = LabResolvers(world, extra=dict.fromkeys(SERVICE_HOSTS, "127.0.0.1"))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(media.close)
        await media.start()
        stack.push_async_callback(resolvers.close)
        addresses = await resolvers.start()
        service = Service(world, PlayerApi(world, clips, secret, media.port, guests=guests))
        proxy, proxy_v6 = (
            InterceptingProxy(service.answer, authority.server_context, address)
            for address in ("127.0.0.1", LOOPBACK_V6)
        )
        stack.push_async_callback(proxy.close)
        await proxy.start()
        stack.push_async_callback(proxy_v6.close)
        # A machine without IPv6 goes without.
        with contextlib.suppress(OSError):
            await proxy_v6.start()
        yield LabEndpoints(
            proxy_url=f"http://127.0.0.1:{proxy.port}",
            resolvers={name: f"{address}:{port}" for name, (address, port) in addresses.items()},
            ca_bundle=str(authority.bundle_path),
            media_port=media.port,
            proxy_url_v6=f"http://[{LOOPBACK_V6}]:{proxy_v6.port}" if proxy_v6.port else None,
        )


def serve_lab(options: LabOptions, connection: Connection, directory: str) -> None:
    """Serve until the other end of `connection` closes, also by the death of its process. Runs in a process of its own.

    Sends LabEndpoints once all servers listen, or one sentence that says why they cannot.
    """
    # A session of its own: Ctrl-C must reach the crawl, and must not end the lab that the crawl is measuring.
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="lab: %(message)s")
    try:
        asyncio.run(_serve_until_closed(make_world(options), connection, Path(directory)))
    except OSError as error:
        logger.debug("The lab could not start", exc_info=True)
        with contextlib.suppress(OSError):
            connection.send(f"The lab's servers could not start: {error}.")
    finally:
        # The parent removes it too; after a kill -9 of the parent this is the only removal.
        shutil.rmtree(directory, ignore_errors=True)


async def _serve_until_closed(world: World, connection: Connection, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with running_servers(world, directory) as endpoints:
        with contextlib.suppress(BrokenPipeError):
            connection.send(endpoints)
        loop.add_reader(connection.fileno(), ended.set)
        await ended.wait()
        loop.remove_reader(connection.fileno())
