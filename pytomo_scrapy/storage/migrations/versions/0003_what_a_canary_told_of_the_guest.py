"""What a canary told of the guest."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("download", sa.Column("is_identity_clean", sa.Boolean(), nullable=True))
