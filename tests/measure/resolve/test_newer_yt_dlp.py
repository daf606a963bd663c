"""A newer yt-dlp beside the program: PYTOMO_YT_DLP, without installing or building anything again."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yt_dlp

from pytomo_scrapy.storage.measurements.repository import software_versions
from tests.cli.test_main import here as here
from tests.cli.test_main import pytomo
from tests.e2e.conftest import query
from tests.running import new_files
from tests.running.commands import Finished
from tests.running.labs import shared_lab

NEWER = "2099.01.31"
VIDEO = "https://www.youtube.com/watch?v=CGNIzzGfeuY"


def make_newer(folder: Path) -> Path:
    """Make a folder with the installed yt-dlp, but for its version."""
    copy, installed = folder / "yt_dlp", Path(yt_dlp.__file__).parent
    copy.mkdir(parents=True)
    for part in installed.iterdir():
        if part.name not in {"version.py", "__pycache__"}:
            (copy / part.name).symlink_to(part)
    # Compiled they are already, but for the version.
    (copy / "__pycache__").mkdir()
    for part in (installed / "__pycache__").glob("*.pyc"):
        if not part.name.startswith("version."):
            (copy / "__pycache__" / part.name).symlink_to(part)
    (copy / "version.py").write_text((installed / "version.py").read_text() + f"\n__version__ = {NEWER!r}\n")
    return folder


@pytest.mark.process
def test_newer_yt_dlp_resolves_and_its_version_is_stored(tmp_path: Path) -> None:
    newer = make_newer(tmp_path / "newer")
    (tmp_path / "databases").mkdir()
    new_files.place(tmp_path / "databases" / "pytomo.db")
    done = pytomo(
        *("measure", "--json", VIDEO, "-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5"),
        cwd=tmp_path,
        timeout_s=600,
        **shared_lab().environment({"PYTOMO_YT_DLP": str(newer)}),
    )
    assert done.exit_code == 0, done.errors[-3000:]
    assert json.loads(done.output)["failure"] is None
    stored = query(tmp_path / "databases" / "pytomo.db", "SELECT resolve_software_version FROM measurement")
    assert stored == [(f"yt-dlp {NEWER}",)]
    assert query(tmp_path / "databases" / "pytomo.db", "SELECT yt_dlp_version FROM run") == [(NEWER,)]


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no yt-dlp have been imported yet, as where a command starts."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "yt_dlp"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("unloaded")
def test_newer_yt_dlp_in_a_wheel_comes_before_the_installed_one(
    here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = Path(f"yt_dlp-{NEWER}-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("yt_dlp/__init__.py", "")
        packed.writestr("yt_dlp/version.py", f"__version__ = {NEWER!r}\n")
    assert software_versions()["yt_dlp_version"] == yt_dlp.version.__version__ != NEWER
    monkeypatch.setenv("PYTOMO_YT_DLP", wheel.name)
    assert here("--version").exit_code == 0
    assert software_versions()["yt_dlp_version"] == NEWER


def test_place_without_yt_dlp_is_refused_in_a_sentence(
    here: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("no-such", "."):
        monkeypatch.setenv("PYTOMO_YT_DLP", folder)
        assert here("report") == Finished(
            2,
            "",
            f"PYTOMO_YT_DLP={folder!r} is not usable: it must be a folder, wheel or zip that holds yt_dlp.\n",
            0.0,
        )
