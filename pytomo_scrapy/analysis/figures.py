"""What the catalogue of figures says, as the analysis asks for it: what is drawn, compared, listed and told.

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
    one.name: one for one in sorted((one for one in FIGURES if one.title), key=lambda one: one.order)
}
BY_FORERUNNER: Mapping[str, Figure] = {one.forerunner: one for one in PARAMETERS.values() if one.forerunner}
# Those that a monitoring system is told the newest of.
GAUGES = tuple(one.name for one in FIGURES if Use.GAUGE in one.uses)


def described(figure: Figure) -> dict[str, Any]:
    """Return what /api says of a figure."""
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
    for one in FIGURES:
        if one.filter is not None:
            name = one.filter.name or one.name
            found.append((one.filter.order, Dimension(name, one.filter.title, one.name, one.kind is not Kind.TEXT)))
    return {dimension.name: dimension for _, dimension in sorted(found, key=lambda pair: pair[0])}


DIMENSIONS: Mapping[str, Dimension] = _dimensions()


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of the list of measurements. Without a heading it is shown beside another one."""

    figure: Figure
    heading: str

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.figure.name

    @property
    def is_sortable(self) -> bool:
        """Tell whether the list can be put in its order: times and figures can."""
        return self.name == "started_s" or bool(self.figure.title)


def _list_columns() -> dict[str, ListColumn]:
    found = [(one.listed.order, ListColumn(one, one.listed.heading)) for one in FIGURES if one.listed is not None]
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
    Group("new", "Beyond the forerunner", "What this version measures besides.", tuple(one.name for one in PARAMETERS.values() if not one.forerunner)),
    Group("all", "All parameters", "Every parameter.", tuple(PARAMETERS)),
)
# fmt: on
GROUPS: Mapping[str, Group] = {group.name: group for group in _GROUPS}
