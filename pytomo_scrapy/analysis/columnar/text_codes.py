"""Numbers in the place of texts, so that whole columns of them are compared at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from pytomo_scrapy.analysis.columnar.blocks import Integers, texts_of


class TextCodes:
    """Numbers for texts, the same in every chunk of a scan. Thread-safe."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._tables: dict[bytes, Integers] = {}
        self._lock = threading.Lock()

    def number(self, text: str) -> int:
        """Return the number of a text."""
        with self._lock:
            if text not in self._numbers:
                # First the text: who sees its number may ask for it.
                self.texts.append(text)
                self._numbers[text] = len(self.texts) - 1
            return self._numbers[text]

    def text(self, number: int) -> str | None:
        """Return the text of a number. None for -1: not known."""
        return None if number < 0 else self.texts[number]

    def table(self, texts: Sequence[str]) -> Integers:
        """Return the numbers of a block's texts in their order, and -1 behind them for what is not known."""
        return np.array([*(self.number(text) for text in texts), -1], dtype=np.int64)

    def table_of(self, head: bytes) -> Integers:
        """Return the numbers of packed texts; most blocks have the same ones."""
        if head not in self._tables:
            self._tables[head] = self.table(texts_of(head))
        return self._tables[head]
