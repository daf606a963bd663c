"""The examples under deploy/: every setting and argument in them is one that a crawl takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from pytomo_scrapy import config
from pytomo_scrapy.spiders.youtube import YoutubeSpider

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "pytomo.service"


def check_crawl(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Check what a crawl would check at its start."""
    assert words[:2] == ["crawl", "youtube"]
    given = dict(word.partition("=")[::2] for flag, word in zip(words[2::2], words[3::2], strict=True) if flag == "-a")
    assert len(given) == len(words[2:]) / 2
    ours = {name: value for name, value in environment.items() if name.startswith("PYTOMO_")}
    assert set(ours) <= set(config.BY_NAME)
    YoutubeSpider.check_arguments(given, config.load(ours.get))


def test_unit_starts_a_crawl_with_settings_that_it_takes() -> None:
    text = UNIT.read_text(encoding="utf-8")
    environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    check_crawl(shlex.split(command)[1:], environment)
    assert environment["SCRAPY_SETTINGS_MODULE"] == "pytomo_scrapy.settings"
    # An interrupted crawl ends with 130, which is how a stop ends; a setting that is wrong stays wrong.
    assert "SuccessExitStatus=130" in text and "RestartPreventExitStatus=2" in text


@pytest.mark.process
def test_unit_passes_systemds_own_check(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "pytomo.service"
    # Only the program is not where the example expects it.
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/pytomo/bin/scrapy", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_file_starts_a_crawl_with_settings_that_it_takes() -> None:
    services = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    crawler, database = services["crawler"], services["database"]
    plain = {name: re.sub(r"\$\{\w+(?::-([^}]*))?\}", r"\1", value) for name, value in crawler["environment"].items()}
    check_crawl(crawler["command"], plain)
    # The crawler is in the host's network, so the database has to be there too.
    assert crawler["network_mode"] == "host" and "127.0.0.1:5432:5432" in database["ports"]
    assert crawler["stop_signal"] == "SIGINT"
