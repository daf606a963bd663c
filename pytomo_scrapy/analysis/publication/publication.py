"""A selection as it is to be published: the one object that report, method sheet, PDF and bundle are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from pytomo_scrapy.analysis.estimates import Estimate
from pytomo_scrapy.analysis.overview import Overview, overview
from pytomo_scrapy.analysis.publication.method import Method, method_of
from pytomo_scrapy.analysis.publication.model_errors import model_error_of
from pytomo_scrapy.analysis.publication.reported import REPORTED, Reported
from pytomo_scrapy.analysis.publication.sample_size import TARGETS, rows_for
from pytomo_scrapy.analysis.publication.study_part import StudyPart, studies_of
from pytomo_scrapy.analysis.quality_shares import grade_of
from pytomo_scrapy.analysis.refusals import RefusalAccount
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.statement import sentence_of, stated


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A figure with all that must stand beside it. `needed` are the rows for each of TARGETS."""

    reported: Reported
    estimate: Estimate
    needed: Sequence[int | None]
    model_error: str

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON values, in SI units."""
        kind, one = self.reported.kind, self.estimate
        return {
            "name": kind.name,
            "title": kind.title,
            "shown_in": kind.unit,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": one.row_count,
            "is_of_these_days": one.is_of_these_days,
            "definition": kind.help,
            "left_out": self.reported.left_out,
            "model_error": self.model_error,
            **{f"n_for_{100 * target:.0f}": count for target, count in zip(TARGETS, self.needed, strict=True)},
        }


@dataclass(frozen=True, slots=True)
class Publication:
    """What a selection says of a line, with its method.

    `row_count` is of all rows of the selection; videos, days and the method are of those that figures count.
    """

    statement: str
    selection: Mapping[str, Any]
    row_count: int
    valid_count: int
    video_count: int
    day_count: int
    figures: Sequence[PublishedFigure]
    grade: str | None
    refusals: RefusalAccount
    method: Method
    studies: Sequence[StudyPart] = ()
    who: str | None = None  # measured, as the user says

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "selection": dict(self.selection),
            "n": self.valid_count,
            "row_count": self.row_count,
            "video_count": self.video_count,
            "day_count": self.day_count,
            "figures": [one.to_dict() for one in self.figures],
            "grade": self.grade,
            "refused": asdict(self.refusals.every),
            "method": asdict(self.method),
            "studies": [one.to_dict() for one in self.studies],
            "who": self.who,
        }


def publication_of(
    connection: Connection, selection: Selection, found: Overview | None = None, *, who: str | None = None
) -> Publication | None:
    """Return what is to be published of a selection whose era is settled; `found` is its overview, where it is there.

    `who` measured, as the user says. None where no row of it says anything about a line.
    """
    found = overview(connection, selection) if found is None else found
    if not found.valid_count:
        return None
    method = method_of(connection, selection)
    estimates = {one.kind.name: one for one in found.estimates}
    return Publication(
        statement=sentence_of(connection, selection),
        selection=stated(connection, selection),
        row_count=found.row_count,
        valid_count=found.valid_count,
        video_count=found.video_count,
        day_count=found.day_count,
        figures=[_published(one, estimates[one.kind.name], method) for one in REPORTED],
        grade=grade_of({int(name[6:-1]): one.value for name, one in estimates.items() if name.startswith("plays_")}),
        refusals=found.refusals,
        method=method,
        studies=studies_of(connection, selection),
        who=who,
    )


def _published(reported: Reported, estimate: Estimate, method: Method) -> PublishedFigure:
    needed = [rows_for(estimate, target) for target in TARGETS]
    return PublishedFigure(reported, estimate, needed, model_error_of(reported.model, method.players))
