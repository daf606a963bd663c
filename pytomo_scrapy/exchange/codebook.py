"""The README of an export: every column with its unit and meaning, as in docs/data-format.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytomo_scrapy.analysis.publication.publication import Publication
from pytomo_scrapy.analysis.publication.words import sections_of
from pytomo_scrapy.analysis.refusals import RefusalAccount
from pytomo_scrapy.analysis.selection import CONDITION
from pytomo_scrapy.exchange.column_words import column_words, data_format
from pytomo_scrapy.exchange.datasets import Dataset
from pytomo_scrapy.items.in_words import counted, number


class _Counted(Protocol):
    @property
    def file_name(self) -> str: ...
    @property
    def row_count(self) -> int: ...


_ENCODING = {
    "csv": "CSV (RFC 4180, UTF-8, one header line): NULL is an empty field, and so is an empty text; flags are true "
    "and false; instants are ISO 8601 in UTC; JSON columns are JSON text; blobs are base64.",
    "jsonl": "JSON lines (UTF-8): an object a line with every column; NULL is null; instants are ISO 8601 text in UTC; "
    "JSON columns are nested; blobs are base64.",
    "parquet": "Parquet (Zstandard): instants are timestamps in UTC to the microsecond; JSON columns are JSON text. "
    "The facts above are in the file's metadata too, and unit and meaning of each column in the column's.",
    "sqlite": "SQLite: instants are ISO 8601 text in UTC, flags 0 and 1, JSON columns JSON text. Except with --legacy, "
    "the table export_info holds the facts above too, and export_columns unit and meaning of each column.",
}


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What an export says beside its rows: which of them figures count, what was refused, and what is to be published.

    `publication` is None where nothing says anything about a line.
    """

    counted: Mapping[str, Any] = field(default_factory=dict)
    refused: RefusalAccount | None = None
    publication: Publication | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON values."""
        refused = {"refusals": self.refused.to_dict()} if self.refused is not None else {}
        published = {"publication": self.publication.to_dict()} if self.publication is not None else {}
        return {"selection": dict(self.counted), **refused, **published}


NO_FACTS = ExportFacts()
# What became of texts in CSV that a spreadsheet would run as formulas
QUOTED, KEPT = "quoted", "kept"
_FORMULAS = {
    QUOTED: " A text that a spreadsheet would run as a formula (it begins with =, +, -, @ or a control character) has "
    "a ' before it, which is not part of the text; `--keep-formulas` leaves it out.",
    KEPT: " Texts are as they came: do not open them in a spreadsheet, which would run some of them as formulas.",
}


def readme(
    tables: Sequence[Dataset],
    written: Sequence[_Counted],
    about: Mapping[str, str],
    facts: ExportFacts = NO_FACTS,
) -> str:
    """Return the text."""
    lines = ["# Measurements exported by pytomo-scrapy", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", _ENCODING[about["format"]] + _FORMULAS.get(about.get("formulas", ""), ""), ""]
    lines += [
        "NULL means not measured; 0 means measured zero. Units are in the names: `_s` seconds, `_bytes`, `_bps` bits"
    ]
    lines += ["per second, `_ratio` 0 to 1. Names of failures: docs/failures.md of pytomo-scrapy.", ""]
    lines += _counted_in(facts.counted) if facts.counted else []
    lines += _refusals(facts.refused) if facts.refused is not None else []
    # Its columns are of another program: what they mean here needs more than a line each.
    if about["shape"] == "legacy":
        lines += [_section(data_format(), "The view `pytomo_crawl`"), ""]
    for dataset, file in zip(tables, written, strict=True):
        lines += [f"## {dataset.name}", "", f"{counted(file.row_count, 'row')} in `{file.file_name}`.", ""]
        # In the export itself: who gets the files two years later has neither this program nor its documents.
        lines += ["| column | kind | unit | meaning | NULL when | from |", "|---|---|---|---|---|---|"]
        for column in dataset.columns:
            unit, meaning, null = column_words(column.source)
            lines.append(f"| {column.name} | {column.kind} | {unit} | {meaning} | {null} | {column.source} |")
        lines.append("")
    lines += _published(facts.publication) if facts.publication is not None else []
    return "\n".join(lines)


def _published(found: Publication) -> list[str]:
    """Return what is to be published: the block that ends the report and its PDF too."""
    lines = []
    for section in sections_of(found):
        lines += [f"## {section.title}", "", *(f"{sentence}\n" for sentence in section.sentences)]
        if section.rows:
            lines += [_table_row(section.columns), "|" + "---|" * len(section.columns)]
            lines += [*map(_table_row, section.rows), ""]
    return lines


def _table_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _counted_in(selection: Mapping[str, Any]) -> list[str]:
    """Return which of the rows the figures of page and report count."""
    lines = ["## Which rows figures count", ""]
    condition, rows = selection.get("filters", {}).get(CONDITION), counted(selection["n"], "row")
    if condition is None:
        lines += [f"Page and report count {rows} of this period: `is_valid` is 1, and the run"]
    else:
        lines += [f"Only measurements are here for which {condition} holds.", ""]
        lines += [f"Figures count {rows} of them: `is_valid` is 1, and the run"]
    lines += ["is none of `left_out_runs` of export.json.", *selection["notes"], selection["censoring"], ""]
    return lines


def _refusals(account: RefusalAccount) -> list[str]:
    """Return the account of refusals: which measurements are missing from every figure that is made of these rows."""
    lines = ["## Refused by the service", "", *account.sentences]
    lines += ["All measurements of the period are counted here, also those that a condition left out.", ""]
    if not account.every.refused_count:
        return lines
    lines += ["| by | group | asked | refused | share | 95 % from | to |", "|---|---|---|---|---|---|---|"]
    for name, value, one in account.parts():
        shares = " | ".join("" if share is None else f"{share:.4f}" for share in (one.share, one.low, one.high))
        lines.append(f"| {name} | {value} | {number(one.asked_count, 0)} | {number(one.refused_count, 0)} | {shares} |")
    return [*lines, ""]


def _section(document: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    return found.group(0).rstrip() if found else ""
