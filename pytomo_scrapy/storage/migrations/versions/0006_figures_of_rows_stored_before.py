"""Rows stored before have the figures that came with 0005, as far as their windows knew them.

All blocks were unsealed by 0005 already. Causes are not among them: `pytomo replay --explain` judges stored rows.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_FROM_WINDOWS = """
UPDATE figure SET (loaded_rtt_s, contract_bps, access_technology, is_machine_limited) = (
  SELECT d.loaded_rtt_median_s, d.contract_bps, d.access_technology,
    CASE WHEN d.is_probe_limited OR d.is_cpu_throttled THEN 1
         WHEN d.is_probe_limited IS NOT NULL OR d.is_cpu_throttled IS NOT NULL THEN 0 END
  FROM download d WHERE d.measurement_id = figure.measurement_id AND d.place = figure.place)
"""
_ADDED = """
UPDATE figure SET loaded_delay = CASE
  WHEN loaded_rtt_s - rtt_min_s >= 0.1 THEN '100 ms and more'
  WHEN loaded_rtt_s - rtt_min_s >= 0.03 THEN '30 to 100 ms'
  ELSE 'under 30 ms' END
WHERE loaded_rtt_s - rtt_min_s IS NOT NULL
"""


def upgrade() -> None:
    """Apply."""
    op.execute(_FROM_WINDOWS)
    op.execute(_ADDED)
