"""What causes, studies and publications need."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "study",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("name", name=op.f("uq_study_name")),
    )
    op.create_table(
        "study_look",
        sa.Column("id", BigId, nullable=False),
        sa.Column("study_id", BigId, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=False),
        sa.Column("looked_by", sa.Text(), nullable=False),
        sa.Column("is_planned", sa.Boolean(), nullable=False),
        sa.Column("round_count", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("information_ratio", sa.Double(), nullable=False),
        sa.Column("level", sa.Double(), nullable=True),
        sa.Column("results", Json, nullable=False),
        sa.Column("is_shown", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_look_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_look")),
    )
    op.create_index("ix_study_look_study_id", "study_look", ["study_id"], unique=False)
    op.create_table(
        "study_plan",
        sa.Column("id", BigId, nullable=False),
        sa.Column("study_id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("plan_hash", sa.String(length=64), nullable=False),
        sa.Column("plan_text", sa.Text(), nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=False),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("changes", Json, nullable=False),
        sa.Column("change_reason", sa.Text(), nullable=True),
        sa.Column("measured_before_count", sa.Integer(), nullable=False),
        sa.Column("planned_count", sa.Integer(), nullable=False),
        sa.Column("power_ratio", sa.Double(), nullable=True),
        sa.Column("power_basis", Json, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_plan_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_plan")),
        sa.UniqueConstraint("study_id", "version", name=op.f("uq_study_plan_study_id_version")),
    )
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
    op.add_column("figure", sa.Column("study_name", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("arm", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("plan_version", sa.Integer(), nullable=True))
    op.add_column("figure", sa.Column("pair_id", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("loaded_rtt_s", sa.Double(), nullable=True))
    op.add_column("figure", sa.Column("loaded_delay", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("is_machine_limited", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("contract_bps", sa.BigInteger(), nullable=True))
    op.add_column("figure", sa.Column("access_technology", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("cause", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("symptom", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("study_name", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("plan_hash", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("plan_version", sa.Integer(), nullable=True))
    op.add_column("measurement", sa.Column("arm", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("arm_order", sa.Integer(), nullable=True))
    op.add_column("measurement", sa.Column("pair_id", sa.Text(), nullable=True))
    op.drop_index(op.f("uq_measurement_current"), table_name="measurement", sqlite_where=sa.text("NOT is_superseded"))
    op.create_index(
        "ix_measurement_study",
        "measurement",
        ["study_name", "claim_id"],
        unique=False,
        sqlite_where=sa.text("study_name IS NOT NULL"),
        postgresql_where=sa.text("study_name IS NOT NULL"),
    )
    op.create_index(
        "uq_measurement_of_arm",
        "measurement",
        ["crawl_id", "pass_number", "video_row_id", "vantage_id", "arm"],
        unique=True,
        sqlite_where=sa.text("NOT is_superseded AND arm IS NOT NULL"),
        postgresql_where=sa.text("NOT is_superseded AND arm IS NOT NULL"),
    )
    op.create_index(
        "uq_measurement_of_pass",
        "measurement",
        ["crawl_id", "pass_number", "video_row_id", "vantage_id"],
        unique=True,
        sqlite_where=sa.text("NOT is_superseded AND arm IS NULL"),
        postgresql_where=sa.text("NOT is_superseded AND arm IS NULL"),
    )
    op.add_column("run", sa.Column("time_zone", sa.Text(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
