"""Arrivals for same_outputs.py, each as `scrapy simulate` takes it: of recorded sessions, or made up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def recorded_traces(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the downloads of recorded sessions, each as `scrapy simulate` takes it."""
    for path in sorted(folder.rglob("sessions.json")):
        for session in json.loads(path.read_text()):
            for number, download in enumerate(session.get("downloads", ())):
                streams = [
                    {"media": str((path.parent / "media" / name).resolve()), "arrivals": download[name]}
                    for name in session["files"]
                ]
                name = f"{path.parent.name}-{session['id']}-{number}.json".replace("/", "-")
                yield name, {"window_s": session["window_s"], "streams": streams}


def drawn_traces() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give made-up arrivals of the lab's clips: fast ones, those at the clip's own rate, and with a gap."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytomo_scrapy" / "lab"
    for clip in sorted(path for path in cache.glob("*_*-*") if path.is_dir()):
        media = sorted(path for path in clip.iterdir() if path.suffix in {".mp4", ".webm"})
        # Video first: its file is the larger one.
        media.sort(key=lambda path: -path.stat().st_size)
        for label, length_s, gap_s in (("fast", 4, 0), ("even", 40, 0), ("slow", 70, 0), ("gap", 20, 9)):
            streams = []
            for path in media:
                size_bytes, steps = path.stat().st_size, length_s * 5
                arrivals = [
                    [step / 5 + (gap_s if step > steps // 3 else 0), size_bytes * step // steps]
                    for step in range(1, steps + 1)
                ]
                streams.append({"media": str(path), "arrivals": arrivals})
            yield f"{clip.name}-{label}.json", {"window_s": 32, "streams": streams}
