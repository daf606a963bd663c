"""Write the reference tables of the documents from the code: `python -m docs.generate`, or `--check` to only compare.

Everything between `<!-- generated: NAME -->` and `<!-- end: NAME -->` in README.md and docs/ is written here and not by
hand. What goes there comes from `docs/generators/`: each module has a function `regions()` that returns the Markdown of
its regions by name. A new table or section is put behind the others of its kind, for a person to add words to.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from docs.generators import (
    data_format_tables,
    failure_tables,
    figure_tables,
    limit_tables,
    player_tables,
    publish_tables,
    settings_tables,
)

ROOT = Path(__file__).resolve().parents[1]
GENERATORS = (
    data_format_tables,
    failure_tables,
    figure_tables,
    limit_tables,
    player_tables,
    publish_tables,
    settings_tables,
)
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


def with_new_regions(text: str, regions: dict[str, str], shown: set[str]) -> str:
    """Return a document with the regions that none shows yet, each behind the last of its family under its own heading.

    A family is what begins with the same word: "columns of ping" goes where the columns of other tables are.
    """
    for name in (name for name in regions if name not in shown):
        family, _, rest = name.partition(" ")
        last = max(_REGION.finditer(text), key=lambda found: (_family(found) == family, found.end()), default=None)
        if last is None or _family(last) != family or not rest:
            continue
        level = re.findall(r"^#+ ", text[: last.start()], re.MULTILINE)[-1]
        # A table's heading is its name; others are words.
        heading = level + (rest.removeprefix("of ") if rest.startswith("of ") else rest[0].upper() + rest[1:])
        region = f"<!-- generated: {name} -->\n<!-- end: {name} -->"
        text = f"{text[: last.end()]}\n\n{heading}\n\n{region}{text[last.end() :]}"
    return text


def _family(region: re.Match[str]) -> str:
    return region["name"].partition(" ")[0]


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
        texts = {path: path.read_text(encoding="utf-8") for path in documents()}
        shown = {name for text in texts.values() for name in region_names(text)}
        for path, text in texts.items():
            if (fresh := rewritten(with_new_regions(text, regions, shown), regions)) != text:
                path.write_text(fresh, encoding="utf-8")
                print(f"wrote {path.relative_to(ROOT)}")
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in documents()}
    wrong = problems(texts, regions)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
