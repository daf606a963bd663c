"""Keep a hash of the guest identity, its age, and the bot checks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("measurement", sa.Column("identity_hash", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("identity_age_s", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("bot_check_count", sa.Integer(), nullable=True))
