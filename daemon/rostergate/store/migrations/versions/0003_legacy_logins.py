"""Legacy logins: who still needs the port with old algorithms, and when it was last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table. Logins before it are not known."""
    op.create_table(
        "legacy_logins",
        sa.Column("district", sa.String, primary_key=True),
        sa.Column("logins", sa.Integer, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.String, nullable=False),
        sa.Column("cipher", sa.String, nullable=False),
        sa.Column("mac", sa.String, nullable=False),
    )
