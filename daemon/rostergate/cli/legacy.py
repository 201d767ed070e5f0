"""`rostergate legacy`: who still needs the port with old algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import store
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.store import legacy as logins

if TYPE_CHECKING:
    from rostergate.store.legacy import LegacyUse


@click.command()
@as_json
@click.pass_obj
def legacy(place: Place, *, as_json: bool) -> None:
    """Show which districts may use the legacy port, and which of them did, when and with what."""
    port = place.settings().server.legacy_port
    rows = run(_rows(place))
    if as_json:
        print_json({"legacy_port": port, "districts": rows})
        return
    click.echo(f"legacy port: {port}" if port else "legacy port: none (server.legacy_port is 0)")
    print_table(
        ("DISTRICT", "ALLOWED", "LOGINS", "LAST (UTC)", "CLIENT", "CIPHER", "MAC"),
        [
            (
                row["district"],
                "yes" if row["allowed"] else "no",
                row["logins"],
                (row["last_at"] or "-")[:16].replace("T", " "),
                row["client"] or "-",
                row["cipher"] or "-",
                row["mac"] or "-",
            )
            for row in rows
        ],
        empty="no district may use it, and none ever has",
    )


async def _rows(place: Place) -> list[dict[str, Any]]:
    districts = place.districts()
    async with place.database() as engine, store.reading(engine) as tx:
        used = await logins.used(tx)
    seen = {one.district for one in used}
    unused = [slug for slug in sorted(districts) if districts[slug].legacy and slug not in seen]
    return [
        *(
            _row(one.district, one, allowed=one.district in districts and districts[one.district].legacy)
            for one in used
        ),
        *(_row(slug, None, allowed=True) for slug in unused),
    ]


def _row(district: str, use: LegacyUse | None, *, allowed: bool) -> dict[str, Any]:
    return {
        "district": district,
        "allowed": allowed,
        "logins": use.logins if use else 0,
        "last_at": use.last_at.isoformat() if use else None,
        "client": use.client if use else None,
        "cipher": use.cipher if use else None,
        "mac": use.mac if use else None,
    }
