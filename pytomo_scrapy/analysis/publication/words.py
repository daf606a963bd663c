"""A publication in words: the block at the end of report, PDF and export, and the rows of the method sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.publication.method import MeasuredLine, Method
from pytomo_scrapy.analysis.publication.model_errors import WHERE, players_words
from pytomo_scrapy.analysis.publication.publication import Publication, PublishedFigure
from pytomo_scrapy.analysis.publication.reported import ETSI
from pytomo_scrapy.analysis.publication.study_part import StudyPart, study_rows
from pytomo_scrapy.analysis.refusals import RefusedShare
from pytomo_scrapy.analysis.selection import CONDITION
from pytomo_scrapy.analysis.studies.account import look_words
from pytomo_scrapy.items.in_words import counted, number

AUTHOR = "The pytomo-scrapy project"
LICENSE = "GPL-3.0-or-later"  # of this program, not of what it measured
_NOT_STATED = "not stated"
_MOST_VALUES = 6  # of a column, by name
_MOST_LINES = 12
_CHOSEN = (
    "A condition chose the rows, and the figures are of these alone: where it asks how a session ended, they say "
    "nothing of the line. Refusals are those of the whole period."
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the block: sentences, and a table. No row: sentences alone."""

    title: str
    sentences: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def sections_of(found: Publication) -> list[Section]:
    """Return the whole block."""
    return [
        figures_section(found),
        definitions_section(found),
        Section("How it was measured", (), ("what", "how"), list(method_rows(found))),
        Section("Text to paste", paste_text(found)),
        Section("How to cite", [citation()]),
    ]


def figures_section(found: Publication) -> Section:
    """Return the figures, each with interval, sample, what a tighter interval takes, and the model's error."""
    rows = [
        (
            one.reported.kind.title,
            shown(one, one.estimate.value),
            interval(one) or "not enough data",
            number(one.estimate.row_count, 0),
            *(_needed(one, count) for count in one.needed),
        )
        for one in found.figures
        if one.estimate.row_count
    ]
    sentences = [
        found.statement,
        f"{counted(found.row_count, 'measurement')}, {number(found.valid_count, 0)} of which say something about the "
        f"line (n), of {counted(found.video_count, 'video')} on {counted(found.day_count, 'day')}. "
        f"{refused_words(found)}",
        "Intervals of 95 % are of what varies between days and videos. n for ±5 %: about how many rows of the same "
        "kind bring the interval to that on either side, in points of a share, in per cent of any other figure.",
    ]
    if any(one.estimate.is_of_these_days for one in found.figures):
        sentences.append("These days only: of fewer than three days, an interval is over videos alone.")
    if errors := players_words(found.method.players):
        sentences.append(f"Model error of a session, in the mean {WHERE} (docs/playback.md): {errors}.")
    if found.grade is not None:
        sentences.append(grade_words(found.grade))
    if CONDITION in found.selection["filters"]:
        sentences.append(_CHOSEN)
    columns = ("figure", "value", "95 % interval", "n", "n for ±5 %", "n for ±10 %")
    return Section("What to publish", [*sentences, *found.selection["notes"]], columns, rows)


def definitions_section(found: Publication) -> Section:
    """Return what each figure is, what it leaves out, and the words of ETSI's report near it."""
    titles: dict[tuple[str, str, str], list[str]] = {}
    for one in found.figures:
        kind, standard = one.reported.kind, one.reported.standard
        near = "no word for it" if standard is None else f"{standard.words}; {standard.why}"
        words = (f"{kind.help[0].upper()}{kind.help[1:]}.", one.reported.left_out, near)
        titles.setdefault(words, []).append(kind.title)
    rows = [(joined_titles(of), *words) for words, of in titles.items()]
    note = (
        f"The last column has the words of {ETSI} near ours; no conformance is claimed, and no definition is the same "
        "in every point (docs/publish.md says what we could read of it)."
    )
    return Section("Definitions", [note], ("figure", "definition", "left out", "in ETSI's report"), rows)


def joined_titles(titles: Sequence[str]) -> str:
    """Join the titles of figures; of those that differ in their last word alone, that one: Plays 360p, 480p."""
    first, *others = titles
    stem = f"{first.rpartition(' ')[0]} "
    return ", ".join([first, *(other.removeprefix(stem) for other in others)])


def method_rows(found: Publication) -> Iterator[tuple[str, str]]:
    """Give what a reader needs to know of the measurement, by its name."""
    method = found.method
    yield "who", found.who or _NOT_STATED
    yield "when", found.statement
    for line in method.lines[:_MOST_LINES]:
        yield "line", _line_words(line)
    if (more := len(method.lines) - _MOST_LINES) > 0:
        yield "line", f"and {more} more"
    windows = (f"{mode}, {seconds:g} s ({counted(count, 'row')})" for mode, seconds, count in method.windows)
    yield "window", "; ".join(windows) or "none"
    for name, title in _TITLES.items():
        if values := _shares(method, name):
            yield title, values
    yield "panel", _panel_words(found)
    yield from study_rows(found.studies)
    yield "versions", version_words(method)
    for note in found.selection["notes"] or ("all rows of the period were measured in one way",):
        yield "eras", note


_TITLES = {
    "service": "service",
    "client": "client",
    "player": "player (simulated)",
    "transport": "transport",
    "address_family": "address family",
    "resolver": "resolver",
    "height_px": "picture height fetched",
}
_VERSION_TITLES = {
    "software_version": "pytomo-scrapy",
    "schema_version": "schema",
    "yt_dlp_version": "yt-dlp",
    "scrapy_version": "Scrapy",
    "python_version": "Python",
    "platform": "system",
}


def version_words(method: Method) -> str:
    """Return the versions of everything that measured."""
    known = [(title, method.versions.get(name) or ()) for name, title in _VERSION_TITLES.items()]
    return "; ".join(f"{title} {', '.join(values)}" for title, values in known if values) or "not known"


def paste_text(found: Publication) -> list[str]:
    """Return paragraphs for a paper or a report, with period, sample, figures, refusals and versions."""
    method = found.method
    lines = counted(len(method.lines), "line")
    parts = [f"{one.reported.kind.title.lower()} {_with_interval(one)}" for one in found.figures]
    known = [part for part, one in zip(parts, found.figures, strict=True) if one.estimate.value is not None]
    return [
        f"We measured with pytomo-scrapy (versions: {version_words(method)}). Selection: {found.statement} "
        f"{counted(found.row_count, 'measurement')} over {lines}, {number(found.valid_count, 0)} of which say "
        f"something about the line, of {counted(found.video_count, 'video')} on {counted(found.day_count, 'day')}. "
        f"{refused_words(found)}",
        f"Playback is simulated from the arrival of the media in a window of {_windows(method)} (player "
        f"{', '.join(method.players) or 'none'}); it was not watched, and it is not the service's own player.",
        f"Figures with intervals of 95 %: {'; '.join(known)}.",
        found.selection["censoring"],
        *found.selection["notes"],
        *(_study_words(part) for part in found.studies),
    ]


def _study_words(part: StudyPart) -> str:
    newest, look = part.study.newest, part.study.outcome
    deviated = " ".join(part.account.deviations_said)
    found = f" Its look {look_words(look)}: {look.sentence}" if look is not None else ""
    return (
        f"The study {part.study.name} was planned before (version {newest.version} of its plan, SHA-256 "
        f"{newest.plan_hash}). Deviations: {deviated}{found}"
    )


def citation() -> str:
    """Return how the program is cited, as CITATION.cff says."""
    return (
        f"{AUTHOR}: pytomo-scrapy, version {__version__}. Software, {LICENSE}. CITATION.cff says the same to programs."
    )


def grade_words(grade: str) -> str:
    """Return the grade of the service's own public report in a sentence."""
    return (
        f"Grade as in the service's own public report: {grade} (HD: at least 90 % of the sessions that can tell play "
        "720p; SD: 360p)."
    )


def refused_words(found: Publication) -> str:
    """Return the share of refusals in a sentence."""
    every: RefusedShare = found.refusals.every
    if every.share is None or every.low is None or every.high is None:
        return "Nothing was asked of the service."
    refused, asked = (number(count, 0) for count in (every.refused_count, every.asked_count))
    shares = [number(100 * one, 1) for one in (every.share, every.low, every.high)]
    interval_words = f"95 %: {shares[1]} to {shares[2]} %"
    return f"The service refused {refused} of {asked} that it was asked for: {shares[0]} % ({interval_words})."


def shown(one: PublishedFigure, value: float | None) -> str:
    """Return a value of the figure as a person reads it, with its unit."""
    kind = one.reported.kind
    if value is None:
        return "unknown"
    return f"{kind.written(value)} {kind.unit}".rstrip()


def interval(one: PublishedFigure) -> str:
    """Return the interval. Empty where there is none."""
    estimate, kind = one.estimate, one.reported.kind
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (kind.written(bound) for bound in (estimate.low, estimate.high))
    return f"{low} to {high}{' (these days only)' if estimate.is_of_these_days else ''}"


def _with_interval(one: PublishedFigure) -> str:
    bounds = interval(one)
    n = f"n {number(one.estimate.row_count, 0)}"
    return f"{shown(one, one.estimate.value)} ({f'{bounds}; ' if bounds else 'no interval; '}{n})"


def _needed(one: PublishedFigure, count: int | None) -> str:
    if count is None:
        return "-"
    return "reached" if count <= one.estimate.row_count else number(count, 0)


def _line_words(line: MeasuredLine) -> str:
    contracts = ", ".join(f"{rate / 1e6:g} Mbit/s" for rate in line.contract_bps)
    parts = [
        f"{line.name}, provider {line.provider or _NOT_STATED}: {counted(line.row_count, 'row')}",
        f"access {', '.join(line.access) or _NOT_STATED}",
        f"contract {contracts or _NOT_STATED}",
        f"interface {', '.join(line.interfaces) or 'not known'}",
    ]
    return "; ".join(parts)


def _shares(method: Method, name: str) -> str:
    shares = method.shares(name)
    parts = [f"{value} ({100 * share:.0f} %)" if len(shares) > 1 else value for value, share in shares[:_MOST_VALUES]]
    more = len(shares) - _MOST_VALUES
    return ", ".join([*parts, *([f"{more} more"] if more > 0 else [])])


def _panel_words(found: Publication) -> str:
    sources = _shares(found.method, "source_kind") or "sources not known"
    crawls = ", ".join(found.method.crawls[:_MOST_VALUES])
    runs = counted(found.method.run_count, "run")
    return f"{counted(found.video_count, 'video')} from {sources}; {runs}{f' of the crawl {crawls}' if crawls else ''}"


def _windows(method: Method) -> str:
    lengths = list(dict.fromkeys(f"{seconds:g} s" for _, seconds, _ in method.windows))
    return " or ".join(lengths) or "unknown length"
