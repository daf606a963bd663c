"""What guests met in autumn 2026."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("dns_lookup", sa.Column("address_count", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("gated_at_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("gated_at_bytes", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("gated_at_media_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("is_identity_clean", sa.Boolean(), nullable=True))
    op.add_column("download", sa.Column("probe_gap_s", sa.Double(), nullable=True))
    op.add_column("figure", sa.Column("source_kind", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("figure", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("figure", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.add_column("frontier", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("frontier", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("frontier", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("identity_hash", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("identity_age_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("bot_check_count", sa.Integer(), nullable=True))
    op.add_column("measurement", sa.Column("listed_view_count", sa.BigInteger(), nullable=True))
    op.add_column("measurement", sa.Column("listed_duration_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("listed_age_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("outage_started_at", UtcDateTime(), nullable=True))
    op.add_column("measurement", sa.Column("outage_ended_at", UtcDateTime(), nullable=True))
    op.add_column("playback", sa.Column("parameters_source", sa.Text(), nullable=True))
    op.add_column("stream", sa.Column("spool_lost_bytes", sa.BigInteger(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
