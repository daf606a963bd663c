"""A line in user space between namespaces: home, access line, paths to hosts, with rate, queue, delay and loss.

    python -m benchmarks.causes.line_path [--silent-far-end] PROBE_NS HOST_NS=ADDRESS ...      (as root; Linux)

Each namespace has a TUN device whose packets end here. The gateway (hop 1) and the access line's far end (hop 2) answer
as routers do: the gateway to echoes, both to packets whose time to live is over. Lines of JSON on the standard input
change a stage: {"stage": "access", "down": {"rate_bps": 1e6, "queue_s": 0.2, "delay_s": 0.01, "loss": 0.0}}. No module
of the kernel for shaping is needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import ipaddress
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

GATEWAY, FAR_END, PROBE = "10.77.0.1", "10.77.1.1", "10.77.0.2"
MTU = 1500
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_ICMP, _ECHO, _EXCEEDED = 1, 8, 11


@dataclass(slots=True)
class Stage:
    """One direction of a part of the way."""

    rate_bps: float = 50e6
    queue_s: float = 0.1
    delay_s: float = 0.001
    loss: float = 0.0
    free_s: float = 0.0  # when the last packet has left

    def passed_s(self, size_bytes: int, now_s: float, draw: random.Random) -> float | None:
        """Return when a packet comes out at the other end. None: it is lost, or the queue is full."""
        if self.loss and draw.random() < self.loss:
            return None
        start_s = max(now_s, self.free_s)
        if start_s - now_s > self.queue_s:
            return None
        self.free_s = start_s + 8 * size_bytes / self.rate_bps
        return self.free_s + self.delay_s


@dataclass(slots=True)
class Line:
    """The stages by their names, and the devices by the address behind them."""

    devices: dict[bytes, int]
    probe: int
    stages: dict[str, dict[str, Stage]] = field(default_factory=dict)
    due: list[tuple[float, int, bytes, tuple[str, ...], str]] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    count: int = 0
    silent: tuple[str, ...] = ()  # routers that answer nothing

    def stage(self, name: str, direction: str) -> Stage:
        """Return a stage, made when it is first asked for."""
        return self.stages.setdefault(name, {"down": Stage(), "up": Stage()})[direction]

    def send(self, packet: bytes, way: tuple[str, ...], direction: str, now_s: float) -> None:
        """Let a packet enter the first stage of its way."""
        out_s = self.stage(way[0], direction).passed_s(len(packet), now_s, self.draw)
        if out_s is not None:
            self.count += 1
            heapq.heappush(self.due, (out_s, self.count, packet, way, direction))

    def run_due(self, now_s: float) -> None:
        """Move on every packet whose time has come."""
        while self.due and self.due[0][0] <= now_s:
            at_s, _, packet, way, direction = heapq.heappop(self.due)
            if direction == "up":
                self._up(packet, way, at_s)
            elif len(way) > 1:
                self.send(packet, way[1:], direction, at_s)
            else:
                _write(self.probe, packet)

    def _up(self, packet: bytes, way: tuple[str, ...], at_s: float) -> None:
        """Take a packet behind a stage on its way up: home leads to the gateway, access to its far end."""
        stage, target = way[0], packet[16:20]
        if stage == "home" and target == _packed(GATEWAY):
            if packet[9] == _ICMP and packet[20] == _ECHO:
                self.send(echo_reply(packet), ("home",), "down", at_s)
            return
        if stage in ("home", "access"):
            if packet[8] <= 1:
                here = GATEWAY if stage == "home" else FAR_END
                if here in self.silent:
                    return
                back = ("home",) if stage == "home" else ("access", "home")
                self.send(time_exceeded(packet, here), back, "down", at_s)
                return
            packet = packet[:8] + bytes((packet[8] - 1,)) + packet[9:]
            packet = packet[:10] + b"\0\0" + packet[12:]
            packet = packet[:10] + checksum(packet[:20]) + packet[12:]
        if len(way) > 1:
            self.send(packet, way[1:], "up", at_s)
        elif target in self.devices:
            _write(self.devices[target], packet)


def _write(device: int, packet: bytes) -> None:
    with contextlib.suppress(OSError):  # the namespace is going
        os.write(device, packet)


def _packed(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


def checksum(head: bytes) -> bytes:
    """Return the Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(head) // 2}H", head[: len(head) // 2 * 2])) + (
        head[-1] << 8 if len(head) % 2 else 0
    )
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)


def echo_reply(packet: bytes) -> bytes:
    """Return the answer to an echo: addresses exchanged, type 0."""
    body = b"\0\0\0\0" + packet[24:]
    body = b"\0\0" + checksum(body) + body[4:]
    return packet[:12] + packet[16:20] + packet[12:16] + body


def time_exceeded(packet: bytes, here: str) -> bytes:
    """Return what a router says of a packet whose time to live is over (RFC 792)."""
    quoted = packet[:28]
    body = bytes((_EXCEEDED, 0, 0, 0)) + b"\0\0\0\0" + quoted
    body = body[:2] + checksum(body) + body[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, _ICMP, 0, _packed(here), packet[12:16])
    return head[:10] + checksum(head) + head[12:] + body


def open_device(namespace: str, address: str, route: str) -> int:
    """Make a TUN device in a namespace, with its address and default route, and return its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"line0", _IFF_TUN | _IFF_NO_PI))
    finally:
        libc.setns(home, _CLONE_NEWNET)
        os.close(there)
        os.close(home)
    for words in (
        "link set lo up", f"link set line0 mtu {MTU} up", f"addr add {address} dev line0", f"route add default {route}",
    ):  # fmt: skip
        subprocess.run(["ip", "-n", namespace, *words.split()], check=True)
    return device


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--silent-far-end"]
    silent = (FAR_END,) if len(words) < len(sys.argv) - 1 else ()
    probe_namespace, *hosts = words
    probe = open_device(probe_namespace, f"{PROBE}/24", f"via {GATEWAY} dev line0")
    devices, names = {}, {}
    for entry in hosts:
        namespace, _, addresses = entry.partition("=")
        first, *others = addresses.split(",")
        device = open_device(namespace, f"{first}/32", "dev line0")
        for address in others:
            subprocess.run(["ip", "-n", namespace, "addr", "add", f"{address}/32", "dev", "line0"], check=True)
        for address in (first, *others):
            devices[_packed(address)] = device
            names[_packed(address)] = namespace.rpartition("-")[2]
    line, chosen = Line(devices, probe, silent=silent), selectors.DefaultSelector()
    for device in {probe, *devices.values()}:
        chosen.register(device, selectors.EVENT_READ)
    chosen.register(0, selectors.EVENT_READ)
    print("ready", flush=True)
    serve(line, chosen, names)


def serve(line: Line, chosen: selectors.DefaultSelector, names: dict[bytes, str]) -> None:
    """Pass packets on until the standard input ends."""
    rest = b""
    while True:
        now_s = time.monotonic()
        line.run_due(now_s)
        wait_s = max(0.0, min(0.05, line.due[0][0] - now_s)) if line.due else 0.05
        for key, _ in chosen.select(wait_s):
            if key.fd == 0:
                got = os.read(0, 65536)
                if not got:
                    return
                *texts, rest = (rest + got).split(b"\n")
                for text in texts:
                    change(line, json.loads(text))
                continue
            take(line, key.fd, names)


def take(line: Line, device: int, names: dict[bytes, str]) -> None:
    """Read what a device has, a few packets at a time."""
    for _ in range(32):
        try:
            packet = os.read(device, 2048)
        except (BlockingIOError, OSError):
            return
        if len(packet) < 28 or packet[0] >> 4 != 4:
            continue
        now_s = time.monotonic()
        if device == line.probe:
            line.send(packet, ("home", "access", names.get(packet[16:20], "nowhere")), "up", now_s)
        else:
            line.send(packet, (names.get(packet[12:16], "nowhere"), "access", "home"), "down", now_s)


def change(line: Line, wanted: dict[str, object]) -> None:
    """Change a stage's numbers."""
    for direction in ("down", "up"):
        for name, value in dict(wanted.get(direction) or {}).items():  # type: ignore[call-overload]
            setattr(line.stage(str(wanted["stage"]), direction), name, value)


if __name__ == "__main__":
    main()
