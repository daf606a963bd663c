"""The share of videos that the service refused during a crawl, for its statistics."""

from __future__ import annotations

from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.items import VideoItem

STAT = "pytomo/refusal_share"


class RefusalShare:
    """Counts stored measurements; a refused video that is asked for again counts by its last answer, as in reports."""

    def __init__(self) -> None:
        self._asked_count = 0
        # Grows with refusals only, which a crawl answers with pauses and soon with its end.
        self._refused: set[tuple[str, str, int]] = set()

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement."""
        is_refused = was_refused(item.failure)
        video = (item.service, item.video_id, item.pass_number)
        if video in self._refused:
            self._refused.remove(video)
            self._asked_count -= 1
        if is_refused is None:
            return
        self._asked_count += 1
        if is_refused:
            self._refused.add(video)

    @property
    def value(self) -> float | None:
        """Return the share of those asked for. None where nothing was asked."""
        return len(self._refused) / self._asked_count if self._asked_count else None
