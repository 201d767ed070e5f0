"""`rostergate accounts` and `claim`: accounts that the platform has already, and teachers who take theirs."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rostergate import store
from rostergate.cli import tables
from rostergate.cli.completing import DISTRICT
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.core.values import e164
from rostergate.desk.words import counted
from rostergate.errors import Refused
from rostergate.service.clock import utc_now
from rostergate.store import accounts as stored
from rostergate.store.accounts import PlatformAccount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.cli.progress import Told

_ROLES: Final = {"teacher": "teachers", "student": "students", "guardian": "guardians", "": None}
_COLUMNS: Final = frozenset({"account_id", "role", "email", "phone"})


@click.group()
def accounts() -> None:
    """Load the accounts that the platform has already, so that nobody gets a second one."""


@accounts.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--district", "slug", type=DISTRICT, help="The district whose people they are; otherwise a column `district` says."
)
@as_json
@click.pass_obj
def load(place: Place, file: Path, *, slug: str | None, as_json: bool) -> None:
    """Load accounts from a CSV file: columns account_id, email, phone and, if known, role (teacher, student, guardian).

    Without --district a column district says whose they are. They take the place of what was loaded before. Whoever in
    the roster has the same e-mail address, or else the same phone number, is linked at once, and so is everybody who
    comes with later deliveries. What fits two people, or two accounts, links nobody.
    """
    with progress(f"reading {file.name}") as told:
        found = _read(place, file, slug, told)
    with progress("linking people"):
        linked = run(_load(place, found))
    if as_json:
        print_json([{"district": one, "accounts": len(found[one]), "linked": linked[one]} for one in found])
        return
    for one, listed in found.items():
        loaded = f"{counted(len(listed), 'account')} of the platform loaded"
        click.echo(f"{one}: {loaded}, {counted(linked[one], 'person', 'people')} linked")


def _read(place: Place, file: Path, slug: str | None, told: Told) -> dict[str, list[PlatformAccount]]:
    needed = frozenset({"account_id"} if slug else {"account_id", "district"})
    found: dict[str, dict[str, PlatformAccount]] = defaultdict(dict)
    regions: dict[str, str] = {}
    for line, row in tables.rows(file, needed=needed, known=needed | _COLUMNS):
        told(line, None)
        where = f"{file}, line {line}"
        whose, account, role = slug or row["district"], row["account_id"], row.get("role", "").lower()
        if not account:
            raise Refused(f"{where}: account_id is empty; fill it in")
        if role not in _ROLES:
            raise Refused(f"{where}: {role} is no role; expected teacher, student, guardian or nothing")
        if whose not in regions:
            regions[whose] = place.district(whose).phone_region
        if account in found[whose]:
            raise Refused(f"{where}: the account_id is there twice; take one of the rows away")
        email, phone = row.get("email", "").lower() or None, row.get("phone", "")
        number = e164(phone, regions[whose]) if phone else None
        if phone and number is None:
            raise Refused(f"{where}: the phone number cannot be called; correct it or leave it empty")
        if not email and not number:
            raise Refused(f"{where}: neither e-mail address nor phone number; the account could not be recognised")
        found[whose][account] = PlatformAccount(account, _ROLES[role], email, number)
    if not found:
        raise Refused(f"{file} has no accounts; nothing was changed")
    return {one: list(listed.values()) for one, listed in found.items()}


async def _load(place: Place, found: Mapping[str, list[PlatformAccount]]) -> dict[str, int]:
    async with place.database() as engine, store.writing(engine) as tx:
        return {slug: await stored.load(tx, slug, listed, utc_now()) for slug, listed in found.items()}


@accounts.command(name="list")
@click.option("--district", "slug", type=DISTRICT, required=True, help="The district whose people they are.")
@click.option("--classes", is_flag=True, help="The classes, pending or live, instead of the people.")
@as_json
@click.pass_obj
def list_accounts(place: Place, *, slug: str, classes: bool, as_json: bool) -> None:
    """List the people of the roster whose account is linked or claimed; everybody else's is offered."""
    place.assert_known(slug)
    rows = run(_classes(place, slug) if classes else _people(place, slug))
    if as_json:
        print_json(rows)
        return
    names = ("school_id", "class_id", "state") if classes else ("role", "person_id", "state", "account")
    headings = [name.replace("_", " ").upper() for name in names]
    empty = "no classes yet" if classes else "nobody is linked or has claimed an account yet"
    print_table(headings, [[row[name] for name in names] for row in rows], empty=empty)


async def _people(place: Place, slug: str) -> list[dict[str, str | None]]:
    names = {table: role for role, table in _ROLES.items() if table}
    async with place.database() as engine, store.reading(engine) as tx:
        return [
            {"role": names[table], "person_id": person, "state": state, "account": account}
            for table, person, state, account in await stored.listed(tx, slug)
        ]


async def _classes(place: Place, slug: str) -> list[dict[str, str | None]]:
    async with place.database() as engine, store.reading(engine) as tx:
        return [
            {"school_id": school, "class_id": one, "state": state.value}
            for school, one, state in await stored.classes(tx, slug)
        ]


@click.command()
@click.argument("teacher")
@click.option("--district", "slug", type=DISTRICT, required=True, help="The teacher's district.")
@as_json
@click.pass_obj
def claim(place: Place, teacher: str, *, slug: str, as_json: bool) -> None:
    """Note that TEACHER (the SIS's id) has taken the account: the teacher's classes are live from now on."""
    place.assert_known(slug)
    live = run(_claim(place, teacher, slug))
    if as_json:
        print_json({"district": slug, "teacher_id": teacher, "state": "claimed", "classes_live": live})
    else:
        click.echo(f"claimed: teacher {teacher} of {slug}; live now: {counted(live, 'class', 'classes')}")


async def _claim(place: Place, teacher: str, slug: str) -> int:
    async with place.database() as engine, store.writing(engine) as tx:
        return await stored.claim(tx, slug, teacher, utc_now())
