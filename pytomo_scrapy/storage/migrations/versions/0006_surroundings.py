"""Windows in pairs, and what they ran on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COLUMNS = (
    (sa.Text, "pair_id interface_kind kernel congestion_control"),
    (sa.BigInteger, "link_rate_bps wifi_signal_dbm mtu_bytes"),
    (sa.Boolean, "is_vpn is_probe_limited"),
)


def upgrade() -> None:
    """Add the columns; rows that are there already have NULL."""
    for kind, names in _COLUMNS:
        for name in names.split():
            op.add_column("download", sa.Column(name, kind(), nullable=True))
