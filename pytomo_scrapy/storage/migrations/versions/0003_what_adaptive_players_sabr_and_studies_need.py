"""What adaptive players, SABR and studies need."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import Json

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("download", sa.Column("disk_free_bytes", sa.BigInteger(), nullable=True))
    op.add_column("http_request", sa.Column("segment", sa.BigInteger(), nullable=True))
    op.add_column("playback", sa.Column("mean_bitrate_bps", sa.Double(), nullable=True))
    op.add_column("playback", sa.Column("switch_count", sa.BigInteger(), nullable=True))
    op.add_column("playback", sa.Column("requested_bytes", sa.BigInteger(), nullable=True))
    op.add_column("playback", sa.Column("ladder_source", sa.Text(), nullable=True))
    op.add_column("playback", sa.Column("switches", Json, nullable=True))
    op.add_column("playback", sa.Column("height_s", Json, nullable=True))
    op.add_column("run", sa.Column("is_ad_hoc", sa.Boolean(), nullable=True))
    op.add_column("stream", sa.Column("delivery", sa.Text(), nullable=True))
