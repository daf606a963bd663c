"""What controls and differential tests need."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "differential_test",
        sa.Column("id", BigId, nullable=False),
        sa.Column("vantage_id", BigId, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("video_id", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("neutral_name", sa.Text(), nullable=True),
        sa.Column("window_s", sa.Double(), nullable=True),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("effect_ratio", sa.Double(), nullable=True),
        sa.Column("needed_pair_count", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("pair_count", sa.BigInteger(), nullable=True),
        sa.Column("refused_count", sa.BigInteger(), nullable=True),
        sa.Column("wehe_verdict", sa.Text(), nullable=True),
        sa.Column("wehe_area_ratio", sa.Double(), nullable=True),
        sa.Column("wehe_chance", sa.Double(), nullable=True),
        sa.Column("wehe_agreeing_count", sa.BigInteger(), nullable=True),
        sa.Column("difference_ratio", sa.Double(), nullable=True),
        sa.Column("difference_low_ratio", sa.Double(), nullable=True),
        sa.Column("difference_high_ratio", sa.Double(), nullable=True),
        sa.Column("difference_chance", sa.Double(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=True),
        sa.Column("method_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantage.id"], name=op.f("fk_differential_test_vantage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differential_test")),
        sa.UniqueConstraint("vantage_id", "uuid", name=op.f("uq_differential_test_vantage_id_uuid")),
    )
    op.create_table(
        "differential_window",
        sa.Column("id", BigId, nullable=False),
        sa.Column("differential_test_id", BigId, nullable=False),
        sa.Column("pair_number", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["differential_test_id"], ["differential_test.id"], name=op.f("fk_differential_window_differential_test_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differential_window")),
        sa.UniqueConstraint(
            "differential_test_id",
            "pair_number",
            "role",
            name=op.f("uq_differential_window_differential_test_id_pair_number_role"),
        ),
    )
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
