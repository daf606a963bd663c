"""Draw simulated beside real: each recorded adaptive session with its browser's runs and what the simulation says.

    python docs/diagrams/draw_accuracy.py FOLDER     plays the recorded sessions of FOLDER, and writes both files
    python docs/diagrams/draw_accuracy.py            draws docs/images/accuracy.svg from docs/diagrams/accuracy.json

FOLDER holds sessions.json, downloads.json and ladder.json (docs/playback.md says what a recording is).
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from svg import Picture

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "accuracy.json"
IMAGE = HERE.parent / "images" / "accuracy.svg"
WIDTH, ROW, TOP = 900, 17, 92
# name, title, unit, from, to, whether logarithmic, left edge
PANELS = (
    ("startup_s", "Startup delay", "s", 0.4, 12.0, True, 190),
    ("stalled_s", "Time stalled", "s", 0.0, 16.0, False, 430),
    ("mean_kbps", "Mean bitrate played", "kbit/s", 80.0, 5000.0, True, 670),
)
PANEL_WIDTH = 210


def figures_of(folder: Path) -> list[dict[str, Any]]:
    """Play every recorded session, and return the three figures of the simulation and of each of the browser's runs."""
    from pytomo_scrapy.commands.simulate import simulate_file

    sessions = json.loads((folder / "sessions.json").read_text())
    downloads = json.loads((folder / "downloads.json").read_text())
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for session in sessions:
            bulk = downloads[session["link_name"]]["bulk"][0]
            kinds = dict(zip(("video", "audio"), bulk["files"], strict=True))
            path = Path(scratch) / "session.json"
            arrivals = {kind: bulk["arrivals"][name] for kind, name in kinds.items()}
            whole = {"window_s": session["window_s"], "ladder": str(folder / "ladder.json"), "files": kinds}
            path.write_text(json.dumps(whole | {"arrivals": arrivals}))
            result = simulate_file(path, session["player"], {})
            runs = [
                {
                    "startup_s": run["startup_s"],
                    "stalled_s": round(sum(length for _, length in run["stalls"] if length >= 0.1), 2),
                    "mean_kbps": round(run["mean_bitrate_bps"] / 1000),
                }
                for run in session["runs"]
            ]
            simulated = {
                "startup_s": round(result.startup_delay_s or session["window_s"], 2),
                "stalled_s": round(result.stalled_s or 0.0, 2),
                "mean_kbps": round((result.mean_bitrate_bps or 0.0) / 1000),
            }
            found.append({"session": session["id"], "simulated": simulated, "runs": runs})
    return sorted(found, key=lambda row: (row["session"].partition("/")[0], row["simulated"]["mean_kbps"]))


def draw(rows: list[dict[str, Any]]) -> str:
    """Return the picture."""
    picture = Picture(
        WIDTH,
        "Simulated beside real, session by session",
        "Three panels, a row for each recorded session: circles are runs of a real browser, dots the simulation.",
    )
    picture.text(24, 30, "Simulated beside real, session by session", size=17)
    picture.circle(30, 50, 4.5, stroke="blue")
    picture.text(42, 54, "a run of Chromium with dash.js or Shaka, on a link of known rate", size=12)
    picture.circle(560, 50, 3.5, fill="orange")
    picture.text(572, 54, "the simulation, from a plain download on that link", size=12)
    for name, title, unit, low, high, is_log, left in PANELS:
        picture.text(left, TOP - 14, f"{title}, {unit}", size=12, colour="soft")
        for tick in _ticks(name):
            x = left + PANEL_WIDTH * _share(tick, low, high, is_log)
            picture.path([(x, TOP - 6), (x, TOP + ROW * len(rows))], "line", width=1)
            picture.text(x - 6, TOP + ROW * len(rows) + 14, f"{tick:g}", size=10, colour="soft")
    for index, row in enumerate(rows):
        y = TOP + ROW * index + 8
        picture.text(24, y + 4, row["session"].replace("/", "  "), size=11)
        for name, _, _, low, high, is_log, left in PANELS:
            for run in row["runs"]:
                picture.circle(left + PANEL_WIDTH * _share(run[name], low, high, is_log), y, 4.5, stroke="blue")
            x = left + PANEL_WIDTH * _share(row["simulated"][name], low, high, is_log)
            picture.circle(x, y, 3.5, fill="orange")
    return picture.drawn(TOP + ROW * len(rows) + 34)


def _ticks(name: str) -> tuple[float, ...]:
    return {"startup_s": (0.5, 1, 2, 5, 10), "stalled_s": (0, 5, 10, 15), "mean_kbps": (100, 300, 1000, 3000)}[name]


def _share(value: float, low: float, high: float, is_log: bool) -> float:
    value = min(max(value, low), high)
    if is_log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def main(words: list[str]) -> None:
    """Write the figures where a folder is named, and the picture."""
    if words:
        FIGURES.write_text(json.dumps(figures_of(Path(words[0])), indent=0) + "\n", encoding="utf-8")
    IMAGE.write_text(draw(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
