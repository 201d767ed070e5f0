"""Schools and accounts: the rows behind holds, the platform's schools and accounts, and what people said about them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0006"


def number() -> sa.Column[int]:
    """Return a key that the database counts up."""
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def of_plan() -> sa.Column[int]:
    """Return a key that is a plan's."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("plan", kind, sa.ForeignKey("plans.id"), primary_key=True)


def text(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[str]:
    """Return a column of text."""
    return sa.Column(name, sa.String, primary_key=True) if key else sa.Column(name, sa.String, nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """Return a column of moments in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Make the tables. Plans decided before have no rows in them: what those would say is not known."""
    op.create_table(
        "held_rows",
        of_plan(),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "left_out",
        of_plan(),
        sa.Column("rows", sa.Integer, nullable=False),
    )
    make_schools()
    make_accounts()


def make_schools() -> None:
    """Make the platform's schools, and what was decided about the district's."""
    op.create_table(
        "platform_schools", text("district", key=True), text("id", key=True), text("name"), instant("loaded_at")
    )
    op.create_table(
        "school_decisions",
        number(),
        text("district"),
        text("school_id"),
        text("decision"),
        text("platform_school", nullable=True),
        text("decided_by", nullable=True),
        instant("decided_at"),
    )
    op.create_index("ix_school_decisions_district_school_id", "school_decisions", ["district", "school_id"])


def make_accounts() -> None:
    """Make the platform's accounts, the accounts that are more than offered, and the classes that are live."""
    op.create_table(
        "platform_accounts",
        text("district", key=True),
        text("account", key=True),
        text("role", nullable=True),
        text("email", nullable=True),
        text("phone", nullable=True),
    )
    op.create_index("ix_platform_accounts_district_email", "platform_accounts", ["district", "email"])
    op.create_index("ix_platform_accounts_district_phone", "platform_accounts", ["district", "phone"])
    op.create_table(
        "accounts",
        text("district", key=True),
        text("role", key=True),
        text("person_id", key=True),
        text("state"),
        text("account", nullable=True),
        text("linked_by", nullable=True),
        instant("linked_at", nullable=True),
        instant("claimed_at", nullable=True),
    )
    op.create_index("ix_accounts_district_account", "accounts", ["district", "account"])
    op.create_table(
        "live_classes",
        text("district", key=True),
        text("school_id", key=True),
        text("class_id", key=True),
        instant("live_at"),
    )
