"""The host's state during a window: the interface of its route, and the system's TCP; None when unknown."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil

from pytomo_scrapy.items import Surroundings

NET = Path("/sys/class/net")
WIRELESS = Path("/proc/net/wireless")
CONGESTION_CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")
TUNNEL_NAMES = ("tun", "tap", "wg", "utun", "ppp", "ipsec", "zt", "tailscale")
CELLULAR_NAMES = ("wwan", "rmnet", "ccmni", "usb")
# Source: Linux include/uapi/linux/if_arp.h
ARPHRD_ETHER, ARPHRD_LOOPBACK, ARPHRD_NONE, ARPHRD_RAWIP = 1, 772, 65534, 519
# A process that is busy for this share of the window may itself have been the bottleneck, not the path.
LIMITED_RATIO = 0.9


def read_surroundings(interface: str | None, *, net: Path = NET, wireless: Path = WIRELESS) -> Surroundings:
    """Read what the system says of `interface`, and of itself. None for an interface that is not known."""
    kernel = f"{platform.system()} {platform.release()}"
    congestion_control = _text(CONGESTION_CONTROL)
    if interface is None:
        return Surroundings(kernel=kernel, congestion_control=congestion_control)
    kind = interface_kind(interface, net)
    stats = psutil.net_if_stats().get(interface)
    return Surroundings(
        interface_kind=kind,
        link_rate_bps=stats.speed * 1_000_000 if stats is not None and stats.speed else None,
        wifi_signal_dbm=_wifi_signal_dbm(interface, wireless),
        is_vpn=kind == "tunnel",
        mtu_bytes=stats.mtu if stats is not None else None,
        kernel=kernel,
        congestion_control=congestion_control,
    )


def interface_kind(interface: str, net: Path = NET) -> str:
    """Return the kind of an interface: by what the kernel says, else by its name."""
    folder = net / interface
    hardware = _text(folder / "type")
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi"
    if hardware == str(ARPHRD_LOOPBACK) or interface in {"lo", "lo0"}:
        return "loopback"
    if interface.startswith(TUNNEL_NAMES) or hardware == str(ARPHRD_NONE):
        return "tunnel"
    if interface.startswith(CELLULAR_NAMES) or hardware == str(ARPHRD_RAWIP):
        return "cellular"
    return "ethernet" if hardware == str(ARPHRD_ETHER) else "other"


def disk_free_bytes(path: str | None) -> int | None:
    """Return what this user may still write to the disk of a file. None where the file is not known, or is gone."""
    try:
        return None if path is None else psutil.disk_usage(path).free
    except OSError:
        return None


def is_probe_limited(cpu_ratio: float | None, own_cpu_s: float | None, elapsed_s: float | None) -> bool | None:
    """Tell whether this machine may have set the rate: all cores busy, or this process for nearly all of the window."""
    if cpu_ratio is None or own_cpu_s is None or not elapsed_s:
        return None
    return cpu_ratio >= LIMITED_RATIO or own_cpu_s / elapsed_s >= LIMITED_RATIO


def _wifi_signal_dbm(interface: str, wireless: Path) -> int | None:
    """Return the signal level of the driver. Source: iw(8) and Linux Documentation/networking: level in dBm."""
    for line in (_text(wireless) or "").splitlines():
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        if name == interface and len(words) >= 3:
            try:
                level = int(float(words[2]))
            except ValueError:
                return None
            # Old drivers count in their own units from 0 up: no dBm.
            return level if level < 0 else None
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
