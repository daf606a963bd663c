"""A network that leads nowhere: run inside a network and mount namespace, it counts what a command sends out.

`counting_namespace.py RESOLV_CONF COMMAND ...` gives the namespace a default route, IPv4 and IPv6, into a TUN device
and a name server behind it, runs the command, and writes as its last line a JSON object: its exit code and its packets
as [destination, protocol, port] each. Exits with 77 where a TUN device is not permitted.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import select
import struct
import subprocess
import sys
import threading

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
ICMP_V6, _OF_THE_KERNEL = 58, frozenset({133, 135, 136, 143})  # solicitations and reports that any new device sends


def open_tun(resolv_conf: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"out0", IFF_TUN | IFF_NO_PI))
    for command in (
        "ip link set lo up",
        "ip addr add 198.51.100.2/24 dev out0",
        "ip -6 addr add 2001:db8:1::2/64 dev out0 nodad",
        "ip link set out0 up",
        "ip route add default via 198.51.100.1 dev out0",
        "ip -6 route add default via 2001:db8:1::1 dev out0",
        f"mount --bind {resolv_conf} /etc/resolv.conf",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    return device


def describe(packet: bytes) -> tuple[str, int, int] | None:
    """Return destination, protocol and port. None for what the kernel sends of itself."""
    if packet[0] >> 4 == 4:
        header, protocol, target = (packet[0] & 15) * 4, packet[9], packet[16:20]
    else:
        header, protocol, target = 40, packet[6], packet[24:40]
        is_option = protocol == 0  # the report of a multicast group goes behind a hop-by-hop option
        if is_option or (protocol == ICMP_V6 and packet[header] in _OF_THE_KERNEL):
            return None
    port = int.from_bytes(packet[header + 2 : header + 4], "big") if protocol in (6, 17) else 0
    return str(ipaddress.ip_address(target)), protocol, port


def main() -> None:
    try:
        device = open_tun(sys.argv[1])
    except OSError:
        sys.exit(77)
    packets: list[bytes] = []
    is_over = threading.Event()

    def count() -> None:
        while not is_over.is_set():
            if select.select([device], [], [], 0.2)[0]:
                packets.append(os.read(device, 65535))

    counting = threading.Thread(target=count)
    counting.start()
    exit_code = subprocess.run(sys.argv[2:], check=False, timeout=200).returncode
    is_over.set()
    counting.join()
    seen = [found for found in map(describe, packets) if found is not None]
    sys.stdout.write(json.dumps({"exit_code": exit_code, "packets": seen}) + "\n")


if __name__ == "__main__":
    main()
