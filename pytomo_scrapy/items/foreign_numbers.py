"""Numbers from outside that a figure is made of: what no video has is no number."""

from __future__ import annotations

# Live streams run for weeks, and the longest videos of the service for 25 days. Beyond a year it is a mistake.
LONGEST_VIDEO_S = 366 * 86_400.0


def length_s(seconds: float | None) -> float | None:
    """Return the length of a video. None where there is none, and for what no video lasts."""
    return float(seconds) if seconds is not None and 0 < seconds <= LONGEST_VIDEO_S else None
