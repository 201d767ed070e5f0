"""Versions of roster rows refer to their delivery by its number alone.

A constraint looked the delivery up for each row: of a first load into PostgreSQL that took two thirds of the time.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

ROSTER = (
    "schools",
    "teachers",
    "students",
    "guardians",
    "classes",
    "teacher_schools",
    "student_schools",
    "guardianships",
    "class_teachers",
    "enrollments",
)


def upgrade() -> None:
    """Drop the constraint of each table; on SQLite that writes the table anew."""
    for name in ROSTER:
        with op.batch_alter_table(name) as table:
            table.drop_constraint(f"fk_{name}_district", type_="foreignkey")
