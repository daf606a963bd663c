"""A responder with set delays and losses behind a TUN device, and a ping of it, in a network namespace of its own.

Reads one JSON object from stdin: `hosts` (address -> {delay_s, lost, tcp_lost: indexes of probes never answered}),
`config` (PingConfig), `port`, and `user_id` to give root up before pinging. Prints `pings`, `elapsed_s`, `failure`, and
`held_s` (address -> how long the responder really held each echo, by the same clock). Exits with 77 where
namespaces or TUN devices are not permitted.
"""

from __future__ import annotations

import ctypes
import dataclasses
import fcntl
import heapq
import json
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# Before root is given up: its home, where Python may be, is closed to others.
from pytomo_scrapy.config import PingConfig
from pytomo_scrapy.measure.ping.round_trips import ping_addresses

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000  # Source: linux/sched.h


def enter_namespace() -> None:
    """Leave the network of this machine. Raises OSError where that is not permitted."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def open_tun() -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"lab0", IFF_TUN | IFF_NO_PI))
    for command in (
        "ip link set lo up",
        "ip addr add 192.0.2.254/24 dev lab0",
        "ip -6 addr add 2001:db8::fffe/64 dev lab0 nodad",
        "ip link set lab0 up",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    return device


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reply_to(packet: bytes) -> tuple[str, bytes] | None:
    """Return who is asked and the answer: an echo reply, or a reset for a TCP SYN."""
    if packet[0] >> 4 == 4:
        head, source, target, body, protocol = packet[:20], packet[12:16], packet[16:20], packet[20:], packet[9]
        name = ".".join(map(str, target))
    else:
        head, source, target, body, protocol = packet[:40], packet[8:24], packet[24:40], packet[40:], packet[6]
        name = "2001:db8::" + format(int.from_bytes(target[8:], "big"), "x")
    if protocol in (1, 58) and body[0] in (8, 128):
        body = bytes([0 if protocol == 1 else 129, 0, 0, 0]) + body[4:]
        covered = body if protocol == 1 else target + source + struct.pack("!II", len(body), 58) + body
        body = body[:2] + struct.pack("!H", checksum(covered)) + body[4:]
    elif protocol == 6 and body[13] & 0x02:
        sequence = int.from_bytes(body[4:8], "big")
        body = body[2:4] + body[:2] + struct.pack("!IIBBHHH", 0, (sequence + 1) & 0xFFFFFFFF, 0x50, 0x14, 0, 0, 0)
        pseudo = target + source + struct.pack("!BBH", 0, 6, 20)
        body = body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]
    else:
        return None
    if len(head) == 20:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + target + source
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    else:
        head = head[:4] + struct.pack("!HBB", len(body), protocol, 64) + target + source
    return name, head + body


class Responder:
    def __init__(self, device: int, hosts: dict[str, dict[str, Any]]) -> None:
        self.device, self.hosts = device, hosts
        self.count: dict[str, int] = {}
        self.held_s: dict[str, list[float]] = {}
        self.waiting: list[tuple[float, float, str, bytes]] = []

    def run(self, stop: int) -> None:
        """Answer until the other end of `stop` is closed, by its owner or by its death."""
        while True:
            rest_s = self.waiting[0][0] - time.monotonic() if self.waiting else 0.2
            ready = select.select([self.device, stop], [], [], max(0.0, min(0.2, rest_s)))[0]
            if stop in ready:
                return
            if ready:
                self.take(os.read(self.device, 4096), time.monotonic())
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, taken_s, name, packet = heapq.heappop(self.waiting)
                if packet[9 if packet[0] >> 4 == 4 else 6] != 6:
                    self.held_s.setdefault(name, []).append(time.monotonic() - taken_s)
                os.write(self.device, packet)

    def take(self, packet: bytes, now_s: float) -> None:
        answer = reply_to(packet)
        if answer is None or answer[0] not in self.hosts:
            return
        name, reply = answer
        lost = "tcp_lost" if packet[9 if packet[0] >> 4 == 4 else 6] == 6 else "lost"
        index = self.count.get(name + lost, 0)
        self.count[name + lost] = index + 1
        if index not in self.hosts[name].get(lost, ()):
            heapq.heappush(self.waiting, (now_s + self.hosts[name]["delay_s"], now_s, name, reply))


def ping(job: dict[str, Any]) -> dict[str, Any]:
    if job.get("user_id"):
        "preload".encode("idna")  # for the same reason
        os.setgid(job["user_id"])
        os.setuid(job["user_id"])
    result = ping_addresses(list(job["hosts"]), PingConfig(**job["config"]), port=job.get("port", 443))
    pings = [dataclasses.asdict(ping) for ping in result.pings]
    return {"pings": pings, "elapsed_s": result.elapsed_s, "failure": result.failure}


def main() -> None:
    job = json.load(sys.stdin)
    try:
        enter_namespace()
        device = open_tun()
        Path("/proc/sys/net/ipv4/ping_group_range").write_text(job.get("ping_group_range", "1 0"))
    except OSError:
        sys.exit(77)
    truth_in, truth_out = os.pipe()
    stop_in, stop_out = os.pipe()
    child = os.fork()
    if child == 0:
        # A process of its own: the pinger's interpreter must not hold the replies back.
        os.close(stop_out)
        responder = Responder(device, job["hosts"])
        responder.run(stop_in)
        os.write(truth_out, json.dumps(responder.held_s).encode())
        os._exit(0)
    os.close(device)
    os.close(truth_out)
    answer = ping(job)
    os.close(stop_out)
    with os.fdopen(truth_in) as pipe:
        answer["held_s"] = json.load(pipe)
    os.waitpid(child, 0)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
