"""Side measurements during a window's transfers: the queue, the connections, and the servers' clock.

Every instrument is read by the window's own loop (`tick`), and none may hold it up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import HostSamples, TcpConnection
from pytomo_scrapy.measure.host.host_sampler import HostSampler
from pytomo_scrapy.measure.host.interface import interface_of, local_address_towards
from pytomo_scrapy.measure.host.wall_clock import ClockBounds, ClockOffset
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.private_addresses import is_refused
from pytomo_scrapy.measure.ping.gateway import gateway_towards
from pytomo_scrapy.measure.window.gateway_probes import GatewayProbes
from pytomo_scrapy.measure.window.hop_probes import HopProbes
from pytomo_scrapy.measure.window.pauses import PauseWatch
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.probes import LoadedProbes, LoadedRoundTrips
from pytomo_scrapy.measure.window.request import HttpExchange
from pytomo_scrapy.measure.window.tcp_info import TcpSampler


@dataclass(frozen=True, slots=True)
class SideMeasurements:
    """The side measurements of a window. None, or empty, where a measurement was not possible."""

    tcp: tuple[TcpConnection, ...] = ()
    loaded: LoadedRoundTrips | None = None
    gateway: LoadedRoundTrips | None = None
    clock: ClockOffset | None = None
    access: LoadedRoundTrips | None = None
    host: HostSamples = field(default_factory=HostSamples)
    paused_s: float | None = None


class Instrument(Protocol):
    """Something that is read while a window is open."""

    def tick(self, now_s: float) -> None:
        """Do what is due at `now_s`, from t0, without waiting for anything."""


class SideInstruments:
    """The instruments of one window. Opened before it: to find the gateway takes time."""

    def __init__(self, plan: WindowPlan, config: DownloadConfig) -> None:
        self.tcp = TcpSampler(config.window_s)
        self._loaded = self._loaded_probes(plan, config)
        self._gateway = self._gateway_probes(plan, config)
        self._access = self._access_probes(plan, config)
        self.pauses = PauseWatch()
        self._host = HostSampler(self._interface(plan), lambda: self.pauses.paused_s)
        opened: tuple[Instrument | None, ...] = (self.tcp, self._loaded, self._gateway, self._access, self._host)
        self._instruments = [instrument for instrument in opened if instrument is not None]
        self._answers: list[tuple[float, float, datetime]] = []

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        for instrument in self._instruments:
            instrument.tick(now_s)

    def note_answer(self, request: HttpExchange) -> None:
        """Take what the head of an answer says of the server's clock."""
        if request.answered_s is not None and (date := request.head.date) is not None:
            self._answers.append((request.started_s, request.answered_s, date))

    def close(self, started_at: datetime, elapsed_s: float = 0.0) -> SideMeasurements:
        """Close every instrument and return the side measurements of a window that began at `started_at`."""
        clock = ClockBounds(started_at)
        for asked_s, answered_s, date in self._answers:
            clock.add(asked_s, answered_s, date)
        return SideMeasurements(
            self.tcp.close(),
            self._loaded.close() if self._loaded is not None else None,
            self._gateway.close() if self._gateway is not None else None,
            clock.result(),
            self._access.close() if self._access is not None else None,
            self._host.close(elapsed_s),
            self.pauses.paused_s,
        )

    def _loaded_probes(self, plan: WindowPlan, config: DownloadConfig) -> LoadedProbes | None:
        """Probe the first stream's address, where it is reached directly and the kernel times handshakes for us."""
        per_s, target = config.loaded_probes_per_s, next(iter(plan.targets), None)
        address = plan.chosen.get(target.host) if target else None
        if not (per_s and target and address and self.tcp.is_supported) or proxy_for(target.url, config.path):
            return None
        if is_refused(address, config.path):
            return None
        return LoadedProbes(address, target.port, per_s, config.path.source_address)

    def _gateway_probes(self, plan: WindowPlan, config: DownloadConfig) -> GatewayProbes | None:
        """Probe the gateway on the way to the address that the loaded probes go to."""
        if self._loaded is None:
            return None
        gateway = gateway_towards(plan.chosen[plan.targets[0].host])
        return GatewayProbes.open(gateway, config.loaded_probes_per_s, config.path.source_address)

    def _access_probes(self, plan: WindowPlan, config: DownloadConfig) -> HopProbes | None:
        """Probe the first hop behind the gateway, where there is one."""
        address = plan.chosen.get(plan.targets[0].host) if self._loaded is not None else None
        if address is None or gateway_towards(address) is None:
            return None
        return HopProbes.open(address, config.loaded_probes_per_s, config.path.source_address)

    @staticmethod
    def _interface(plan: WindowPlan) -> str | None:
        """Return the interface of the route to the first stream's address."""
        address = plan.chosen.get(plan.targets[0].host) if plan.targets else None
        return interface_of(local_address_towards(address))
