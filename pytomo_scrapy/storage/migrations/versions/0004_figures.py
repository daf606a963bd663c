"""The web page's flat table, and the windows in progress."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, UtcDateTime

revision = "0004"
down_revision = "0003"

_COLUMNS = (
    (sa.Text, "service host cache_site resolver http_version format mode client player"),
    (sa.SmallInteger, "address_family"),
    (sa.Text, "failure attribution failure_stage ping_method yt_dlp_version"),
    (sa.SmallInteger, "is_started has_stall"),
    (sa.Double, "startup_delay_s waited_s stalled_s played_s stall_ratio join_time_s"),
    (sa.Integer, "stall_count stall_1s_count"),
    (sa.Double, "buffer_end_s initial_buffer_s initial_rate_bps mos_stalling_hossfeld2011"),
    (sa.BigInteger, "initial_buffer_bytes"),
    (sa.Double, "delivery_bps delivery_after_2s_bps throughput_bps reception_ratio bitrate_bps"),
    (sa.Double, "bin_min_bps bin_median_bps bin_max_bps download_s connect_s first_byte_s"),
    (sa.BigInteger, "received_bytes size_bytes service_estimate_bps"),
    (sa.Integer, "status height_px"),
    (sa.Double, "video_duration_s cpu_ratio"),
    (sa.SmallInteger, "is_cross_traffic"),
    (sa.Double, "rtt_min_s rtt_avg_s rtt_max_s loss_ratio dns_elapsed_s resolve_elapsed_s"),
)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "figure",
        sa.Column("measurement_id", BigId, nullable=False, autoincrement=False),
        sa.Column("started_s", sa.BigInteger(), nullable=False),
        sa.Column("vantage_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("video_row_id", BigId, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("is_valid", sa.SmallInteger(), nullable=False),
        sa.Column("is_session", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, kind(), nullable=True) for kind, names in _COLUMNS for name in names.split()),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_figure_measurement_id")),
        sa.PrimaryKeyConstraint("measurement_id", name=op.f("pk_figure")),
    )
    op.create_index("ix_figure_started_s", "figure", ["started_s"])
    op.create_index("ix_figure_changes", "figure", ["started_s", "run_id", "client", "failure", "attribution"])
    op.create_index("ix_figure_vantage", "figure", ["vantage_id", "measurement_id", "failure"])
    op.create_index("ix_figure_run", "figure", ["run_id", "failure"])
    op.create_table(
        "open_window",
        sa.Column("run_id", BigId, nullable=False, autoincrement=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("elapsed_s", sa.Double(), nullable=True),
        sa.Column("window_s", sa.Double(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_open_window_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_open_window")),
    )
