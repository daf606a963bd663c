"""Stalled time of rows stored before is the sum of the stalls that count: halts under 0.1 s leave it.

Only rows with such a halt among their stored events are written, so that no other block has to be packed again. Rows
whose events were pruned keep what they have, and so do the aggregates of days whose measurements are gone: the length
of their halts is nowhere.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MIN_STALL_S = 0.1
_AT_ONCE = 500

_TOUCHED = sa.text(
    "SELECT DISTINCT playback_id FROM playback_event WHERE kind = 'stall' AND duration_s < :least_s ORDER BY 1"
)
# In the order in which they were stored: sums are then those of a replay, to the last bit.
_STALLS = sa.text(
    "SELECT p.id, p.measurement_id, p.place, p.player, p.played_s, p.switch_count, e.duration_s, e.is_open"
    " FROM playback p JOIN playback_event e ON e.playback_id = p.id"
    " WHERE p.id IN :ids AND p.stalled_s IS NOT NULL AND e.kind = 'stall' ORDER BY p.id, e.id"
).bindparams(sa.bindparam("ids", expanding=True))
_SET = "SET stalled_s = :stalled_s, stall_ratio = :stall_ratio, mos_stalling_hossfeld2011 = :mos"
_PLAYBACK = sa.text(f"UPDATE playback {_SET} WHERE id = :playback_id")
_FIGURE = sa.text(
    f"UPDATE figure {_SET} WHERE measurement_id = :measurement_id AND place = :place AND player = :player"
)


def upgrade() -> None:
    """Apply. Triggers unseal the packed blocks of the rows that change."""
    connection = op.get_bind()
    touched = connection.execute(_TOUCHED, {"least_s": _MIN_STALL_S}).scalars().all()
    for start in range(0, len(touched), _AT_ONCE):
        ids = touched[start : start + _AT_ONCE]
        rows = list(_mended(connection.execute(_STALLS, {"ids": ids}).all()))
        if rows:
            connection.execute(_PLAYBACK, rows)
            connection.execute(_FIGURE, rows)


def _mended(stalls: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for playback_id, group in itertools.groupby(stalls, key=lambda stall: stall.id):
        own = list(group)
        counted = [stall for stall in own if stall.duration_s >= _MIN_STALL_S]
        stalled_s = sum((stall.duration_s for stall in counted), 0.0)
        exposure_s = stalled_s + (own[0].played_s or 0.0)
        yield {
            "playback_id": playback_id,
            "measurement_id": own[0].measurement_id,
            "place": own[0].place,
            "player": own[0].player,
            "stalled_s": stalled_s,
            "stall_ratio": stalled_s / exposure_s if exposure_s > 0 else None,
            # Adaptive players have no opinion score.
            "mos": _opinion(counted, exposure_s) if own[0].switch_count is None else None,
        }


def _opinion(stalls: Sequence[Any], exposure_s: float) -> float | None:
    """Return the opinion score of Hossfeld 2011: the shorter exposure may lie inside its conditions, or outside."""
    if not 25.0 <= exposure_s <= 35.0 or len(stalls) > 6 or any(stall.is_open for stall in stalls):
        return None
    if not stalls:
        return 5.0
    mean_s = sum(stall.duration_s for stall in stalls) / len(stalls)
    return 3.50 * math.exp(-(0.15 * mean_s + 0.19) * len(stalls)) + 1.50 if 1.0 <= mean_s <= 6.0 else None
