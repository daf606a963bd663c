"""Source of the parameters of players."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("playback", sa.Column("parameters_source", sa.Text(), nullable=True))
