"""Imported rows of the forerunner, and the view pytomo_crawl over them and ours."""

import re

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0005"
down_revision = "0004"

_COLUMNS = (
    (sa.Text, "old_id service url cacheurl"),
    (sa.Double, "cacheserverdelay"),
    (sa.Text, "ip resolver"),
    (sa.Double, "resolvetime"),
    (sa.BigInteger, "asnumber"),
    (sa.Double, "pingmin pingavg pingmax downloadtime"),
    (sa.Text, "videotype"),
    (sa.Double, "videoduration videolength encodingrate"),
    (sa.BigInteger, "downloadbytes downloadinterruptions"),
    (sa.Double, "initialdata initialrate initialplaybackbuffer bufferingduration playbackduration"),
    (sa.Double, "bufferdurationatend timetogetfirstbyte maxinstantthp"),
    (sa.Text, "redirecturl"),
    (sa.BigInteger, "statuscode"),
)
_VIEW_COLUMNS = re.findall(
    r"\w+",
    "ID Service Url CacheUrl CacheServerDelay IP Resolver ResolveTime ASNumber PingMin PingAvg PingMax DownloadTime "
    "VideoType VideoDuration VideoLength EncodingRate DownloadBytes DownloadInterruptions InitialData InitialRate "
    "InitialPlaybackBuffer BufferingDuration PlaybackDuration BufferDurationAtEnd TimeTogetFirstByte MaxInstantThp "
    "RedirectUrl StatusCode",
)


def upgrade() -> None:
    """Create the tables, and put the view of our own rows under a name of its own."""
    op.create_table(
        "legacy_source",
        sa.Column("id", BigId, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("known_count", sa.BigInteger(), nullable=False),
        sa.Column("unreadable_count", sa.BigInteger(), nullable=False),
        sa.Column("unreadable", Json, nullable=False),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legacy_source")),
    )
    op.create_table(
        "legacy_row",
        sa.Column("id", BigId, nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        *(sa.Column(name, kind(), nullable=True) for kind, names in _COLUMNS for name in names.split()),
        sa.ForeignKeyConstraint(["source_id"], ["legacy_source.id"], name=op.f("fk_legacy_row_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legacy_row")),
    )
    op.create_index(op.f("ix_legacy_row_source_id"), "legacy_row", ["source_id"])
    op.create_index("uq_legacy_row_digest", "legacy_row", ["digest", "occurrence"], unique=True)
    _rename_view()
    ours = ", ".join(_VIEW_COLUMNS)
    theirs = ", ".join(f"{'old_id' if name == 'ID' else name.lower()} AS {name}" for name in _VIEW_COLUMNS)
    both = f"SELECT {ours} FROM pytomo_crawl_measured UNION ALL SELECT {theirs} FROM legacy_row"
    op.execute(f"CREATE VIEW pytomo_crawl AS {both}")


def _rename_view() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER VIEW pytomo_crawl RENAME TO pytomo_crawl_measured")
        return
    # SQLite cannot rename a view: make it again from its own text.
    text = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'pytomo_crawl'").scalar_one()
    op.execute("DROP VIEW pytomo_crawl")
    op.get_bind().exec_driver_sql(
        re.sub(r"CREATE VIEW pytomo_crawl\b", "CREATE VIEW pytomo_crawl_measured", text, count=1)
    )
