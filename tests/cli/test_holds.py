from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from cli.delivering import SLUG, deliver, district, files
from core.rosters import diff
from rostergate import store
from rostergate.core.snapshot import Snapshot
from rostergate.service.clock import utc_now
from rostergate.service.release_codes import ReleaseCodes
from rostergate.spool.folders import Spool
from rostergate.store import roster
from rostergate.store.schema import metadata
from servers import ENGINES

if TYPE_CHECKING:
    from cli.conftest import Commands

pytestmark = pytest.mark.parametrize("commands", ENGINES, indirect=True)

SCHOOLS = {"10": "Alder", "20": "Birch"}
FULL = files(SCHOOLS, {"10": range(60), "20": range(60)})
SHORT = files(SCHOOLS, {"10": range(30), "20": range(20)})
NEW_IDS = files(SCHOOLS, {"10": range(60), "20": range(60)}, mark="n")
WHO = ("--by", "Kim", "--reason", "checked by phone")


@pytest.fixture
def held(commands: Commands) -> Commands:
    """Give a district of which both schools are held, for half and for two thirds of their students."""
    district(commands)
    deliver(commands, FULL)
    deliver(commands, SHORT)
    return commands


def test_a_hold_explains_itself_and_names_its_rows(held: Commands) -> None:
    """`holds show` tells rule, numbers and rows; with --csv it prints exactly the rows, by their ids."""
    first = next(one for one in held.answer("holds") if one["school_id"] == "10" and one["code"] == "too-many-removals")
    told = held.answer("holds", "show", first["plan"])
    removals = next(one for one in told["holds"] if one["code"] == "too-many-removals")
    assert (removals["removed"], removals["of"], removals["rows_concerned"]) == (30, 60, 60)
    shown = held("holds", "show", first["plan"])
    assert "The school would lose 30 of 60 students (50.0 %)" in shown.output
    printed = held("holds", "show", first["plan"], "--csv").stdout
    rows = [row for row in csv.DictReader(io.StringIO(printed)) if row["hold"] == "too-many-removals"]
    assert {row["student_id"] for row in rows} == {f"s10-{one}" for one in range(30, 60)}
    assert {row["table"] for row in rows} == {"student_schools", "enrollments"}
    assert "Kid" not in printed


def test_a_name_moves_no_terminal_of_who_decides(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a district calls its school is shown, without what a terminal takes for a command or turns lines by."""
    monkeypatch.setenv("COLUMNS", "200")
    schools = {"10": "Alder\x1b[2J\u202eSchool"}
    district(commands)
    deliver(commands, files(schools, {"10": range(60)}))
    deliver(commands, files(schools, {"10": range(30)}))
    plan = commands.answer("holds")[0]["plan"]
    for asked in (("holds",), ("holds", "show", plan), ("discard", plan, *WHO)):
        output = commands(*asked).output
        assert "Alder\ufffd[2J\ufffdSchool" in output
        assert not {"\x1b", "\u202e"} & set(output)


def test_what_holds_all_schools_alike_is_told_once(held: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A district-wide hold stands below the table, however many schools wait for it; what a school has alone, in it."""
    monkeypatch.setenv("COLUMNS", "200")
    output = held("holds").output
    assert output.count("district-wide-removals, see below") == 2
    (told,) = [line for line in output.splitlines() if line.startswith(f"{SLUG}-00002, district-wide-removals: ")]
    assert "70 of 122" in told
    assert "would lose 30 of 60 students" in " ".join(output.split())


def test_it_is_told_for_how_long_a_school_has_waited(held: Commands) -> None:
    """Another delivery puts a new plan in the place of the old one; the school waits since the first."""
    first = held.answer("holds")[0]
    assert (first["held_deliveries"], first["held_since"] is not None) == (1, True)
    deliver(held, SHORT)
    told = {(one["held_since"], one["held_deliveries"]) for one in held.answer("holds")}
    assert told == {(first["held_since"], 2)}
    assert "s, 2 times" in held("holds").output
    plan = held.answer("holds")[0]["plan"]
    shown = held.answer("holds", "show", plan)
    assert (shown["held_since"], shown["held_deliveries"]) == (first["held_since"], 2)
    assert "on hold since 20" in held("holds", "show", plan).output
    (row,) = held.answer("status")["districts"]
    assert row["held_since"] == first["held_since"]
    assert {one["held_deliveries"] for one in held.answer("show", f"{SLUG}-00003")["schools"]} == {2}
    held.answer("release", plan, *WHO)
    assert held.answer("holds", "show", plan)["held_since"] is None


def test_a_district_waits_since_its_first_school(held: Commands) -> None:
    """Who decides about one school ends its wait; the next delivery may begin another one."""
    held.answer("discard", held.answer("holds")[0]["plan"], *WHO)
    deliver(held, SHORT)
    since = {one["school_id"]: one["held_since"] for one in held.answer("holds")}
    assert len(set(since.values())) == len(since) == 2
    (row,) = held.answer("status")["districts"]
    assert row["held_since"] == min(since.values())


def test_new_ids_are_told_as_new_ids(commands: Commands) -> None:
    """When the SIS gives everybody a new id, that is said instead of how many left."""
    district(commands)
    deliver(commands, FULL)
    deliver(commands, NEW_IDS)
    found = commands.answer("holds")
    assert {one["code"] for one in found} == {"reissued-ids"}
    assert found[0]["message"].startswith("Ids appear to have been reissued: 60 students would leave and come back")


def test_all_plans_of_a_district_are_released_at_once(held: Commands) -> None:
    """--all needs the district, and --yes where nobody can be asked."""
    assert held("release", "--all", *WHO).exit_code == 2
    unasked = held("release", "--all", "--district", SLUG, *WHO)
    assert (unasked.exit_code, "look with `rostergate holds`, then say --yes" in unasked.stderr) == (2, True)
    assert len(held.answer("holds")) == 4
    closed = held.answer("release", "--all", "--district", SLUG, "--yes", *WHO)
    assert [(one["name"], one["state"]) for one in closed] == [("Alder", "applied"), ("Birch", "applied")]
    assert held.answer("holds") == []
    assert held.answer("roster")[0]["students"] == 50


def test_several_plans_are_released_all_or_none(held: Commands) -> None:
    """When the ground of one has moved, only that one is worked out again; the others wait as they did."""
    before = {one["school_id"]: one["plan"] for one in held.answer("holds")}
    asyncio.run(_move(held))
    refused = held("release", before["20"], before["10"], *WHO)
    assert (refused.exit_code, "Nothing else was changed" in refused.output) == (1, True)
    after = {one["school_id"]: one["plan"] for one in held.answer("holds")}
    assert (after["20"], after["10"] != before["10"]) == (before["20"], True)
    assert held.answer("roster")[0]["students"] == 119


def test_a_school_that_the_file_has_deselected_since_is_not_released(held: Commands) -> None:
    """Nothing of it is written: the plan can only be discarded, and so can all that were named with it."""
    district(held, '[schools]\ndeselected = ["20"]\n')
    refused = held("release", "--district", SLUG, "--all", "--yes", *WHO)
    assert (refused.exit_code, "School 20 is deselected in the file" in refused.output) == (1, True)
    assert held.answer("roster")[0]["students"] == 120
    assert {one["state"] for one in held.answer("discard", "--delivery", f"{SLUG}-00002", *WHO)} == {"discarded"}


def test_a_broken_file_of_the_district_stops_a_release_and_no_discard(held: Commands) -> None:
    """Whether the school is deselected cannot be known, so nothing is written; a discard is done, its report later."""
    district(held, "nonsense = ")
    plan = held.answer("holds")[0]["plan"]
    refused = held("release", plan, *WHO)
    assert (refused.exit_code, f"{SLUG}.toml" in refused.stderr) == (2, True)
    assert plan in {one["plan"] for one in held.answer("holds")}
    done = held("discard", plan, *WHO)
    assert (done.exit_code, done.stdout.startswith(f"discarded: plan {plan}")) == (0, True)
    assert f"the report of {SLUG}-00002 is written later" in done.stderr
    assert plan not in {one["plan"] for one in held.answer("holds")}


def test_a_plan_whose_ground_has_moved_is_worked_out_again(held: Commands) -> None:
    """The release is refused and names the plan that took its place, which can then be released."""
    old = next(one["plan"] for one in held.answer("holds") if one["school_id"] == "10")
    asyncio.run(_move(held))
    refused = held("release", old, *WHO)
    assert refused.exit_code == 1
    new = next(one["plan"] for one in held.answer("holds") if one["school_id"] == "10")
    assert new != old
    assert f"worked out again and waits as plan {new}" in refused.output
    assert held.answer("roster")[0]["students"] == 119
    assert held("release", old, *WHO).exit_code == 1
    assert held.answer("release", new, *WHO)[0]["state"] == "applied"
    assert held.answer("roster")[0]["students"] == 90


def test_a_release_code_releases_the_plan_of_its_mail(held: Commands) -> None:
    """The code that the mail carries is as good as the plan's name, once; the district is told what became of it."""

    async def code() -> str:
        engine = store.open(held.location)
        async with store.reading(engine) as tx:
            made = await ReleaseCodes(Spool(held.folder / "state"), 72).of(tx, f"{SLUG}-00002", utc_now())
        await engine.dispose()
        return min(made.values())

    given = asyncio.run(code())
    (released,) = held.answer("release", "--code", given.lower(), *WHO)
    assert (released["delivery"], released["state"]) == (f"{SLUG}-00002", "applied")
    again = held("release", "--code", given, *WHO)
    assert again.exit_code == 1
    assert "used or is out of date" in again.stderr
    assert "no release code of this server" in held("release", "--code", "A" * 32, *WHO).stderr


async def _move(held: Commands) -> None:
    """Take one student out of the school, as an undo could have done."""
    engine = store.open(held.location)
    async with store.writing(engine) as tx:
        now = await roster.load(tx, SLUG)
        gone = {name: frame.clone() for name, frame in now.items()}
        for name in ("students", "student_schools", "enrollments"):
            gone[name] = gone[name].filter(gone[name]["student_id"] != "s10-59")
        changes = diff(now, Snapshot(gone, {})).values()
        await roster.apply(tx, SLUG, changes, f"{SLUG}-00002", utc_now())
    await engine.dispose()


async def _everything(held: Commands) -> dict[str, list[str]]:
    """Return every row of the database."""
    engine = store.open(held.location)
    async with store.reading(engine) as tx:
        found = {one.name: sorted(map(str, await tx.execute(sa.select(one)))) for one in metadata.sorted_tables}
    await engine.dispose()
    return found


def test_other_limits_can_be_tried(held: Commands) -> None:
    """What would have been held under other limits is told for each delivery; nothing changes."""
    before = asyncio.run(_everything(held))
    wide = ("--removals-percent", "60", "--district-removals-percent", "90")
    first, second = held.answer("holds", "try", "--district", SLUG, *wide)
    assert asyncio.run(_everything(held)) == before
    assert (first["held_then"], first["held_now"], first["schools"]) == ([], [], 2)
    assert {one["school_id"] for one in second["held_then"]} == {"10", "20"}
    assert second["held_now"] == [{"school_id": "20", "codes": ["too-many-removals"]}]
    _, strict = held.answer("holds", "try", "--district", SLUG, "--removals-percent", "15")
    assert {one["school_id"] for one in strict["held_now"]} == {"10", "20"}
    assert held("holds", "try", "--district", SLUG).exit_code == 2


def test_limits_are_tried_without_schools_that_were_not_rostered(held: Commands) -> None:
    """A district's share is one of the people who were rostered: the same as on the day itself."""
    held("discard", "--delivery", f"{SLUG}-00002", *WHO)
    district(held, '[schools]\ndeselected = ["20"]\n')
    deliver(held, files(SCHOOLS, {"10": range(25), "20": range(20)}))
    *_, third = held.answer("holds", "try", "--district", SLUG, "--removals-percent", "99")
    assert {one["school_id"] for one in third["held_then"]} == {"10"}
    assert third["held_now"] == [{"school_id": "10", "codes": ["district-wide-removals"]}]


def test_status_counts_the_schools(held: Commands) -> None:
    """`status` tells how many schools stand where."""
    (row,) = held.answer("status")["districts"]
    assert row["schools"] == {"on hold": 2}
