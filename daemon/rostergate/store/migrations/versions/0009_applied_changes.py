"""Applied changes: what the clear plans of a delivery changed, all together; older plans keep their own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "applied_changes",
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("table", sa.String, primary_key=True),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
