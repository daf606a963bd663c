"""What adaptive players, SABR and studies need."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    op.add_column("run", sa.Column("is_ad_hoc", sa.Boolean(), nullable=True))
