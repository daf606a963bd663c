"""Compare two folders of recorded outputs; what may differ between two recordings of the same code is left out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

_SHOWN_LINES = 3
_SHOWN_LETTERS = 160
_LEAD_LETTERS = 40

# What differs between two recordings of the same code: (output, what is replaced there, by what).
_ABOUT_NAMES = r"(exported_at|software_version|schema_version)"
NORMALISATIONS: tuple[tuple[str, str, str], ...] = (
    # An export tells when and by which release it was made, and the number of the schema's revision, whatever it holds.
    (r"export/.*/export\.json", rf'^(  "{_ABOUT_NAMES}": ).*', r"\1VOLATILE"),
    (r"export/.*/README\.md", rf"^(- {_ABOUT_NAMES}: ).*", r"\1VOLATILE"),
    (r"export/.*\.sql", rf"^(INSERT INTO \"export_info\" VALUES\('{_ABOUT_NAMES}',).*", r"\1VOLATILE"),
    # The schema is compared itself; which number its revision has is nothing that a user works with.
    (r"db_revision\.txt", r"\b\d{4}\b|\b[0-9a-f]{12}\b", "REVISION"),
    # The rate of the last hour before now, and what follows from it.
    (r"status.*", r'("(?:rate_per_h|left_s)": )[^,}]*', r"\1VOLATILE"),
    (r"status.*", r"^  (?:nothing measured within the last hour|\d+ videos an hour, .*)$", "  RATE"),
    # The report as a PDF says when it was written, and its numbers of bytes follow from that.
    (r"report-pdf\.txt", r"(written |/CreationDate \(D:)[^U)]*", r"\1VOLATILE"),
    (r"report-pdf\.txt", r"(/Length )\d+", r"\1VOLATILE"),
    # The file's size depends on how its pages were filled, and it was copied when it was recorded.
    (r"web/databases\.txt", r'("(?:changed_at|size_bytes)": )[^,]*', r"\1VOLATILE"),
    (r"web/databases\.txt", r"<td[^>]*>[\d., ]+ [kMG]?B</td>|\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?", "VOLATILE"),
    # Addresses of styles and scripts carry a hash of all these files, which are compared themselves.
    (r"web/.*", r"(/static/[\w.]+\?)[0-9a-f]{10}", r"\1VOLATILE"),
    # The release that answers.
    (r"web/metrics\.txt", r'(pytomo_info\{version=")[^"]*', r"\1VOLATILE"),
)


def normalise(name: str, text: str) -> str:
    """Return the text of one output without what may differ."""
    for pattern, volatile, replacement in NORMALISATIONS:
        if re.fullmatch(pattern, name):
            text = re.sub(volatile, replacement, text, flags=re.MULTILINE)
    return text


def readable_pdf(content: bytes) -> str:
    """Return a PDF's objects as text, what is packed in them unpacked, without the table of where they stand."""
    objects = content.partition(b"\nxref\n")[0]
    unpacked = re.sub(
        rb"(?<=stream\n)(.*?)(?=\nendstream)", lambda found: _unpacked(found[1]), objects, flags=re.DOTALL
    )
    return unpacked.decode("latin-1")


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return packed


def differing_lines(old: str, new: str) -> Iterator[tuple[int, str | None, str | None]]:
    """Give the number of each line that differs, with both lines; None where one side has ended."""
    lines = zip_longest(old.splitlines(), new.splitlines())
    return ((number, one, other) for number, (one, other) in enumerate(lines, 1) if one != other)


def compare(old: Path, new: Path) -> Iterator[tuple[str, list[str]]]:
    """Give every output's name with what differs, a text a line; none where it is the same."""
    names = {str(path.relative_to(side)) for side in (old, new) for path in side.rglob("*") if path.is_file()}
    for name in sorted(names):
        missing = [f"only in {here}" for here, there in ((old, new), (new, old)) if not (there / name).is_file()]
        yield name, missing or _differences(name, _read(old / name), _read(new / name))


def _read(path: Path) -> str:
    # Line ends as they are: an export's are a promise.
    return path.read_bytes().decode("utf-8")


def _differences(name: str, old: str, new: str) -> list[str]:
    old, new = normalise(name, old), normalise(name, new)
    if old == new:
        return []
    shown: list[str] = []
    count = 0
    for number, one, other in differing_lines(old, new):
        count += 1
        if count <= _SHOWN_LINES:
            start = _first_difference(one or "", other or "")
            shown += [f"line {number}", f"  - {_part(one, start)}", f"  + {_part(other, start)}"]
    if not count:
        return ["only line ends differ"]
    return [*shown, f"{count} lines differ"] if count > _SHOWN_LINES else shown


def _first_difference(one: str, other: str) -> int:
    return next((place for place, (left, right) in enumerate(zip_longest(one, other)) if left != right), 0)


def _part(line: str | None, start: int) -> str:
    """Return what can be shown of a line: from shortly before `start`."""
    if line is None:
        return "(no such line)"
    first = max(start - _LEAD_LETTERS, 0)
    return ("..." if first else "") + line[first : first + _SHOWN_LETTERS]


def print_comparison(old: Path, new: Path, *, is_common: bool = False) -> bool:
    """Print a line for each output, and where it differs. Return whether all are the same.

    `is_common` leaves out what only one side has, as where the other one recorded some parts only.
    """
    different = total = 0
    for name, differences in compare(old, new):
        if is_common and not ((old / name).is_file() and (new / name).is_file()):
            continue
        total += 1
        different += bool(differences)
        print(f"{'different' if differences else 'same':<10}{name}")
        for line in differences:
            print(f"    {line}")
    print(f"{total - different} outputs are the same, {different} differ.")
    if not total:
        print("Nothing was recorded there.")
    return bool(total) and not different
