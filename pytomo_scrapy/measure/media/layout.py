"""What a walk over a media file's structure finds: its container, its index, its segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from pytomo_scrapy.items import MediaSegment

MAX_INDEX_BYTES = 4 * 1024 * 1024  # an index element longer than this is not read
# Tracks of one file end a little apart, and an index counts one of them.
OUTLASTED_RATIO = 0.05
OUTLASTED_S = 0.2


@dataclass(slots=True)
class Layout:
    """What the walk over a file's top level found; positions are bytes from the file's start."""

    container: str | None = None  # as `sniff` names it; None: not a media file that we know
    segments: tuple[MediaSegment, ...] = ()  # of the index
    is_index_partial: bool = False  # media follow that the indexes seen so far do not list
    fragments: tuple[tuple[int, int], ...] = ()  # (start, end) of each fragment or cluster seen, end as it declares
    fragment_s: tuple[float, ...] = ()  # start of each of `fragments`, where the file says it (WebM)
    init_bytes: int = 0
    duration_s: float | None = None  # as the index of segments declares
    movie_s: float | None = None  # as the header of an MP4 file declares, or that of its fragments
    index_end_bytes: int | None = None  # end of a `moov` that lies behind media, or what may be media
    is_index_missing: bool = False  # media, or part of an index, but no whole index within the received bytes
    # The library gives up at these, and at a box that is cut: they are kept from it.
    hidden_boxes: tuple[int, ...] = ()
    whole_bytes: int | None = None  # start of a box that is cut; a cut box of media is of use as far as it goes
    boxes: list[tuple[bytes, int, int]] = field(default_factory=list)

    @property
    def declared_s(self) -> float | None:
        """Return how long the file says that its media last. None where it does not, or says it of a part alone."""
        if self.duration_s is None:
            return None if self.fragments else self.movie_s
        return max(self.duration_s, self.movie_s or 0.0)

    def is_index_outlasted(self, media_s: float) -> bool:
        """Tell whether media were found that last well beyond what the index of segments counts."""
        if not self.segments or self.duration_s is None:
            return False
        return media_s > self.duration_s * (1 + OUTLASTED_RATIO) + OUTLASTED_S


def read_at(file: BinaryIO, position: int, count: int) -> bytes:
    """Return up to `count` bytes from `position` on."""
    file.seek(position)
    return file.read(count)
