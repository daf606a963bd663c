"""The web page's flat table by column, and the triggers that keep it true."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId

revision = "0009"
down_revision = "0008"

_BLOCK_ROWS = 1024
_EVENTS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
# What the packed columns are copied from.
_TABLES = ("figure", "playback", "dns_lookup")
_UNSEAL = (
    "INSERT INTO figure_block (block, is_sealed) VALUES ({row}.measurement_id / {size}, 0)"
    " ON CONFLICT (block) DO UPDATE SET is_sealed = 0 WHERE figure_block.is_sealed = 1;"
)


def upgrade() -> None:
    """Create the tables and triggers; every block is there and none is sealed."""
    op.create_table(
        "figure_block",
        sa.Column("block", BigId, nullable=False, autoincrement=False),
        sa.Column("is_sealed", sa.SmallInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("first_s", sa.BigInteger(), nullable=True),
        sa.Column("last_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("block", name=op.f("pk_figure_block")),
    )
    op.create_table(
        "figure_column",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("block", BigId, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "block", name=op.f("pk_figure_column")),
    )
    op.execute(
        f"INSERT INTO figure_block (block, is_sealed) SELECT DISTINCT measurement_id / {_BLOCK_ROWS}, 0 FROM figure"
    )
    if op.get_bind().dialect.name == "sqlite":
        _create_sqlite_triggers()
    else:
        # Packed already: trying to compress it again costs time and gains nothing.
        op.execute("ALTER TABLE figure_column ALTER COLUMN content SET STORAGE EXTERNAL")
        _create_postgresql_triggers()


def _create_sqlite_triggers() -> None:
    for table in _TABLES:
        for event, row in _EVENTS.items():
            unseal = _UNSEAL.format(row=row, size=_BLOCK_ROWS)
            op.execute(f"CREATE TRIGGER unseal_{table}_{event.lower()} AFTER {event} ON {table} BEGIN {unseal} END")


def _create_postgresql_triggers() -> None:
    for event, row in _EVENTS.items():
        unseal = _UNSEAL.format(row=row, size=_BLOCK_ROWS)
        name = f"unseal_after_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {unseal} RETURN NULL; END $$"
        )
        for table in _TABLES:
            op.execute(
                f"CREATE TRIGGER unseal_{table}_{event.lower()} AFTER {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
