"""Daily aggregates of measurements that are deleted for their age."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables; nothing is aggregated before `scrapy prune --measurements` asks for it."""
    op.create_table(
        "daily",
        sa.Column("id", BigId, nullable=False),
        sa.Column("day_s", sa.BigInteger(), nullable=False),
        sa.Column("vantage_id", BigId, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.Column("resolved_count", sa.BigInteger(), nullable=False),
        sa.Column("valid_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantage.id"], name=op.f("fk_daily_vantage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily")),
    )
    op.create_index("uq_daily_key", "daily", ["day_s", "vantage_id", "service"], unique=True)
    op.create_table(
        "daily_failure",
        sa.Column("daily_id", BigId, nullable=False, autoincrement=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["daily_id"], ["daily.id"], name=op.f("fk_daily_failure_daily_id")),
        sa.PrimaryKeyConstraint("daily_id", "failure", "attribution", "stage", name=op.f("pk_daily_failure")),
    )
    op.create_table(
        "daily_figure",
        sa.Column("daily_id", BigId, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("known_count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("histogram", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["daily_id"], ["daily.id"], name=op.f("fk_daily_figure_daily_id")),
        sa.PrimaryKeyConstraint("daily_id", "name", "part", name=op.f("pk_daily_figure")),
    )
