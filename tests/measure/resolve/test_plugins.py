"""yt-dlp's plugins: code in folders that nobody recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

RESOLVE = """
from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.measure.resolve.client import extract
extract("https://host.invalid/", ResolveConfig(timeout_s=0.1), "", 5.0)
"""


def test_plugin_in_the_users_folder_is_not_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "yt-dlp" / "plugins" / "mine" / "yt_dlp_plugins" / "extractor"
    folder.mkdir(parents=True)
    mark = tmp_path / "loaded"
    (folder / "mine.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "no_proxy": "*"}
    subprocess.run([sys.executable, "-c", RESOLVE], env=environment, check=True, timeout=60)
    assert not mark.exists()
