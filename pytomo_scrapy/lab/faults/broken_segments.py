"""Faults of a media host that hands a video out in segments."""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.lab.faults.kinds import SegmentFault
from pytomo_scrapy.lab.http.transfers import Answer, Transfer, plain_answer

# The second segment of a list is the first whose fault lies in mid-download.
_MISSING = 2


def _missing(transfer: Transfer) -> Answer:
    return plain_answer(404, "no such segment") if transfer.segment == _MISSING else transfer.answer()


def _refused(transfer: Transfer) -> Answer:
    return plain_answer(403, "no more") if transfer.segment == _MISSING else transfer.answer()


def _short(transfer: Transfer) -> Answer:
    """Answer with half of the range that a list's segment is, and say so."""
    span = transfer.span
    return replace(transfer, span=replace(span, end=span.first + max(1, span.size_bytes // 2))).answer()


ROWS = (
    SegmentFault("segment_missing", "the third segment is not there: 404", "http_404", serve=_missing),
    SegmentFault("segment_refused", "the third segment is refused: 403", "media_gated", serve=_refused),
    SegmentFault(
        "segment_short",
        "segments are half as long as the playlist says",
        "wrong_length",
        serve=_short,
        clip="separate_20",
    ),
)
