"""The catalogue of figures, by use: which figures are drawn, compared, listed and exported to Prometheus.

The catalogue itself is `storage/schema/figure_catalogue.py`: the flat row is written in the transaction that stores the
measurement, so its columns are known that far down. A figure is defined there and nowhere else.
"""

# ruff: noqa: E501
# One row a group: a table reads better than its wrapped lines.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES, Kind, Use
from pytomo_scrapy.storage.schema.figure_catalogue import Figure as Figure

# Every figure that is drawn, by its name: the column of `figure`.
PARAMETERS: Mapping[str, Figure] = {
    figure.name: figure
    for figure in sorted((figure for figure in FIGURES if figure.title), key=lambda figure: figure.order)
}
BY_FORERUNNER: Mapping[str, Figure] = {figure.forerunner: figure for figure in PARAMETERS.values() if figure.forerunner}
# The figures whose newest value a monitoring system reads.
GAUGES = tuple(figure.name for figure in FIGURES if Use.GAUGE in figure.uses)


def described(figure: Figure) -> dict[str, Any]:
    """Return how /api describes a figure."""
    return {
        "name": figure.name,
        "title": figure.title,
        "unit": figure.unit,
        "help": figure.help,
        "factor": figure.factor,
        "forerunner": figure.forerunner,
        "is_playback": figure.is_playback,
        "is_censored": figure.is_censored,
        "is_flag": figure.is_flag,
    }


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are filtered and compared by."""

    name: str
    title: str
    column: str
    is_number: bool = False


def _dimensions() -> dict[str, Dimension]:
    # The provider is no column of the flat row: it is the vantage point's.
    found = [(2, Dimension("provider", "Provider", "provider"))]
    for figure in FIGURES:
        if figure.filter is not None:
            name = figure.filter.name or figure.name
            found.append(
                (figure.filter.order, Dimension(name, figure.filter.title, figure.name, figure.kind is not Kind.TEXT))
            )
    return {dimension.name: dimension for _, dimension in sorted(found, key=lambda pair: pair[0])}


DIMENSIONS: Mapping[str, Dimension] = _dimensions()


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of the list of measurements. Without a heading it is shown next to another column."""

    figure: Figure
    heading: str

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.figure.name

    @property
    def is_sortable(self) -> bool:
        """Return whether the list can be sorted by this column: by times and figures it can."""
        return self.name == "started_s" or bool(self.figure.title)


def _list_columns() -> dict[str, ListColumn]:
    found = [
        (figure.listed.order, ListColumn(figure, figure.listed.heading))
        for figure in FIGURES
        if figure.listed is not None
    ]
    return {column.name: column for _, column in sorted(found, key=lambda pair: pair[0])}


LIST_COLUMNS: Mapping[str, ListColumn] = _list_columns()


@dataclass(frozen=True, slots=True)
class Group:
    """A page of graphs that belong together."""

    name: str
    title: str
    help: str
    parameters: tuple[str, ...]


def _of(*forerunner: str) -> tuple[str, ...]:
    return tuple(BY_FORERUNNER[name].name for name in forerunner)


_PINGS = ("PingMin", "PingAvg", "PingMax")
# fmt: off
_GROUPS = (
    Group("main", "Main", "The four graphs to look at first.", _of("VideosWithInterruptions", "AvgThroughput", "BufferingDuration", "PingAvg")),
    Group("qoe", "QoE", "What a viewer notices.", _of("VideosWithInterruptions", "DownloadInterruptions", "ReceptionRatio", "BufferingDuration", "BufferDurationAtEnd")),
    Group("qos", "QoS", "What the network did.", _of("AvgThroughput", "MaxInstantThp", "InitialRate", "InitialData", "DownloadBytes", "DownloadTime", "PlaybackDuration", *_PINGS)),
    Group("video", "Video characteristics", "What was played.", _of("VideoLength", "VideoDuration", "EncodingRate")),
    Group("esmc", "ESMC", "The service's side: speed, distance, names, answers.", _of("AvgThroughput", "PingAvg", "VideosWithInterruptions", "ResolveTime", "TimeTogetFirstByte", "StatusCode")),
    Group("new", "Beyond Pytomo 3", "What this version measures in addition.", tuple(figure.name for figure in PARAMETERS.values() if not figure.forerunner)),
    Group("all", "All parameters", "Every parameter.", tuple(PARAMETERS)),
)
# fmt: on
GROUPS: Mapping[str, Group] = {group.name: group for group in _GROUPS}
