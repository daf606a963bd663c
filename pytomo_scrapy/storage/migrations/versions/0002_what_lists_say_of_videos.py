"""What lists say of videos."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("figure", sa.Column("source_kind", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("figure", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("figure", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.add_column("frontier", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("frontier", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("frontier", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("measurement", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
