"""Write the reference tables of the documents from the code: `python -m docs.generate`, or `--check` to only compare.

Everything between `<!-- generated: NAME -->` and `<!-- end: NAME -->` in README.md and docs/ is written here and not by
hand. What goes there comes from `docs/generators/`: each module has a function `regions()` that returns the Markdown of
its regions by name.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from docs.generators import data_format_tables, failure_tables, figure_tables, player_tables, settings_tables

ROOT = Path(__file__).resolve().parents[1]
GENERATORS = (data_format_tables, failure_tables, figure_tables, player_tables, settings_tables)
_REGION = re.compile(r"<!-- generated: (?P<name>[^>]+?) -->\n.*?<!-- end: (?P<end>[^>]+?) -->", re.DOTALL)


def documents() -> list[Path]:
    """Return every document that may have generated regions."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def all_regions() -> dict[str, str]:
    """Return the Markdown of every region by its name."""
    return {name: text for module in GENERATORS for name, text in module.regions().items()}


def rewritten(text: str, regions: dict[str, str]) -> str:
    """Return a document with its regions as they should be. Raises ValueError at a region that nothing generates."""

    def replacement(found: re.Match[str]) -> str:
        name = found["name"]
        if name != found["end"]:
            raise ValueError(f"the generated region {name!r} ends as {found['end']!r}")
        if name not in regions:
            raise ValueError(f"nothing generates the region {name!r}")
        return f"<!-- generated: {name} -->\n\n{regions[name].strip()}\n\n<!-- end: {name} -->"

    return _REGION.sub(replacement, text)


def region_names(text: str) -> list[str]:
    """Return the names of the regions of a document, in its order."""
    return [found["name"] for found in _REGION.finditer(text)]


def problems(texts: dict[str, str], regions: dict[str, str]) -> list[str]:
    """Return one sentence for each document that is not fresh and each region that is in no document or in two."""
    found = [f"{name} is not fresh: run `make documents`" for name, text in texts.items()
             if rewritten(text, regions) != text]  # fmt: skip
    shown = [name for text in texts.values() for name in region_names(text)]
    found += [f"no document shows the generated region {name!r}" for name in sorted(set(regions) - set(shown))]
    return found + [f"the region {name!r} is shown twice" for name in sorted({n for n in shown if shown.count(n) > 1})]


def main() -> int:
    """Write the documents, or with `--check` say what is not fresh: exit code 1 then."""
    parser = argparse.ArgumentParser(description="Write the generated regions of README.md and docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a region is not fresh")
    arguments = parser.parse_args()
    regions = all_regions()
    if not arguments.check:
        for path in documents():
            text = path.read_text(encoding="utf-8")
            if (fresh := rewritten(text, regions)) != text:
                path.write_text(fresh, encoding="utf-8")
                print(f"wrote {path.relative_to(ROOT)}")
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in documents()}
    wrong = problems(texts, regions)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
