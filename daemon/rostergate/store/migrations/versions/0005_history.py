"""History: turns, so that the roster can be read as of any delivery and followed change by change; and undos."""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"

WHOLE_DISTRICT = ""
ROSTER = {
    # table: order of the current rows' index
    "schools": ("school_id",),
    "teachers": ("teacher_id",),
    "students": ("student_id",),
    "guardians": ("guardian_id",),
    "classes": ("school_id", "class_id"),
    "teacher_schools": ("teacher_id", "school_id"),
    "student_schools": ("student_id", "school_id"),
    "guardianships": ("guardian_id", "school_id", "student_id"),
    "class_teachers": ("school_id", "class_id", "teacher_id"),
    "enrollments": ("school_id", "class_id", "student_id"),
}


def upgrade() -> None:
    """Make the tables, and work out the grounds of what has been applied before."""
    make_tables()
    for name, order in ROSTER.items():
        op.add_column(name, sa.Column("since_ground", sa.Integer))
        op.add_column(name, sa.Column("until_ground", sa.Integer))
        ended = sa.text("until_ground IS NOT NULL")
        op.create_index(
            f"ix_{name}_ended",
            name,
            ["district", "until_ground", *order],
            sqlite_where=ended,
            postgresql_where=ended,
        )
    fill()


def make_tables() -> None:
    """Make undos, turns and the end of the feed."""
    op.create_table(
        "undos",
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("undone", sa.String, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("school_id", sa.String),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_index("ix_undos_undone", "undos", ["undone"])
    op.create_table(
        "turns",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("delivery", sa.String, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("district", sa.String, nullable=False),
        sa.Column("ground", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.JSON, nullable=False),
    )
    op.create_index("ix_turns_delivery", "turns", ["delivery"])
    op.create_index("ix_turns_district_position", "turns", ["district", "position"])
    op.create_table(
        "feed_end",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
    )


deliveries = sa.table(
    "deliveries",
    *(sa.column(name) for name in ("id", "district", "number", "outcome")),
    sa.column("decided_at", sa.DateTime(timezone=True)),
)
grounds = sa.table("grounds", *(sa.column(name) for name in ("district", "school_id", "ground")))
turns = sa.table(
    "turns",
    *(sa.column(name) for name in ("position", "delivery", "district", "ground")),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("rows", sa.JSON),
)
feed_end = sa.table("feed_end", sa.column("id"), sa.column("position"))
VERSIONED = ("id", "district", "since_delivery", "until_delivery", "since_ground", "until_ground")


def fill() -> None:
    """Give every decided delivery one turn, in the order of their decisions, and every version its grounds.

    Until now a plan that was released moved the ground once more under the same delivery. Which rows it changed is not
    known any more, so all changes of a delivery count as one turn; the last one's ground is the district's as it is.
    """
    connection = op.get_bind()
    rows = {name: rows_of(connection, name) for name in ROSTER}
    changed = {at for of_table in rows.values() for at in of_table}
    columns = deliveries.c.district, deliveries.c.number, deliveries.c.id, deliveries.c.decided_at
    decided = sa.select(*columns).where(deliveries.c.outcome.is_not(None), deliveries.c.decided_at.is_not(None))
    found = connection.execute(decided.order_by(deliveries.c.district, deliveries.c.number)).all()
    present = sa.select(grounds.c.district, grounds.c.ground).where(grounds.c.school_id == WHOLE_DISTRICT)
    reached = {one.district: one.ground for one in connection.execute(present)}
    made = []
    for district, group in groupby(found, key=lambda one: one.district):
        theirs = list(group)
        ground = reached.get(district, 0) - sum((district, one.number) in changed for one in theirs)
        latest = theirs[0].decided_at
        for one in theirs:
            ground += (district, one.number) in changed
            latest = max(latest, one.decided_at)  # a clock may have gone back; the order of the numbers counts
            told = {name: rows[name][district, one.number] for name in ROSTER if (district, one.number) in rows[name]}
            turn = {"delivery": one.id, "district": district, "ground": ground, "at": one.decided_at, "rows": told}
            made.append((latest, turn))
    made.sort(key=lambda one: one[0])
    if made:
        connection.execute(turns.insert(), [{**one, "position": place} for place, (_, one) in enumerate(made, 1)])
    connection.execute(feed_end.insert().values(id=1, position=len(made)))
    for name in ROSTER:
        date_versions(connection, name)


def rows_of(connection: sa.Connection, name: str) -> dict[tuple[str, int], dict[str, int]]:
    """Return, by district and delivery number, what each delivery did to a table: `store.turns.Rows`."""
    made = sa.table(name, *(sa.column(column) for column in VERSIONED))
    count = sa.func.count()
    began = sa.select(made.c.district, made.c.since_delivery, sa.func.min(made.c.id), sa.func.max(made.c.id), count)
    found: dict[tuple[str, int], dict[str, int]] = {}
    for district, number, first, last, rows in connection.execute(began.group_by(*began.selected_columns[:2])):
        found[district, number] = {"first": first, "last": last, "made": rows, "ended": 0}
    ended = sa.select(made.c.district, made.c.until_delivery, count).where(made.c.until_delivery.is_not(None))
    for district, number, rows in connection.execute(ended.group_by(*ended.selected_columns[:2])):
        found.setdefault((district, number), {"first": 0, "last": 0, "made": 0, "ended": 0})["ended"] = rows
    return found


def date_versions(connection: sa.Connection, name: str) -> None:
    """Set the grounds on a table's versions, from the turns of the deliveries that made and ended them."""
    made = sa.table(name, *(sa.column(column) for column in VERSIONED))

    def of(number: sa.ColumnClause[object]) -> sa.ScalarSelect[object]:
        turn = sa.select(turns.c.ground).join_from(deliveries, turns, turns.c.delivery == deliveries.c.id)
        return turn.where(deliveries.c.district == made.c.district, deliveries.c.number == number).scalar_subquery()

    connection.execute(
        made.update().values(since_ground=of(made.c.since_delivery), until_ground=of(made.c.until_delivery))
    )
