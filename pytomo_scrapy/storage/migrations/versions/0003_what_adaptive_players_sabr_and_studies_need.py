"""What adaptive players, SABR and studies need."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "ladder",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("video_rung_count", sa.BigInteger(), nullable=True),
        sa.Column("audio_rung_count", sa.BigInteger(), nullable=True),
        sa.Column("top_height_px", sa.BigInteger(), nullable=True),
        sa.Column("rungs", sa.LargeBinary(), nullable=True),
        sa.Column("best_height_px", sa.BigInteger(), nullable=True),
        sa.Column("best_bitrate_bps", sa.Double(), nullable=True),
        sa.Column("best_unknown", sa.Text(), nullable=True),
        sa.Column("plays_height_px", sa.BigInteger(), nullable=True),
        sa.Column("fails_height_px", sa.BigInteger(), nullable=True),
        sa.Column("head_bytes", sa.BigInteger(), nullable=True),
        sa.Column("head_request_count", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_ladder_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder")),
        sa.UniqueConstraint("measurement_id", "place", name=op.f("uq_ladder_measurement_id_place")),
    )
    op.create_table(
        "quality_spell",
        sa.Column("measurement_id", BigId, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("t_s", sa.Double(), nullable=True),
        sa.Column("format_id", sa.Text(), nullable=True),
        sa.Column("from_format_id", sa.Text(), nullable=True),
        sa.Column("height_px", sa.BigInteger(), nullable=True),
        sa.Column("from_height_px", sa.BigInteger(), nullable=True),
        sa.Column("media_s", sa.Double(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_quality_spell_measurement_id")),
        sa.PrimaryKeyConstraint("measurement_id", "number", name=op.f("pk_quality_spell")),
    )
    op.add_column("download", sa.Column("disk_free_bytes", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("transport", sa.Text(), nullable=True))
    op.add_column("download", sa.Column("sabr_quality", sa.Text(), nullable=True))
    op.add_column("download", sa.Column("ad_wait_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("sabr_protection_status", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("sabr_start_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("sabr_resume_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("sabr_readahead_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("sabr_ahead_max_s", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("sabr_empty_answer_count", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("sabr_overhead_bytes", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("sabr_repeated_bytes", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("sabr_switch_count", sa.BigInteger(), nullable=True))
    op.add_column("download", sa.Column("sabr_mean_bitrate_bps", sa.Double(), nullable=True))
    op.add_column("download", sa.Column("ad_waits", Json, nullable=True))
    op.add_column("figure", sa.Column("best_height_px", sa.Integer(), nullable=True))
    op.add_column("figure", sa.Column("plays_360p", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("plays_480p", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("plays_720p", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("plays_1080p", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("plays_2160p", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("transport", sa.Text(), nullable=True))
    op.add_column("http_request", sa.Column("segment", sa.BigInteger(), nullable=True))
    op.add_column("http_request", sa.Column("rung", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_measurement_outage",
        "measurement",
        ["outage_started_at"],
        unique=False,
        sqlite_where=sa.text("outage_started_at IS NOT NULL"),
        postgresql_where=sa.text("outage_started_at IS NOT NULL"),
    )
    op.add_column("playback", sa.Column("mean_bitrate_bps", sa.Double(), nullable=True))
    op.add_column("playback", sa.Column("switch_count", sa.BigInteger(), nullable=True))
    op.add_column("playback", sa.Column("requested_bytes", sa.BigInteger(), nullable=True))
    op.add_column("playback", sa.Column("ladder_source", sa.Text(), nullable=True))
    op.add_column("playback", sa.Column("switches", Json, nullable=True))
    op.add_column("playback", sa.Column("height_s", Json, nullable=True))
    op.add_column("run", sa.Column("is_ad_hoc", sa.Boolean(), nullable=True))
    op.add_column("stream", sa.Column("delivery", sa.Text(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
