"""What causes, studies and publications need."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "autopsy",
        sa.Column("measurement_id", BigId, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("symptom", sa.Text(), nullable=True),
        sa.Column("start_s", sa.Double(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("second_cause", sa.Text(), nullable=True),
        sa.Column("share_ratio", sa.Double(), nullable=True),
        sa.Column("startup_part", sa.Text(), nullable=True),
        sa.Column("startup_parts", Json, nullable=True),
        sa.Column("sentence", sa.Text(), nullable=True),
        sa.Column("evidence", Json, nullable=True),
        sa.Column("rules_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_autopsy_measurement_id")),
        sa.PrimaryKeyConstraint("measurement_id", "number", name=op.f("pk_autopsy")),
    )
    op.add_column("download", sa.Column("cpu_waited_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("probe_paused_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("host_samples", sa.LargeBinary(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_sent_count", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_received_count", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_rtt_min_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_rtt_median_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_rtt_max_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("loaded_access_samples", sa.LargeBinary(), nullable=True))
    op.add_column("figure", sa.Column("cause", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("symptom", sa.Text(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
