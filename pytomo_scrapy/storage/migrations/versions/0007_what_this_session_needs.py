"""What this session needs."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "control_window",
        sa.Column("measurement_id", BigId, autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("t_s", sa.Double(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("sent_name", sa.Text(), nullable=True),
        sa.Column("connect_s", sa.Double(), nullable=True),
        sa.Column("tls_s", sa.Double(), nullable=True),
        sa.Column("first_byte_s", sa.Double(), nullable=True),
        sa.Column("elapsed_s", sa.Double(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rate_bps", sa.Double(), nullable=True),
        sa.Column("rtt_min_s", sa.Double(), nullable=True),
        sa.Column("out_of_order_ratio", sa.Double(), nullable=True),
        sa.Column("sample_bytes", Json, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_control_window_measurement_id")),
        sa.PrimaryKeyConstraint("measurement_id", "role", name=op.f("pk_control_window")),
    )
