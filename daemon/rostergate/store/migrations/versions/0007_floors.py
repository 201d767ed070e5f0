"""Floors: how far back a district's history reaches."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "floors",
        sa.Column("district", sa.String, primary_key=True),
        sa.Column("ground", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
