"""Erasures: turns say who was erased, and which of them have lost lines by it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("turns", sa.Column("renumbered", sa.Integer, nullable=False, server_default="0"))
    op.add_column("turns", sa.Column("erased", sa.JSON))
