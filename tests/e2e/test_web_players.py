"""The lab's lists of segments in the players that sites use: hls.js and dash.js play them in headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.lab.servers import LabOptions, make_world
from tests.conftest import missing
from tests.dashboard.visiting import CHROMIUM, FLAGS
from tests.running.labs import shared_lab

PACKAGES = {"hls.js": "dist/hls.min.js", "dashjs": "dist/modern/umd/dash.all.min.js"}
VERSIONS = {"hls.js": "1", "dashjs": "5"}
# From amid the first segment, which is 4 s, into the second.
FROM_S, PLAYED_S = 3.0, 4.6
_HLS = """address => {
    const player = new Hls({enableWorker: false});
    player.on(Hls.Events.ERROR, (_, error) => window.failed.push(error.details));
    player.loadSource(address); player.attachMedia(window.video);
}"""
_DASH = """address => {
    const player = dashjs.MediaPlayer().create();
    player.on("error", error => window.failed.push(String(error.error && error.error.message)));
    player.initialize(window.video, address, true);
}"""


@pytest.fixture(scope="module")
def scripts() -> dict[str, Path]:
    """Return the players' scripts, fetched once through npm."""
    npm = shutil.which("npm")
    if npm is None:
        missing("no npm (apt-get install npm)")
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pytomo_scrapy" / "web_players"
    found = {name: base / "node_modules" / name / script for name, script in PACKAGES.items()}
    if not all(path.is_file() for path in found.values()):
        base.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{VERSIONS[name]}" for name in PACKAGES]
        command = [
            npm,
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--prefix",
            str(base),
            *wanted,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            missing(f"npm could not fetch the players: {done.stderr[-300:]}")
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("playwright is not installed")
    if CHROMIUM is None:
        missing("no Chromium (apt-get install chromium)")
    lab, world = shared_lab("default"), make_world(LabOptions("default"))
    rules = ",".join(f"MAP {host.name} {host.address}" for host in world.hosts.values())
    flags = [
        *FLAGS,
        f"--host-resolver-rules={rules}",
        "--disable-web-security",
        "--autoplay-policy=no-user-gesture-required",
    ]
    proxy = {"server": lab.endpoints.proxy_url, "bypass": ".googlevideo.com"}
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=flags, proxy=proxy)
        yield opened.new_context(ignore_https_errors=True).new_page()
        opened.close()


@pytest.mark.parametrize(
    ("package", "words", "path"),
    [
        ("hls.js", "HLS: a transport stream (", "hls/{id}/master.m3u8"),
        ("hls.js", "HLS: a transport stream and packed", "hls/{id}/master.m3u8"),
        ("hls.js", "HLS: fragmented", "hls/{id}/master.m3u8"),
        ("dashjs", "DASH: ", "dash/{id}/manifest.mpd"),
    ],
)
def test_player_of_the_web_plays_what_the_lab_delivers_in_segments(
    page: Any, scripts: dict[str, Path], package: str, words: str, path: str
) -> None:
    known = make_world(LabOptions("default")).known
    video_id = next(key for key, what in known.items() if what.startswith(words))
    page.goto("https://www.youtube.com/robots.txt")  # of what played there before, nothing is left
    page.evaluate(
        "from => { window.failed = []; window.video = document.createElement('video'); video.muted = true;"
        " video.addEventListener('loadedmetadata', () => { video.currentTime = from; }, {once: true});"
        " document.body.append(video); video.play().catch(() => 0); }",
        FROM_S,
    )
    page.add_script_tag(path=str(scripts[package]))
    address = f"https://www.youtube.com/api/manifest/{path.format(id=video_id)}"
    page.evaluate(_HLS if package == "hls.js" else _DASH, address)
    page.evaluate("() => { video.autoplay = true; }")
    page.wait_for_function(f"() => failed.length || video.currentTime > {PLAYED_S}", timeout=60_000)
    assert page.evaluate("() => failed") == []
    assert page.evaluate("() => [video.videoWidth, video.videoHeight]") == [426, 240]
    assert page.evaluate("() => video.duration") == pytest.approx(40.0, abs=0.2)
    assert page.evaluate("() => video.webkitAudioDecodedByteCount") > 0
