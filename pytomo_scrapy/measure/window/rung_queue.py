"""The parts that an adaptive player asks for, one after the other, of whatever rung."""

from __future__ import annotations

from pytomo_scrapy.items import MediaPart
from pytomo_scrapy.measure.window.part_queue import PartQueue


class RungQueue(PartQueue):
    """Parts that are not known before they are asked for: the queue grows, and is over when the window is."""

    def __init__(self) -> None:
        self._asked: list[MediaPart] = []
        self._rungs: list[int] = []
        super().__init__(self._asked)

    @property
    def is_over(self) -> bool:
        """Never: a player may ask again for what it has."""
        return False

    @property
    def rung(self) -> int | None:
        """Place on the ladder of the part that is asked for now, 1 the lowest."""
        return self._rungs[self.index] + 1 if self.index < len(self._rungs) else None

    def ask(self, part: MediaPart, rung: int) -> None:
        """Take the next part. The one before must be whole, or given up."""
        self._asked.append(part)
        self._rungs.append(rung)
