"""What is to be published: the figures of the overview with their method, sample sizes, model errors and citation."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.estimates import KINDS, Estimate
from pytomo_scrapy.analysis.overview import overview
from pytomo_scrapy.analysis.publication.model_errors import MODEL_ERRORS, NOT_VALIDATED, model_error_of
from pytomo_scrapy.analysis.publication.publication import publication_of
from pytomo_scrapy.analysis.publication.reported import REPORTED
from pytomo_scrapy.analysis.publication.sample_size import rows_for, rows_for_share
from pytomo_scrapy.analysis.publication.words import AUTHOR, LICENSE, citation, joined_titles, sections_of
from pytomo_scrapy.analysis.report_selection import asked_for, report_selection
from pytomo_scrapy.storage.database import open_database

ROOT = Path(__file__).resolve().parents[2]
KIND = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize(
    ("name", "value", "low", "high", "row_count", "target", "rows"),
    [
        # A share of 10 % to 8 points on 100 rows: (8/5)^2 * 100 = 256, rounded up to two digits.
        ("with_stalls", 0.10, 0.04, 0.18, 100, 0.05, 260),
        ("with_stalls", 0.10, 0.04, 0.18, 100, 0.10, 64),
        # A median of 2 s to 0.4 s on 50 rows: 5 % of it is 0.1 s, and (0.4/0.1)^2 * 50 = 800.
        ("startup", 2.0, 1.7, 2.4, 50, 0.05, 800),
        ("startup", 2.0, 1.7, 2.4, 50, 0.10, 200),
        # A ratio of times is shown in per cent: points, as a share.
        ("stall_ratio", 0.02, 0.01, 0.04, 300, 0.05, 48),
        ("startup", None, None, None, 50, 0.05, None),
        ("startup", 0.0, 0.0, 0.1, 50, 0.05, None),
    ],
)
def test_rows_that_an_interval_takes_follow_from_the_one_that_is_there(
    name: str, value: float | None, low: float | None, high: float | None, row_count: int, target: float, rows: int
) -> None:
    assert rows_for(Estimate(KIND[name], value, low, high, row_count), target) == rows


def test_rows_for_a_share_of_independent_sessions() -> None:
    # 1.96^2 * 0.5 * 0.5 / 0.05^2 = 384.1
    assert (rows_for_share(0.5, 0.05), rows_for_share(0.5, 0.1), rows_for_share(0.05, 0.05)) == (385, 97, 73)


def test_model_errors_are_those_of_the_document() -> None:
    text = (ROOT / "docs" / "playback.md").read_text(encoding="utf-8")
    table = re.search(r"^## How near to a real browser\n.*?(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert table is not None
    found, player = set(), ""
    for row in re.findall(r"^\|(.+)\|$", table.group(0), re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")]
        player = cells[0] or player
        if player.endswith(", events") and cells[1] in {"startup s", "stalls", "stalled s"}:
            found.add((player.removesuffix(", events"), cells[1], float(cells[2]), float(cells[3])))
    assert found == {(one.player, one.figure, one.error, one.noise) for one in MODEL_ERRORS}


def test_model_error_of_a_player_that_nobody_compared_says_so() -> None:
    words = model_error_of("stalls", ["dashjs", "youtube"])
    assert words == f"dashjs: stalls 0.11 (browser's own 0.14); youtube: {NOT_VALIDATED}"
    assert model_error_of(None, ["dashjs"]) == ""


def test_every_figure_to_publish_is_of_the_overview_and_the_opinion_score_is_none() -> None:
    assert [one.kind for one in REPORTED] == [kind for kind in KINDS if kind.name != "mos"]
    assert joined_titles(["Plays 360p", "Plays 480p"]) == "Plays 360p, 480p"


def test_citation_file_says_what_the_block_says() -> None:
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {__version__}" in lines and f"license: {LICENSE}" in lines and f"  - name: {AUTHOR}" in lines
    assert __version__ in citation() and LICENSE in citation() and AUTHOR in citation()
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'license = "{LICENSE}"' in pyproject


@pytest.mark.slow
def test_publication_has_the_figures_of_the_overview_and_says_how_they_were_measured(filled: Path) -> None:
    database = open_database(f"sqlite:///{filled}")
    with database.read() as connection:
        chosen = report_selection(connection, asked_for(None, None))
        summed_up = overview(connection, chosen)
        found = publication_of(connection, chosen)
        nothing = publication_of(connection, replace(chosen, start_s=0, end_s=1))
    database.close()
    assert nothing is None and found is not None
    estimates = {one.kind.name: one for one in summed_up.estimates}
    assert all(one.estimate == estimates[one.reported.kind.name] for one in found.figures)
    assert (found.valid_count, found.refusals) == (summed_up.valid_count, summed_up.refusals)
    lines = {line.name: (line.provider, line.row_count) for line in found.method.lines}
    assert set(lines) == {"berlin", "lyon", "paris"} and sum(count for _, count in lines.values()) == found.valid_count
    assert found.method.versions["yt_dlp_version"] == ["2026.6.1", "2026.8.19"]
    assert sum(count for _, count in found.method.counts["service"]) == found.valid_count
    assert found.method.players == ["dashjs"]

    sections = {section.title: section for section in sections_of(replace(found, who="Example Institute"))}
    rows = {row[0]: row[1:] for row in sections["What to publish"].rows}
    assert rows["With stalls"][2] == f"{estimates['with_stalls'].row_count:,}".replace(",", "\u202f")
    method = dict(sections["How it was measured"].rows)
    assert method["who"] == "Example Institute" and "yt-dlp 2026.6.1, 2026.8.19" in method["versions"]
    paste = " ".join(sections["Text to paste"].sentences)
    every = found.refusals.every
    counts = (found.row_count, found.valid_count, every.refused_count, every.asked_count)
    rows_in_all, valid, refused, asked = (f"{count:,}".replace(",", "\u202f") for count in counts)
    assert f"{rows_in_all} measurements over {len(found.method.lines)} lines, {valid} of which" in paste
    assert "of 300 videos on 15 days" in paste and "it was not watched" in paste
    assert f"{refused} of {asked}" in paste
