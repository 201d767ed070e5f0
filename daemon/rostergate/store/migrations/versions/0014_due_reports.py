"""Due reports: those still to be written are found each minute without reading every delivery there ever was."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the index."""
    due = sa.text("reported_at IS NULL")
    op.create_index(
        "ix_deliveries_unreported", "deliveries", ["district"], sqlite_where=due, postgresql_where=due, unique=False
    )
