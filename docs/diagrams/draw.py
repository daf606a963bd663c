"""Draw the pictures of the documents, from the tables in the code that they show.

    python docs/diagrams/draw.py            writes docs/images/{flow,gate,tables,window}.svg
    python docs/diagrams/draw.py --check    writes nothing

With --check it names the pictures that are out of date, and ends with 1 if there is any.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import draw_flow
import draw_gate
import draw_tables
import draw_window

IMAGES = Path(__file__).resolve().parents[1] / "images"
PICTURES = {
    "flow": draw_flow.draw,
    "gate": draw_gate.draw,
    "tables": draw_tables.draw,
    "window": draw_window.draw,
}


def main(words: list[str] | None = None) -> int:
    """Write or compare every picture. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Draws the pictures of the documents.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if a picture is out of date")
    parser.add_argument("--directory", type=Path, default=IMAGES, help="where the pictures are")
    arguments = parser.parse_args(words)
    stale = []
    for name, draw in PICTURES.items():
        path, drawn = arguments.directory / f"{name}.svg", draw()
        if arguments.check:
            if not path.is_file() or path.read_text(encoding="utf-8") != drawn:
                stale.append(path.name)
        else:
            path.write_text(drawn, encoding="utf-8", newline="\n")
    if stale:
        print(f"Out of date: {', '.join(stale)}. Run: python docs/diagrams/draw.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
