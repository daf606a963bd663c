"""The tables of docs/publish.md: the figures to publish, ETSI's words beside them, model errors and sample sizes."""

from __future__ import annotations

from docs.generators.markdown import table
from pytomo_scrapy.analysis.publication.model_errors import MODEL_ERRORS
from pytomo_scrapy.analysis.publication.reported import REPORTED
from pytomo_scrapy.analysis.publication.sample_size import rows_for_share
from pytomo_scrapy.analysis.publication.words import joined_titles

_SHARES = (0.01, 0.03, 0.05, 0.1, 0.2, 0.5)


def regions() -> dict[str, str]:
    """Return the tables by the names of their regions."""
    figures: dict[tuple[str, ...], list[str]] = {}
    words: dict[tuple[str, ...], list[str]] = {}
    for one in REPORTED:
        definition = f"{one.kind.help[0].upper()}{one.kind.help[1:]}."
        figures.setdefault((one.kind.unit, definition, one.left_out, one.model or ""), []).append(one.kind.title)
        near = (one.standard.words, one.standard.why) if one.standard else ("none", "")
        words.setdefault(near, []).append(one.kind.title)
    errors = [(f"`{one.player}`", one.figure, f"{one.error:.2f}", f"{one.noise:.2f}") for one in MODEL_ERRORS]
    sizes = [
        (
            f"{100 * share:.0f} %",
            *(_number(rows_for_share(share, points)) for points in (0.05, 0.1)),
            *(_number(rows_for_share(share, share * part)) for part in (0.05, 0.1)),
        )
        for share in _SHARES
    ]
    return {
        "figures to publish": table(("figure", "unit", "definition", "left out", "model error of"), _by_title(figures)),
        "words of ETSI": table(("figure", "near it in the report", "ours"), _by_title(words)),
        "errors of players": table(("player", "figure of a session", "mean error", "two runs of the browser"), errors),
        "sizes of samples": table(("share", "± 5 points", "± 10 points", "± 5 % of itself", "± 10 % of itself"), sizes),
    }


def _by_title(titles: dict[tuple[str, ...], list[str]]) -> list[tuple[str, ...]]:
    return [(joined_titles(of), *cells) for cells, of in titles.items()]


def _number(count: int) -> str:
    return f"{count:,}".replace(",", " ")
