"""The schema: every table of the database.

Rule 1: nothing here belongs to one database engine. Instants are `Instant`, structured values are JSON, and a partial
index carries its condition for SQLite and PostgreSQL alike.
Rule 2: a roster row is a version. `since_delivery` made it and `until_delivery` ended it (NULL: it is current), both as
delivery numbers of the district; `since_ground` and `until_ground` are the district's ground after that change, and
`turns` tells what happened on each ground. Rows are ended, never changed; those that ended below the floor of their
district may be purged, and those of a person who is erased go. Per key at most one is current. No constraint holds a
version to its delivery: looking that up for each row took two thirds of a first load into PostgreSQL. `checking` does.
Rule 3: a change here is a new migration; a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core.roster import TABLES
from rostergate.store.instant import Instant

if TYPE_CHECKING:
    from rostergate.core.roster import Table


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_JSON: Final = sa.JSON(none_as_null=True)


def _number() -> sa.Column[int]:
    """Return a key that the database counts up."""
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _only_where(name: str, *columns: sa.Column[Any], condition: sa.ColumnElement[bool], unique: bool) -> sa.Index:
    return sa.Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _told_by(table: sa.Table, column: str) -> None:
    """Index a table by the turns that tell its rows."""
    told = table.c[column]
    _only_where(f"ix_{table.name}_{column}", table.c.district, told, condition=told.is_not(None), unique=False)


deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # district and number: lincoln-00017
    sa.Column("district", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # core.delivery.State
    sa.Column("day", sa.Date),  # whose slot it uses
    sa.Column("began_at", Instant, nullable=False),
    sa.Column("sealed_at", Instant),
    sa.Column("decided_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("reported_at", Instant),  # NULL: the report is to be written (again)
    sa.Column("content_hash", sa.String),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.String),
    sa.Column("format", sa.String),
    sa.Column("outcome", sa.String),  # core.verdict.Outcome
    sa.Column("files", _JSON, nullable=False),
    sa.Column("totals", _JSON),
    sa.UniqueConstraint("district", "number"),
)
_only_where(
    "ux_deliveries_receiving",
    deliveries.c.district,
    condition=deliveries.c.state == sa.literal_column("'receiving'"),
    unique=True,
)
_only_where(
    "ix_deliveries_unreported",
    deliveries.c.district,
    condition=deliveries.c.reported_at.is_(None),
    unique=False,
)
sa.Index("ix_deliveries_state", deliveries.c.state)
sa.Index("ix_deliveries_began_at", deliveries.c.began_at)
sa.Index("ix_deliveries_district_sealed_at", deliveries.c.district, deliveries.c.sealed_at)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("delivery", sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("file", sa.String),
    sa.Column("column", sa.String),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("lines", _JSON, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("next_step", sa.String, nullable=False),
)

plans = sa.Table(
    "plans",
    metadata,
    _number(),
    sa.Column("delivery", sa.ForeignKey("deliveries.id"), nullable=False),
    sa.Column("district", sa.String, nullable=False),
    sa.Column("school_id", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # core.plan_state.State
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("ground", sa.Integer, nullable=False),  # of its school, when it was worked out
    sa.Column("counts", _JSON, nullable=False),
    sa.Column("platform_school", sa.String),
    # core.plan.pack; empty where the plan was applied at once: then `applied_changes` has them
    sa.Column("changes", sa.LargeBinary, nullable=False),
    sa.Column("closed_by", sa.String),
    sa.Column("reason", sa.String),
    sa.Column("closed_at", Instant),
    sa.UniqueConstraint("delivery", "school_id"),
)
sa.Index("ix_plans_hash", plans.c.hash)
sa.Index("ix_plans_district_state", plans.c.district, plans.c.state)
sa.Index("ix_plans_district_school_id", plans.c.district, plans.c.school_id)

applied_changes = sa.Table(
    "applied_changes",
    metadata,
    sa.Column("delivery", sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("table", sa.String, primary_key=True),  # canonical
    sa.Column("rows", sa.LargeBinary, nullable=False),  # core.plan.packed_rows; with `place`, the school's id
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("plan", sa.ForeignKey("plans.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("numbers", _JSON, nullable=False),
)

held_rows = sa.Table(
    "held_rows",
    metadata,
    sa.Column("plan", sa.ForeignKey("plans.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),  # of the hold
    sa.Column("rows", sa.LargeBinary, nullable=False),  # core.concerned.pack
)

left_out = sa.Table(
    "left_out",
    metadata,
    sa.Column("plan", sa.ForeignKey("plans.id"), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),  # of the school, in the files but not usable; more than 0
)

platform_schools = sa.Table(
    "platform_schools",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("loaded_at", Instant, nullable=False),
)

school_decisions = sa.Table(
    "school_decisions",
    metadata,
    _number(),
    sa.Column("district", sa.String, nullable=False),
    sa.Column("school_id", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False),  # core.matching.Decision; the newest of a school counts
    sa.Column("platform_school", sa.String),
    sa.Column("decided_by", sa.String),  # NULL: by name, when its plan was applied
    sa.Column("decided_at", Instant, nullable=False),
    sa.Column("position", sa.BigInteger),  # of the turn that tells it; see store.states
)
sa.Index("ix_school_decisions_district_school_id", school_decisions.c.district, school_decisions.c.school_id)
_told_by(school_decisions, "position")

platform_accounts = sa.Table(
    "platform_accounts",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("account", sa.String, primary_key=True),
    sa.Column("role", sa.String),  # a table of people; NULL: any of them
    sa.Column("email", sa.String),
    sa.Column("phone", sa.String),
)
sa.Index("ix_platform_accounts_district_email", platform_accounts.c.district, platform_accounts.c.email)
sa.Index("ix_platform_accounts_district_phone", platform_accounts.c.district, platform_accounts.c.phone)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("role", sa.String, primary_key=True),  # the person's canonical table
    sa.Column("person_id", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),  # core.account.State; who has no row is offered one
    sa.Column("account", sa.String),  # the platform's, where it had one
    sa.Column("linked_by", sa.String),  # "email" or "phone"
    sa.Column("linked_at", Instant),
    sa.Column("claimed_at", Instant),
    sa.Column("linked_position", sa.BigInteger),  # of the turn that tells it, as the next one; see store.states
    sa.Column("claimed_position", sa.BigInteger),
)
sa.Index("ix_accounts_district_account", accounts.c.district, accounts.c.account)
_told_by(accounts, "linked_position")
_told_by(accounts, "claimed_position")

live_classes = sa.Table(
    "live_classes",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("school_id", sa.String, primary_key=True),
    sa.Column("class_id", sa.String, primary_key=True),
    sa.Column("live_at", Instant, nullable=False),
    sa.Column("position", sa.BigInteger),  # of the turn that tells it; see store.states
)
_told_by(live_classes, "position")

conclusions = sa.Table(
    "conclusions",
    metadata,
    sa.Column("delivery", sa.ForeignKey("deliveries.id"), primary_key=True),  # an accepted one
    sa.Column("ground", sa.Integer, nullable=False),  # the district's, after its clear plans were applied
    sa.Column("fingerprint", sa.String, nullable=False),  # of the policy and the program that decided
)

undos = sa.Table(
    "undos",
    metadata,
    sa.Column("delivery", sa.ForeignKey("deliveries.id"), primary_key=True),  # one without files
    sa.Column("undone", sa.ForeignKey("deliveries.id"), nullable=False),
    sa.Column("school_id", sa.String),  # NULL: the whole district
    sa.Column("asked_by", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
)
sa.Index("ix_undos_undone", undos.c.undone)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),  # counts up in the order of commits
    sa.Column("delivery", sa.ForeignKey("deliveries.id")),  # NULL: only where rows stand has changed
    sa.Column("district", sa.String, nullable=False),
    sa.Column("ground", sa.Integer, nullable=False),  # the district's, after it
    sa.Column("at", Instant, nullable=False),
    sa.Column("rows", _JSON, nullable=False),  # store.turns.Rows by canonical table; empty: the roster stayed as it was
    sa.Column("renumbered", sa.Integer, nullable=False, default=0, server_default="0"),  # times it has lost lines
    sa.Column("erased", _JSON),  # NULL, or who was erased by it: table, salt, sha256
)
sa.Index("ix_turns_delivery", turns.c.delivery)
sa.Index("ix_turns_district_position", turns.c.district, turns.c.position)

feed_end = sa.Table(
    "feed_end",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("position", sa.BigInteger, nullable=False),  # of the last turn
)

grants = sa.Table(
    "grants",
    metadata,
    _number(),
    sa.Column("district", sa.String, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("granted_at", Instant, nullable=False),
)
sa.Index("ix_grants_district_day", grants.c.district, grants.c.day)

credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("password_hash", sa.String, nullable=False),  # argon2id
    sa.Column("changed_at", Instant, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    _number(),
    sa.Column("kind", sa.String, nullable=False),  # core.notices.Kind
    sa.Column("about", sa.String, nullable=False),
    sa.Column("district", sa.String),
    sa.Column("delivery", sa.ForeignKey("deliveries.id")),
    sa.Column("recipient", sa.String, nullable=False),
    sa.Column("facts", _JSON, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # store.outbox.State
    sa.Column("written_at", Instant, nullable=False),
    sa.Column("next_try_at", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("error", sa.String),
    sa.Column("closed_at", Instant),
    sa.UniqueConstraint("kind", "about", "recipient"),
)
sa.Index("ix_outbox_state_next_try_at", outbox.c.state, outbox.c.next_try_at)

legacy_logins = sa.Table(
    "legacy_logins",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("logins", sa.Integer, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("client", sa.String, nullable=False),  # of the last login, as the next two
    sa.Column("cipher", sa.String, nullable=False),
    sa.Column("mac", sa.String, nullable=False),
)

WHOLE_DISTRICT: Final = ""
"""The `school_id` of the ground that counts every change of a district; no school has an empty id."""

grounds = sa.Table(
    "grounds",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("school_id", sa.String, primary_key=True),
    sa.Column("ground", sa.Integer, nullable=False),  # counts up with every change of the roster
    sa.Column("moved_at", Instant, nullable=False),
)


floors = sa.Table(
    "floors",
    metadata,
    sa.Column("district", sa.String, primary_key=True),
    sa.Column("ground", sa.Integer, nullable=False),  # the oldest one on which the district's roster is whole
    sa.Column("position", sa.BigInteger, nullable=False),  # of the last turn on or below it
    sa.Column("at", Instant, nullable=False),  # of that turn
)


def key_order(table: Table) -> tuple[str, ...]:
    """Return the key columns, most selective person first: the order of the current rows' index.

    It serves two questions: which row has this key, and, for the ties that keep people, which ties has this person.
    """
    for people in TABLES.values():
        if table.name in people.tied_by:
            return (*people.key, *(column for column in table.key if column not in people.key))
    return table.key


def _versioned(table: Table) -> sa.Table:
    made = sa.Table(
        table.name,
        metadata,
        _number(),
        sa.Column("district", sa.String, nullable=False),
        *(sa.Column(column, sa.String, nullable=False) for column in table.key),
        *(sa.Column(column, sa.String) for column in table.values),
        sa.Column("since_delivery", sa.Integer, nullable=False),
        sa.Column("until_delivery", sa.Integer),
        # Set on every row; without NOT NULL because SQLite cannot add such a column to a table that has rows.
        sa.Column("since_ground", sa.Integer),
        sa.Column("until_ground", sa.Integer),
    )
    _only_where(
        f"ix_{table.name}_ended",
        made.c.district,
        made.c.until_ground,
        *(made.c[column] for column in key_order(table)),
        condition=made.c.until_ground.is_not(None),
        unique=False,
    )
    _only_where(
        f"ux_{table.name}_current",
        made.c.district,
        *(made.c[column] for column in key_order(table)),
        condition=made.c.until_delivery.is_(None),
        unique=True,
    )
    return made


roster = {name: _versioned(table) for name, table in TABLES.items()}
"""The versioned rows of every canonical table, by its name."""
