"""States in the feed: matches, accounts and live classes say with which turn they are told, and a turn may be theirs.

What stood before has no position: it counts from the beginning.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TOLD = (
    ("school_decisions", "position"),
    ("accounts", "linked_position"),
    ("accounts", "claimed_position"),
    ("live_classes", "position"),
)


def upgrade() -> None:
    """Add the columns and their indexes; let a turn be of no delivery."""
    for table, column in TOLD:
        op.add_column(table, sa.Column(column, sa.BigInteger))
        told = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, ["district", column], sqlite_where=told, postgresql_where=told)
    with op.batch_alter_table("turns") as turns:
        turns.alter_column("delivery", existing_type=sa.String, nullable=True)
