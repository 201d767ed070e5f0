"""Conclusions: on what ground and under what a delivery was accepted, so that equal files are not decided twice."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table. Deliveries accepted before have no row in it: the next one is decided as a whole."""
    op.create_table(
        "conclusions",
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("ground", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
    )
