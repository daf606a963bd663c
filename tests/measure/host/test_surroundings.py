"""Facts of the interface and the system, from folders like the kernel's."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from pytomo_scrapy.measure.host.surroundings import disk_free_bytes, interface_kind, is_probe_limited, read_surroundings

WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   58.  -52.  -256        0      0      0      0      0        0
 wlan1: 0000   58.  100.  -256        0      0      0      0      0        0
"""


def make_interface(net: Path, name: str, hardware: int, *folders: str) -> None:
    for folder in ("", *folders):
        (net / name / folder).mkdir(parents=True, exist_ok=True)
    (net / name / "type").write_text(f"{hardware}\n")


@pytest.mark.parametrize(
    ("name", "hardware", "folders", "expected"),
    [
        ("eth0", 1, (), "ethernet"),
        ("wlan0", 1, ("wireless",), "wifi"),
        ("wlp3s0", 1, ("phy80211",), "wifi"),
        ("wg0", 65534, (), "tunnel"),
        ("tun0", 65534, (), "tunnel"),
        ("corp", 65534, (), "tunnel"),
        ("wwan0", 519, (), "cellular"),
        ("lo", 772, (), "loopback"),
        ("can0", 280, (), "other"),
    ],
)
def test_interface_has_its_kind(
    tmp_path: Path, name: str, hardware: int, folders: tuple[str, ...], expected: str
) -> None:
    make_interface(tmp_path, name, hardware, *folders)
    assert interface_kind(name, tmp_path) == expected


@pytest.mark.parametrize(("name", "expected"), [("wlan0", -52), ("wlan1", None), ("eth0", None)])
def test_wifi_signal_is_told_in_dbm_or_not_at_all(tmp_path: Path, name: str, expected: int | None) -> None:
    wireless = tmp_path / "wireless"
    wireless.write_text(WIRELESS)
    assert read_surroundings(name, net=tmp_path, wireless=wireless).wifi_signal_dbm == expected


def test_unknown_interface_leaves_only_what_the_system_tells() -> None:
    found = read_surroundings(None)
    assert found.kernel == f"{platform.system()} {platform.release()}"
    assert (found.interface_kind, found.is_vpn, found.mtu_bytes, found.link_rate_bps) == (None, None, None, None)


def test_loopback_of_this_machine_has_its_mtu() -> None:
    found = read_surroundings("lo")
    assert found.mtu_bytes and found.mtu_bytes >= 1500
    assert (found.interface_kind, found.is_vpn) == ("loopback", False)


@pytest.mark.parametrize(
    ("cpu_ratio", "own_cpu_s", "elapsed_s", "expected"),
    [
        (0.5, 1.0, 10.0, False),
        (0.95, 1.0, 10.0, True),
        (0.5, 9.5, 10.0, True),
        (None, 1.0, 10.0, None),
        (0.5, 1.0, 0.0, None),
    ],
)
def test_window_is_limited_by_the_probe_when_cpu_is_busy_throughout(
    cpu_ratio: float | None, own_cpu_s: float, elapsed_s: float, expected: bool | None
) -> None:
    assert is_probe_limited(cpu_ratio, own_cpu_s, elapsed_s) is expected


def test_free_space_is_that_of_the_disk_of_the_spool(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.write_bytes(b"")
    free = disk_free_bytes(str(spool))
    facts = os.statvfs(tmp_path)
    assert free == pytest.approx(facts.f_bavail * facts.f_frsize, rel=0.1)
    assert disk_free_bytes(None) is None and disk_free_bytes(str(tmp_path / "gone")) is None
