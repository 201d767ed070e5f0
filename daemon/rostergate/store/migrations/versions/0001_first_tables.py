"""The first tables: deliveries and what was decided about them, slots, credentials, and the versioned roster."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROSTER = {
    # table: (key columns, value columns, order of the current rows' index)
    "schools": (("school_id",), ("name",), ("school_id",)),
    "teachers": (("teacher_id",), ("first_name", "last_name", "email", "phone"), ("teacher_id",)),
    "students": (
        ("student_id",),
        ("first_name", "last_name", "grade", "birth_date", "email", "phone"),
        ("student_id",),
    ),
    "guardians": (("guardian_id",), ("first_name", "last_name", "email", "phone"), ("guardian_id",)),
    "classes": (("school_id", "class_id"), ("name",), ("school_id", "class_id")),
    "teacher_schools": (("school_id", "teacher_id"), (), ("teacher_id", "school_id")),
    "student_schools": (("school_id", "student_id"), (), ("student_id", "school_id")),
    "guardianships": (
        ("school_id", "student_id", "guardian_id"),
        ("relationship", "contact_type"),
        ("guardian_id", "school_id", "student_id"),
    ),
    "class_teachers": (("school_id", "class_id", "teacher_id"), (), ("school_id", "class_id", "teacher_id")),
    "enrollments": (("school_id", "class_id", "student_id"), (), ("school_id", "class_id", "student_id")),
}


def number() -> sa.Column[int]:
    """Return a key that the database counts up."""
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """Return a column of moments in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Make every table."""
    make_deliveries()
    make_plans()
    make_slots_and_credentials()
    for name, (key, values, order) in ROSTER.items():
        make_versioned(name, key, values, order)


def make_deliveries() -> None:
    """Make deliveries and findings."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("district", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("day", sa.Date),
        instant("began_at", nullable=False),
        instant("sealed_at"),
        instant("decided_at"),
        instant("closed_at"),
        instant("reported_at"),
        sa.Column("content_hash", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String),
        sa.Column("format", sa.String),
        sa.Column("outcome", sa.String),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("totals", sa.JSON),
        sa.UniqueConstraint("district", "number"),
    )
    receiving = sa.text("state = 'receiving'")
    op.create_index(
        "ux_deliveries_receiving",
        "deliveries",
        ["district"],
        unique=True,
        sqlite_where=receiving,
        postgresql_where=receiving,
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state"])
    op.create_index("ix_deliveries_began_at", "deliveries", ["began_at"])
    op.create_table(
        "findings",
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("file", sa.String),
        sa.Column("column", sa.String),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("next_step", sa.String, nullable=False),
    )


def make_plans() -> None:
    """Make plans and holds."""
    op.create_table(
        "plans",
        number(),
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("district", sa.String, nullable=False),
        sa.Column("school_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("ground", sa.Integer, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("platform_school", sa.String),
        sa.Column("changes", sa.LargeBinary, nullable=False),
        sa.Column("closed_by", sa.String),
        sa.Column("reason", sa.String),
        instant("closed_at"),
        sa.UniqueConstraint("delivery", "school_id"),
    )
    op.create_index("ix_plans_hash", "plans", ["hash"])
    op.create_index("ix_plans_district_state", "plans", ["district", "state"])
    op.create_table(
        "holds",
        sa.Column(
            "plan", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.ForeignKey("plans.id"), primary_key=True
        ),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("numbers", sa.JSON, nullable=False),
    )


def make_slots_and_credentials() -> None:
    """Make grants, credentials and grounds."""
    op.create_table(
        "grants",
        number(),
        sa.Column("district", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        instant("granted_at", nullable=False),
    )
    op.create_index("ix_grants_district_day", "grants", ["district", "day"])
    op.create_table(
        "credentials",
        sa.Column("district", sa.String, primary_key=True),
        sa.Column("password_hash", sa.String, nullable=False),
        instant("changed_at", nullable=False),
    )
    op.create_table(
        "grounds",
        sa.Column("district", sa.String, primary_key=True),
        sa.Column("school_id", sa.String, primary_key=True),
        sa.Column("ground", sa.Integer, nullable=False),
        instant("moved_at", nullable=False),
    )


def make_versioned(name: str, key: tuple[str, ...], values: tuple[str, ...], order: tuple[str, ...]) -> None:
    """Make one roster table and the index of its current rows."""
    op.create_table(
        name,
        number(),
        sa.Column("district", sa.String, nullable=False),
        *(sa.Column(column, sa.String, nullable=False) for column in key),
        *(sa.Column(column, sa.String) for column in values),
        sa.Column("since_delivery", sa.Integer, nullable=False),
        sa.Column("until_delivery", sa.Integer),
        sa.ForeignKeyConstraint(["district", "since_delivery"], ["deliveries.district", "deliveries.number"]),
    )
    current = sa.text("until_delivery IS NULL")
    op.create_index(
        f"ux_{name}_current",
        name,
        ["district", *order],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
