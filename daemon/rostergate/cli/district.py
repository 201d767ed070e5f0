"""`rostergate district`: the tenants, their passwords and their slots."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import click

from rostergate import journal, store
from rostergate.cli.completing import DISTRICT
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.cli.removal import remove
from rostergate.config import set_enabled, write_district
from rostergate.core.calendar import day_of
from rostergate.gate.passwords import Passwords
from rostergate.service import notices
from rostergate.service.address import address
from rostergate.service.clock import utc_now
from rostergate.store import credentials, slots

if TYPE_CHECKING:
    from rostergate.config import District

PASSWORD_BYTES: Final = 18
"""144 bits, 24 characters that need no escaping in any client."""


@click.group()
def district() -> None:
    """Add, show, disable and remove districts; issue passwords, grant slots."""


@district.command()
@click.argument("slug")
@click.option("--name", required=True, help="The district's name, as people know it.")
@click.option("--time-zone", required=True, help="Its time zone, for example America/Chicago.")
@click.option("--recipient", "recipients", multiple=True, help="An e-mail address that is told; may be repeated.")
@as_json
@click.pass_obj
def add(place: Place, slug: str, *, name: str, time_zone: str, recipients: tuple[str, ...], as_json: bool) -> None:
    """Write the district's file and show its first password, once."""
    reached = address(place.spool, place.settings())
    path = write_district(place.config / "districts", slug, name=name, time_zone=time_zone, recipients=recipients)
    journal.note(journal.DISTRICT_ADDED, district=slug)
    password = run(_issue(place, place.district(slug)))
    access = {
        "slug": slug,
        "host": reached.host,
        "port": reached.port,
        "username": slug,
        "password": password,
    }
    host_keys = notices.fingerprints(place.spool)
    if as_json:
        print_json({**access, "host_keys": host_keys})
        return
    click.echo(f"{name} is a district now: {path}\n")
    rows = [(field, value) for field, value in access.items() if field != "slug"]
    for field, value in (*rows, *(("host key", one) for one in host_keys)):
        click.echo(f"{field:<10}{value}")  # no blanks after the value: it is copied
    click.echo(f"\nThe password is shown this once; `rostergate district password {slug}` issues another.")
    if not host_keys:
        click.echo(
            f"The host keys are made when the daemon first starts; `rostergate district show {slug}` shows them then."
        )


async def _issue(place: Place, district: District) -> str:
    settings, now = place.settings(), utc_now()
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    digest = Passwords(settings.passwords).digest(password)
    async with place.database() as engine, store.writing(engine, district.slug) as tx:
        await credentials.set_password(tx, district.slug, digest, now)
        await notices.tell_access(tx, settings, district, place.spool, now)
    journal.note(journal.PASSWORD_ISSUED, district=district.slug)
    return password


@district.command(name="list")
@as_json
@click.pass_obj
def list_districts(place: Place, *, as_json: bool) -> None:
    """List the districts."""
    districts = place.districts()
    rows = [_shown(districts[slug]) for slug in sorted(districts)]
    broken = [{"slug": slug, "error": error} for slug, error in sorted(districts.errors.items())]
    if as_json:
        print_json(rows + broken)
        return
    print_table(
        ("DISTRICT", "NAME", "TIME ZONE", "FORMAT", "ENABLED"),
        [
            (row["slug"], row["name"], row["time_zone"], row["format"], "yes" if row["enabled"] else "no")
            for row in rows
        ],
        empty="no districts yet; add one with `rostergate district add SLUG --name NAME --time-zone ZONE`",
    )
    for one in broken:
        click.echo(f"broken: {one['error']}", err=True)


@district.command()
@click.argument("slug", type=DISTRICT)
@as_json
@click.pass_obj
def show(place: Place, slug: str, *, as_json: bool) -> None:
    """Show one district: its settings, whether it has a password, and its slot of today."""
    found = place.district(slug)
    shown = {**_shown(found), **run(_standing(place, found))}
    if as_json:
        print_json(shown)
        return
    print_table(("", ""), [(field.replace("_", " "), _plain(value)) for field, value in shown.items()], empty="")


def _plain(value: object) -> object:
    """Return a value of JSON as people read it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return "\n".join(map(str, value)) or "-"
    return value


def _shown(district: District) -> dict[str, Any]:
    return {
        "slug": district.slug,
        "name": district.name,
        "time_zone": district.time_zone,
        "format": district.format,
        "enabled": district.enabled,
        "legacy": district.legacy,
        "matching": district.schools.matching,
        "authorized_keys": len(district.authorized_keys),
        "allowed_addresses": [str(one) for one in district.allowed_addresses],
        "recipients": list(district.recipients),
    }


async def _standing(place: Place, district: District) -> dict[str, Any]:
    day = day_of(utc_now(), district.zone)
    async with place.database() as engine, store.reading(engine) as tx:
        return {
            "password": "issued" if await credentials.password_hash(tx, district.slug) else "none",
            "day": day.isoformat(),
            "slots_used": await slots.used(tx, district.slug, day),
            "slots": 1 + await slots.granted(tx, district.slug, day),
            "host_keys": notices.fingerprints(place.spool),
        }


@district.command()
@click.argument("slug", type=DISTRICT)
@as_json
@click.pass_obj
def password(place: Place, slug: str, *, as_json: bool) -> None:
    """Issue a new password and show it, once; the old one stops working."""
    issued = run(_issue(place, place.district(slug)))
    if as_json:
        print_json({"slug": slug, "username": slug, "password": issued})
    else:
        click.echo(f"{issued}\n\nThis is the new password of {slug}; it is shown this once.")


@district.command()
@click.argument("slug", type=DISTRICT)
@as_json
@click.pass_obj
def grant(place: Place, slug: str, *, as_json: bool) -> None:
    """Let the district upload once more today."""
    found = place.district(slug)
    day = day_of(utc_now(), found.zone)
    run(_grant(place, found))
    if as_json:
        print_json({"slug": slug, "day": day.isoformat()})
    else:
        click.echo(f"{found.name} may upload once more on {day.isoformat()}.")


async def _grant(place: Place, district: District) -> None:
    now = utc_now()
    async with place.database() as engine, store.writing(engine, district.slug) as tx:
        await slots.grant(tx, district.slug, day_of(now, district.zone), now)
    journal.note(journal.SLOT_GRANTED, district=district.slug)


@district.command()
@click.argument("slug", type=DISTRICT)
@as_json
@click.pass_obj
def disable(place: Place, slug: str, *, as_json: bool) -> None:
    """Refuse the district's logins from now on; its roster stays as it is."""
    _set_enabled(place, slug, enabled=False, as_json=as_json)


@district.command()
@click.argument("slug", type=DISTRICT)
@as_json
@click.pass_obj
def enable(place: Place, slug: str, *, as_json: bool) -> None:
    """Let a disabled district in again."""
    _set_enabled(place, slug, enabled=True, as_json=as_json)


district.add_command(remove)


def _set_enabled(place: Place, slug: str, *, enabled: bool, as_json: bool) -> None:
    place.district(slug)
    set_enabled(place.config / "districts", slug, enabled=enabled)
    if as_json:
        print_json({"slug": slug, "enabled": enabled})
    elif enabled:
        click.echo(f"{slug} is enabled.")
    else:
        click.echo(f"{slug} is disabled; `rostergate district enable {slug}` lets it in again.")
