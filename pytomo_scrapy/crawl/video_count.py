"""How many videos a run has measured: one that is asked for again counts once, and so does one with several arms."""

from __future__ import annotations

from pytomo_scrapy.failures import REFUSALS, Stage
from pytomo_scrapy.items import VideoItem


class VideoCount:
    """Counts stored measurements by their videos, for whoever compares them with the limit of a crawl."""

    def __init__(self) -> None:
        self.value = 0
        # Refused once, or hit by an outage: counted already, and measured again. Few, as a crawl pauses for both.
        self._measured_again: set[tuple[str, str, int]] = set()

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement."""
        video = (item.service, item.video_id, item.pass_number)
        if not item.arms_left:
            if video in self._measured_again:
                self._measured_again.remove(video)
            else:
                self.value += 1
        # In a study a refusal counts as it came (storage/measurements/save.py).
        is_refused = item.study is None and item.failure_stage is Stage.RESOLVE and item.failure in REFUSALS
        if is_refused or item.outage_started_at is not None:
            self._measured_again.add(video)
