"""How old a video was, and how long ago it was last measured here."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; rows that are there already have NULL."""
    for name in ("video_age_s", "since_last_measured_s"):
        op.add_column("measurement", sa.Column(name, sa.Double(), nullable=True))
