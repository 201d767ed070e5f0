"""Quick looks: what a district delivered lately, and a school's plans, are found without reading all that it has."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_deliveries_district_sealed_at", "deliveries", ["district", "sealed_at"])
    op.create_index("ix_plans_district_school_id", "plans", ["district", "school_id"])
