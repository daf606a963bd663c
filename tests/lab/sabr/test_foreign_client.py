"""A client that others wrote plays from the lab's SABR server: the npm package googlevideo, unmodified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.sabr.segment_list import read_segments
from tests.conftest import missing
from tests.measure.sabr.sabr_windows import SabrLab, running_sabr_lab

pytestmark = [pytest.mark.lab, pytest.mark.process]

PACKAGE = "googlevideo@^4.1.1"
HERE = Path(__file__).parent
INSTALL_MAX_S, PLAY_MAX_S = 120, 120
# The registry is reached as it was before a lab stood in the way.
OWN_ENVIRONMENT = dict(os.environ)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SabrLab]:
    with running_sabr_lab(str(tmp_path_factory.mktemp("spool"))) as running:
        yield running


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script beside the package that it needs, which is fetched once through npm."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        missing("no npm, or no node")
    assert npm is not None
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pytomo_scrapy" / "foreign_client"
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    # What npm writes last.
    if not (base / "node_modules" / ".package-lock.json").exists():
        base.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(
                [*install, "--prefix", str(base), PACKAGE], env=OWN_ENVIRONMENT,
                capture_output=True, text=True, timeout=INSTALL_MAX_S, check=True,
            )  # fmt: skip
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            missing(f"npm could not install {PACKAGE}: {str(error.stderr)[-300:]}")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "node_modules").symlink_to(base / "node_modules")
    return Path(shutil.copy(HERE / "foreign_client.mjs", folder))


def whole_segments(stream: ClipStream) -> bytes:
    """Return a file's bytes up to its last segment's end: header, index and every segment."""
    content = stream.path.read_bytes()
    index = read_segments(stream, memoryview(content))
    assert index is not None
    return content[: index.segments[-1].end]


@pytest.mark.parametrize("words", ["whole segments", "unknown parts", "redirects to another host"])
def test_foreign_client_gets_the_clips_own_bytes(lab: SabrLab, script: Path, tmp_path: Path, words: str) -> None:
    source = lab.resolve(words).sabr
    assert source is not None
    task = {
        "url": source.url,
        "config": source.ustreamer_config,
        "ca": os.environ["SSL_CERT_FILE"],
        "addresses": {name: host.address for name, host in lab.world.hosts.items()},
        "clientName": source.client.number,
        "clientVersion": source.client.version,
        "formats": [
            {
                "itag": media.itag,
                "lastModified": str(media.last_modified),
                "mimeType": media.mime_type,
                "height": media.height_px,
                "bitrate": media.bitrate_bps,
                "approxDurationMs": 40_000,
            }
            for media in source.formats
        ],
        "videoItag": 134,
        "audioItag": 140,
        "video": str(tmp_path / "video"),
        "audio": str(tmp_path / "audio"),
    }
    (tmp_path / "task.json").write_text(json.dumps(task))
    played = subprocess.run(
        [shutil.which("node") or "node", script.name, str(tmp_path / "task.json")],
        cwd=script.parent, capture_output=True, text=True, timeout=PLAY_MAX_S, check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stderr[-2000:]
    assert json.loads(played.stdout.splitlines()[-1])["requestCount"] >= 3
    clip = load_clip("separate_40")
    for kind, stream in zip(("video", "audio"), clip.streams, strict=True):
        assert stream.kind == kind
        assert (tmp_path / kind).read_bytes() == whole_segments(stream)
