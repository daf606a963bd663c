"""What a SABR window is to ask for, and as which player."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.items.sabr_source import SabrFormat, SabrSource
from pytomo_scrapy.measure.sabr.estimator import EstimatorConfig

_ITAG = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class SabrPlan:
    """A session's source and formats. `is_server_choice`: the server chooses among `ladder`, else each is pinned."""

    source: SabrSource
    formats: tuple[SabrFormat, ...]  # one a stream of the window, in their order
    is_server_choice: bool = False
    viewport_px: tuple[int, int] = (1920, 1080)
    player: Mapping[str, float] = field(default_factory=dict)  # parameters of the simulated player
    estimator: EstimatorConfig = field(default_factory=EstimatorConfig)

    def ladder(self, kind: str) -> tuple[SabrFormat, ...]:
        """Return what may be sent of one kind of track, in the container of the format that was chosen for it."""
        chosen = next(media for media in self.formats if media.kind == kind)
        if not self.is_server_choice:
            return (chosen,)
        container = chosen.mime_type.partition(";")[0]
        return tuple(
            media
            for media in self.source.formats
            if media.kind == kind and media.mime_type.partition(";")[0] == container and not media.xtags
        ) or (chosen,)


def sabr_formats(source: SabrSource, formats: Sequence[MediaFormat]) -> tuple[SabrFormat, ...] | None:
    """Return the formats of `source` that are those of the plain window. None where one of them is not among them.

    A service may list a format twice under one itag, such as with compressed loudness: its size tells which it is.
    """
    found = []
    for media in formats:
        match = _ITAG.match(media.format_id)
        same = [one for one in source.formats if match and one.itag == int(match[0]) and one.kind == media.kind]
        same.sort(key=lambda one: (one.size_bytes != media.declared_size_bytes, one.xtags is not None))
        if not same:
            return None
        found.append(same[0])
    return tuple(found)
