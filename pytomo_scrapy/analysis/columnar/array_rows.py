"""Rows in memory as a scan of stored ones: what is computed over a database is computed over a frame by that code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.chunk import BlockChunk
from pytomo_scrapy.analysis.columnar.scan import Mask, SelectedRows
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.failures import SettingError


class ArrayChunk(BlockChunk):
    """Columns of equal length: numbers with NaN, texts with None for what is not known."""

    def __init__(self, numbers: Mapping[str, Values], texts: Mapping[str, Iterable[Any]], codes: TextCodes) -> None:
        self.texts = codes
        self._columns: dict[str, Any] = dict(numbers)
        for name, values in texts.items():
            found = [-1 if value is None else codes.number(str(value)) for value in values]
            self._columns[name] = np.array(found, dtype=np.int64)

    def _joined(self, name: str) -> NoReturn:
        raise SettingError(f"The frame has no column {name!r}: read it with sessions(), with all its columns.")


class ArrayScan:
    """As much of a scan as sums over its rows need."""

    def __init__(self, numbers: Mapping[str, Values], texts: Mapping[str, Iterable[Any]]) -> None:
        self.texts = TextCodes()
        self.chunk = ArrayChunk(numbers, texts, self.texts)
        self._count = len(next(iter(numbers.values()), np.empty(0)))

    def rows(self, mask: Mask | None = None) -> SelectedRows:
        """Return the rows, or those where the mask is true."""
        index: Integers = np.arange(self._count) if mask is None else np.flatnonzero(mask)
        return SelectedRows(self.chunk, index, None, "")
