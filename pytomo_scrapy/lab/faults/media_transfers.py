"""Faults of a media host that begins a transfer and does not bring it to its end, or not in time.

"At a quarter" means a quarter of the file, wherever the request's range begins.
"""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.lab.faults.kinds import MediaFault
from pytomo_scrapy.lab.http.transfers import Answer, Ending, Transfer

SLOW_FIRST_BYTE_S = 120.0


def _reset(transfer: Transfer) -> Answer:
    return transfer.cut(len(transfer.content) // 4, Ending.RESET)


def _stall(transfer: Transfer) -> Answer:
    return transfer.cut(len(transfer.content) // 4, Ending.HANG)


def _truncate(transfer: Transfer) -> Answer:
    # Half of what was asked for, so that a range of the file's first half is truncated too.
    whole = transfer.answer()
    return replace(whole, body=whole.body[: len(whole.body) // 2], ending=Ending.CLOSE)


def _delay(transfer: Transfer) -> Answer:
    return replace(transfer.answer(), delay_s=SLOW_FIRST_BYTE_S)


ROWS = (
    MediaFault("reset", "the connection is reset at a quarter of the file", "reset", serve=_reset),
    MediaFault(
        "stall",
        "the body stops at a quarter of the file and the connection stays open",
        "no_progress",
        serve=_stall,
    ),
    MediaFault(
        "truncated",
        "the connection is closed cleanly at half of the declared length",
        "truncated",
        serve=_truncate,
    ),
    MediaFault(
        "wrong_length",
        "the declared length is half of what the format announced",
        "wrong_length",
        content=lambda whole, _: whole[: len(whole) // 2],
    ),
    MediaFault(
        "slow_first_byte",
        "the first byte of the answer comes after two minutes",
        "first_byte_timeout",
        serve=_delay,
    ),
    MediaFault(
        "endless_header", "header lines without end", "bad_response", instead=Answer(200, has_endless_header=True)
    ),
)
