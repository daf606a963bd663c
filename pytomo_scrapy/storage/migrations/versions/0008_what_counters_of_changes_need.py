"""Changes to old rows are noted, so that pages which a server keeps are made anew; packed blocks have strips."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId

revision = "0008"
down_revision = "0007"

# What kept pages are made from. Rows of other tables come and go with those of `figure`.
_NOTED = ("figure", "run", "vantage", "study", "differential_test")
_EVENTS = ("INSERT", "UPDATE", "DELETE")
# SQLite has one writer at a time. A number drawn at random is in no earlier state, that of a restored copy included.
_NOTE_SQLITE = "DELETE FROM page_change; INSERT INTO page_change (number) VALUES (random());"
# No writer waits for another: each row is its own transaction's, and rows that another one takes away are left to it.
# Of two states that differ, the later one has a transaction that the earlier one had not: its row stays until a third
# one, which saw it, has a row of its own.
_NOTE_POSTGRESQL = """
CREATE FUNCTION note_page_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO page_change (number) VALUES (txid_current()) ON CONFLICT (number) DO NOTHING;
  IF FOUND THEN
    DELETE FROM page_change WHERE number IN (
      SELECT number FROM page_change WHERE number <> txid_current() FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.create_table(
        "page_change",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_page_change")),
    )
    op.create_table(
        "figure_strip",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("strip", BigId, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "strip", name=op.f("pk_figure_strip")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _create_sqlite_triggers()
    else:
        # Packed already, as in figure_column.
        op.execute("ALTER TABLE figure_strip ALTER COLUMN content SET STORAGE EXTERNAL")
        _create_postgresql_triggers()


def _create_sqlite_triggers() -> None:
    for table in _NOTED:
        for event in _EVENTS:
            name = f"note_{table}_{event.lower()}"
            op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {_NOTE_SQLITE} END")


def _create_postgresql_triggers() -> None:
    op.execute(_NOTE_POSTGRESQL)
    for table in _NOTED:
        op.execute(
            f"CREATE TRIGGER note_{table} AFTER {' OR '.join(_EVENTS)} ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION note_page_change()"
        )
