"""Columns counted together, and the numbers that stand for texts."""

from __future__ import annotations

import numpy as np

from pytomo_scrapy.analysis.columnar.counts import Counts, counted, joined_keys, split_key
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes


def test_joined_keys_are_taken_apart_again_unknown_ones_too() -> None:
    bucket = np.array([0, 3, 2**22, 2**22, -1], dtype=np.int64)
    failure = np.array([-1, 7, 2**20 - 2, 2**20 - 2, 0], dtype=np.int64)
    attribution = np.array([-1, -1, 5, 5, 2**20 - 2], dtype=np.int64)
    counts = Counts()
    counts.add(joined_keys(bucket, failure, attribution))
    found = {split_key(key, 2): count for key, count in counts.as_dict().items()}
    assert found == {
        (0, -1, -1): 1,
        (3, 7, -1): 1,
        (2**22, 2**20 - 2, 5): 2,
        (-1, 0, 2**20 - 2): 1,
    }


def test_columns_are_counted_alike_in_place_and_by_sorting() -> None:
    chance = np.random.default_rng(3)
    near = chance.integers(-1, 5, 400)
    for first in (chance.integers(10**6, 10**6 + 40, 400), chance.integers(0, 2**40, 400)):
        keys, counts = counted(first, near)
        expected, sizes = np.unique(joined_keys(first, near), return_counts=True)
        assert keys.tolist() == expected.tolist()
        assert counts.tolist() == sizes.tolist()
    nothing, none = counted(near[:0])
    assert not len(nothing) and not len(none)


def test_code_of_a_text_leads_back_to_it_and_minus_one_to_none() -> None:
    texts = TextCodes()
    assert [texts.text(code) for code in texts.table(["b", "a", "b"])] == ["b", "a", "b", None]
