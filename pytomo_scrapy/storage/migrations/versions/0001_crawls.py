"""Crawls: vantage points, crawls, runs, lease owners and the frontier."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_crawl()
    _create_frontier()
    _create_owner()
    _create_vantage()
    _create_run()


def _create_crawl() -> None:
    op.create_table(
        "crawl",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vantage_name", sa.Text(), nullable=False),
        sa.Column("spider", sa.Text(), nullable=False),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("max_crawled_url", sa.BigInteger(), nullable=False),
        sa.Column("admitted_count", sa.BigInteger(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("listed_position", sa.BigInteger(), nullable=False),
        sa.Column("is_listed_end", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl")),
    )
    op.create_index(
        "uq_crawl_unfinished",
        "crawl",
        ["name", "vantage_name"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _create_frontier() -> None:
    op.create_table(
        "frontier",
        sa.Column("id", BigId, nullable=False),
        sa.Column("crawl_id", BigId, nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("parent_id", BigId, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("is_expanded", sa.Boolean(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("seed_id", BigId, nullable=True),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("lease_until_s", sa.Double(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frontier")),
    )
    op.create_index(
        "ix_frontier_in_flight",
        "frontier",
        ["state", "crawl_id", "pass_number", "owner_id"],
        unique=False,
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index(
        "ix_frontier_queued",
        "frontier",
        ["crawl_id", "pass_number", "depth", "parent_id", "place"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index("uq_frontier_video", "frontier", ["crawl_id", "pass_number", "service", "video_id"], unique=True)


def _create_owner() -> None:
    op.create_table(
        "owner",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token", sa.String(length=36), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
        sa.UniqueConstraint("token", name=op.f("uq_owner_token")),
    )


def _create_vantage() -> None:
    op.create_table(
        "vantage",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("public_address", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vantage")),
        sa.UniqueConstraint("name", "provider", name=op.f("uq_vantage_name_provider")),
    )


def _create_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", BigId, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("vantage_id", BigId, nullable=False),
        sa.Column("crawl_id", BigId, nullable=True),
        sa.Column("spider", sa.Text(), nullable=False),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("schema_version", sa.Text(), nullable=True),
        sa.Column("scrapy_version", sa.Text(), nullable=True),
        sa.Column("yt_dlp_version", sa.Text(), nullable=True),
        sa.Column("python_version", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["crawl_id"], ["crawl.id"], name=op.f("fk_run_crawl_id")),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantage.id"], name=op.f("fk_run_vantage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_run_uuid")),
    )
    op.create_index(op.f("ix_run_crawl_id"), "run", ["crawl_id"], unique=False)
