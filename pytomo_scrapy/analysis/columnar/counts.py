"""Whole numbers counted, and several columns as one whole number a row to be counted together."""

from __future__ import annotations

import math

import numpy as np

from pytomo_scrapy.analysis.columnar.blocks import Integers

_MANY_KEYS = 100_000
_CODE_BITS = 20
_DENSE_RATIO = 16  # of the numbers that can be to the rows: up to here they are counted, not sorted


def joined_keys(first: Integers, *codes: Integers) -> Integers:
    """Return several columns as one whole number a row, to be counted together: `split_key` takes it apart.

    Layout: `first` as it is, then 20 bits for each of the codes, from -1 (not known) to a million texts.
    """
    key = first
    for column in codes:
        key = (key << _CODE_BITS) + column + 1
    return key


def split_key(key: int, code_count: int = 1) -> tuple[int, ...]:
    """Return the columns that `joined_keys` made a number of."""
    codes = []
    for _ in range(code_count):
        codes.append((key & ((1 << _CODE_BITS) - 1)) - 1)
        key >>= _CODE_BITS
    return (key, *reversed(codes))


def parted(keys: Integers) -> tuple[Integers, Integers]:
    """Return the two columns that `joined_keys` made keys of."""
    return keys >> _CODE_BITS, (keys & ((1 << _CODE_BITS) - 1)) - 1


def counted(first: Integers, *codes: Integers) -> tuple[Integers, Integers]:
    """Return the distinct numbers of a column in order, and how often each occurs; of several by `joined_keys`."""
    if not len(first):
        return first, first
    columns = (first, *codes)
    least = [int(column.min()) for column in columns]
    shape = [int(column.max()) + 1 - low for column, low in zip(columns, least, strict=True)]
    if math.prod(shape) > _DENSE_RATIO * len(first):
        keys, counts = np.unique(joined_keys(first, *codes), return_counts=True)
        return keys, counts
    places = first - least[0]
    for column, low, size in zip(codes, least[1:], shape[1:], strict=True):
        places = places * size + (column - low)
    of_place = np.bincount(places)
    there = np.flatnonzero(of_place)
    found = [index + low for index, low in zip(np.unravel_index(there, shape), least, strict=True)]
    return joined_keys(found[0], *found[1:]), of_place[there]


class Counts:
    """How often each whole number was seen; memory grows with the distinct ones, not with the rows."""

    def __init__(self) -> None:
        self._parts: list[tuple[Integers, Integers]] = []
        self._most_keys = _MANY_KEYS

    def add(self, keys: Integers, *codes: Integers) -> None:
        """Count the keys, once for each time a key occurs; with codes those that `joined_keys` makes of both."""
        if len(keys):
            self.add_counted(*counted(keys, *codes))

    def add_counted(self, keys: Integers, sizes: Integers) -> None:
        """Add distinct numbers in order, with how often each was seen."""
        if len(keys):
            self._parts.append((keys, sizes))
            if sum(len(part) for part, _ in self._parts) > self._most_keys:
                # Where the distinct ones alone are as many, merging them again with each part would help nobody.
                self._most_keys = max(_MANY_KEYS, 2 * len(self.merged()[0]))

    def merged(self) -> tuple[Integers, Integers]:
        """Return the distinct numbers in order, and how often each was seen."""
        if not self._parts:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        if len(self._parts) > 1:
            all_keys = np.concatenate([keys for keys, _ in self._parts])
            counts = np.concatenate([counts for _, counts in self._parts])
            keys, inverse = np.unique(all_keys, return_inverse=True)
            # Kept: who asks for one figure of them mostly asks for the next one too.
            self._parts = [(keys, np.bincount(inverse, weights=counts, minlength=len(keys)).astype(np.int64))]
        return self._parts[0]

    def as_dict(self) -> dict[int, int]:
        """Return the counts by number."""
        keys, counts = self.merged()
        return dict(zip(keys.tolist(), counts.tolist(), strict=True))
