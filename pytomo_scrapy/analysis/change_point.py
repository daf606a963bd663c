"""When a share changed most. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def change_point(buckets: Sequence[tuple[int, float, float]]) -> int | None:
    """Return where a share changed most: the start of the bucket after the extreme of the cumulative sum.

    `buckets` are (start, numerator, denominator) in order of time. **Source**: Page, Biometrika 41 (1954).
    """
    total = sum(below for _, _, below in buckets)
    if total <= 0:
        return None
    mean = sum(above for _, above, _ in buckets) / total
    best, change_start, running = 0.0, None, 0.0
    # Behind the last bucket is nothing that could be different.
    for index, (_, above, below) in enumerate(buckets[:-1]):
        running += above - mean * below
        if abs(running) > best:
            best, change_start = abs(running), buckets[index + 1][0]
    return change_start
