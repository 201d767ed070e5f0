"""Many rows: on PostgreSQL versions get their numbers a million at a time, and packed rows are not packed once more.

Each number that a sequence gives out is the first of a block of its own, so that whoever copies rows into the table
numbers them without asking for each (`store.copying`).
"""

from alembic import op

revision = "0012"
down_revision = "0011"

NUMBERS = 1_000_000
VERSIONED = (
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
PACKED = (("applied_changes", "rows"), ("plans", "changes"), ("held_rows", "rows"))


def upgrade() -> None:
    """Let the sequences count in blocks, and the server store as it is what lz4 has compressed. Nothing on SQLite."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in VERSIONED:
        op.execute(f"ALTER SEQUENCE {table}_id_seq INCREMENT BY {NUMBERS}")
    for table, column in PACKED:
        op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" SET STORAGE EXTERNAL')
