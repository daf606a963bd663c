"""The unit for systemd: as little exposed as a measurement can be, and no method of ping lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "pytomo.service"
MOST_EXPOSED = 2.0


def directives() -> dict[str, list[str]]:
    """Return each directive of the service with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.process
def test_unit_is_hardly_exposed() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(UNIT)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges running services only")
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stdout + done.stderr
    assert float(level[1]) < MOST_EXPOSED


def test_unit_leaves_what_pings_and_the_line_need() -> None:
    found = directives()
    # Raw echoes: the capability, in the machine's own user namespace.
    assert found["AmbientCapabilities"] == found["CapabilityBoundingSet"] == ["CAP_NET_RAW"]
    assert "PrivateUsers" not in found and "PrivateNetwork" not in found
    # Echoes and TCP over both families, the abstract socket of the line's lock, the interfaces' addresses.
    assert set(found["RestrictAddressFamilies"][0].split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}
    # /proc/stat and /proc/net are read.
    assert "ProcSubset" not in found


def test_unit_lets_the_measuring_processes_confine_themselves() -> None:
    allowed = directives()["SystemCallFilter"][0].split()
    assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(allowed)
    assert directives()["SystemCallErrorNumber"] == ["EPERM"], "what is denied fails, and kills nobody"


def test_unit_writes_its_own_folder_alone_and_for_itself_alone() -> None:
    found = directives()
    assert found["ProtectSystem"] == ["strict"] and found["ReadWritePaths"] == ["/var/lib/pytomo"]
    assert found["UMask"] == ["0077"] and found["StateDirectoryMode"] == ["0700"]
    assert found["User"] == ["pytomo"] and found["NoNewPrivileges"] == ["yes"]


def test_unit_is_readable_by_everybody_and_holds_no_secret() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert directives()["EnvironmentFile"] == ["-/etc/pytomo/secrets"]
    assert not re.search(r"^Environment=.*(KEY|TOKEN|PASSWORD|://[^/\s]+@)", text, re.MULTILINE)
    parser = ConfigParser(strict=False, interpolation=None)
    parser.read_string(text)
    assert set(parser.sections()) == {"Unit", "Service", "Install"}
