"""What causes, studies and publications need."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("figure", sa.Column("loaded_rtt_s", sa.Double(), nullable=True))
    op.add_column("figure", sa.Column("loaded_delay", sa.Text(), nullable=True))
    op.add_column("figure", sa.Column("is_machine_limited", sa.SmallInteger(), nullable=True))
    op.add_column("figure", sa.Column("contract_bps", sa.BigInteger(), nullable=True))
    op.add_column("figure", sa.Column("access_technology", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("time_zone", sa.Text(), nullable=True))
    op.execute("UPDATE figure_block SET is_sealed = 0")
