"""yt-dlp's plugins: code in folders that nobody recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.running.commands import run_command

pytestmark = pytest.mark.process


def test_plugin_in_the_users_folder_is_not_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "yt-dlp" / "plugins" / "mine" / "yt_dlp_plugins" / "extractor"
    folder.mkdir(parents=True)
    mark = tmp_path / "loaded"
    (folder / "mine.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "no_proxy": "*"}
    done = run_command("tests.measure.resolve.one_extraction", environment=environment, timeout_s=60)
    assert done.exit_code == 0, done.errors
    assert not mark.exists()
