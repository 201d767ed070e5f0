"""The same files once more: what may be told without deciding again, and what may not."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from core.test_decide import changed, deliver
from golden.cases import FOLDER, contents, load
from rostergate import core
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy
from rostergate.store import deciding, deliveries
from rostergate.store.schema import conclusions
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.worker import unchanged

if TYPE_CHECKING:
    from pathlib import Path

    from core.test_decide import Files
    from worker.delivering import District

FEW = deliver(lambda school, number: school != "20" or number < 10)
"""A set in which one school has lost so many students that it is held."""


async def shortcut(district: District, files: Files, policy: Policy | None = None) -> bool:
    """Deliver the files; tell whether their verdict was told without reading them, which is then gone for good."""
    delivery = await district.sealed(files)
    hidden = district.spool.delivery(delivery)
    aside = hidden.with_name(f"{delivery}.aside")
    hidden.rename(aside)
    try:
        await district.walk(delivery, policy)
    except FileNotFoundError:
        aside.rename(hidden)
        await district.walk(delivery, policy)
        return False
    return True


async def undated(district: District, delivery: str) -> dict[str, Any]:
    """Return the published shape of a delivery without when it was decided and closed."""
    told = await district.shown(delivery)
    schools = [{**one, "closed_at": None} for one in told["schools"]]
    return {**told, "schools": schools, "decided_at": None, "closed_at": None}


async def test_the_same_files_are_not_decided_twice(district: District) -> None:
    """The second and third time nothing is read, and the answer is what the whole road would have said."""
    files = changed(deliver(), "teachers.csv", "t10@example.org", "nonsense")
    assert not await shortcut(district, files)
    assert await shortcut(district, files)
    told = await undated(district, "lincoln-00002")
    await _forget(district)
    assert not await shortcut(district, files)
    whole = await undated(district, "lincoln-00003")
    assert told["findings"] == whole["findings"] != []
    assert await shortcut(district, files)
    for one in (told, whole):
        one["delivery"] = ""
    assert told == whole
    assert (told["state"], {one["state"] for one in told["schools"]}) == ("settled", {"applied"})
    assert {counts["added"] + counts["updated"] + counts["removed"] for counts in told["totals"].values()} == {0}
    assert told["totals"]["students"]["unchanged"] == 180


async def _forget(district: District) -> None:
    async with district.writing() as tx:
        await tx.execute(conclusions.delete())


async def test_a_school_that_left_has_no_plan_any_more(district: District) -> None:
    """A school that was removed by the last delivery is not told again; matches are those of the whole road."""
    two = {
        name: b"".join(line for line in data.splitlines(keepends=True) if b"30" not in line)
        for name, data in deliver(lambda _school, number: number < 24).items()
    }
    platform = (PlatformSchool("p1", "Elementary 10"), PlatformSchool("p2", "Elementary 20", "20"))
    policy = Policy(holds=HoldLimits(removals_percent_max=100), platform_schools=platform)
    assert not await shortcut(district, deliver(lambda _school, number: number < 24), policy)
    assert not await shortcut(district, two, policy)
    assert len((await district.shown("lincoln-00002"))["schools"]) == 3
    assert await shortcut(district, two, policy)
    told = (await undated(district, "lincoln-00003"))["schools"]
    await _forget(district)
    assert not await shortcut(district, two, policy)
    whole = (await undated(district, "lincoln-00004"))["schools"]
    assert told == whole
    assert [one["platform_school"] for one in told] == ["p1", "p2"]


async def test_a_school_that_is_not_rostered_stays_so(district: District) -> None:
    """A deselected school does not stand in the way, and is told as such again."""
    policy = Policy(deselected=frozenset({"20", "30"}))
    assert not await shortcut(district, deliver(), policy)
    assert await shortcut(district, deliver(), policy)
    assert [one["state"] for one in (await district.shown("lincoln-00002"))["schools"]] == [
        "applied",
        "deselected",
        "deselected",
    ]


async def test_who_is_still_at_a_school_that_is_not_rostered_is_not_counted(district: District) -> None:
    """People who have left their other school count neither on the whole road nor without it."""
    case = load(FOLDER / "deselected-school-and-people-of-two")
    await district.deliver(contents(case.folder / "before"))
    files = contents(case.folder / "files")
    assert not await shortcut(district, files, case.policy())
    assert await shortcut(district, files, case.policy())
    await _forget(district)
    assert not await shortcut(district, files, case.policy())
    told, whole = [(await district.shown(f"lincoln-0000{number}"))["totals"] for number in (3, 4)]
    assert told == whole
    assert (told["teachers"]["unchanged"], told["students"]["unchanged"]) == (1, 2)


async def test_another_policy_decides_again(district: District) -> None:
    """Where the policy has changed in between, the whole road is taken; then the new one counts."""
    strict = Policy(holds=HoldLimits(removals_percent_max=1))
    assert not await shortcut(district, deliver())
    assert not await shortcut(district, deliver(), strict)
    assert await shortcut(district, deliver(), strict)
    assert not await shortcut(district, deliver())


async def test_other_files_decide_again(district: District) -> None:
    """One byte more is another delivery; so are the files of the day before yesterday."""
    other = deliver() | {"schools.csv": deliver()["schools.csv"] + b"40,Elementary 40\n"}
    assert not await shortcut(district, deliver())
    assert not await shortcut(district, other)
    assert not await shortcut(district, deliver())


async def test_what_is_held_decides_again(district: District) -> None:
    """While a plan waits, and after it was discarded, the same files are decided, and held, again."""
    assert not await shortcut(district, deliver())
    assert not await shortcut(district, FEW)
    assert not await shortcut(district, FEW)
    await district.close(deciding.discard)
    assert not await shortcut(district, FEW)
    assert (await district.shown("lincoln-00004"))["state"] == "planned"


async def test_a_release_decides_again(district: District) -> None:
    """After a release the roster is another one: the same files are decided once more, and only then are known."""
    assert not await shortcut(district, deliver())
    assert not await shortcut(district, FEW)
    await district.close(deciding.release)
    assert not await shortcut(district, FEW)
    assert (await district.shown("lincoln-00003"))["state"] == "settled"
    assert await shortcut(district, FEW)


async def test_a_refused_set_in_between_changes_nothing(district: District) -> None:
    """A delivery that was refused leaves the last accepted one what it was."""
    broken = deliver() | {"students.csv": b"\x00"}
    assert not await shortcut(district, deliver())
    assert not await shortcut(district, broken)
    assert await shortcut(district, deliver())


async def test_hashes_that_disagree_decide_again(district: District) -> None:
    """When the content is said to be equal and a file's hash is not, the whole road is taken, which refuses it."""
    assert not await shortcut(district, deliver())
    delivery = await district.sealed(deliver())
    async with district.writing() as tx:
        facts = (await deliveries.get(tx, delivery)).files
        named = [{**asdict(one), "name": one.name.replace("schools.csv", "school.csv")} for one in facts]
        await tx.execute(deliveries_table.update().where(deliveries_table.c.id == delivery).values(files=named))
    shutil.rmtree(district.spool.delivery(delivery))
    with pytest.raises(FileNotFoundError):
        await district.walk(delivery)


def test_the_pure_code_is_in_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file by its name and by what it says: a rule that was mended must not be skipped for the same files."""
    monkeypatch.setattr(core, "__file__", str(tmp_path / "__init__.py"))
    told = [unchanged.program.__wrapped__()]
    for name, text in (("rules.py", "a"), ("rules.py", "b"), ("more/rules.py", "b")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        told.append(unchanged.program.__wrapped__())
    assert len(set(told)) == 4


def test_every_setting_is_in_the_fingerprint() -> None:
    """Another value of any field of the policy is another fingerprint; the order of a set is not."""
    plain = Policy()
    others: dict[str, Any] = {
        "format": "direct",
        "encoding": "latin-1",
        "phone_region": "DE",
        "reading": replace(plain.reading, rows_max=1),
        "holds": replace(plain.holds, removals_rows_min=1),
        "school_holds": {"1": replace(plain.holds, removals_rows_min=1)},
        "matching": "review",
        "platform_schools": (PlatformSchool("1", "Lincoln"),),
        "made": frozenset({"1"}),
        "deselected": frozenset({"1"}),
        "forgotten": frozenset({"1"}),
    }
    assert others.keys() == asdict(plain).keys()
    made = {unchanged.fingerprint(replace(plain, **{name: value})) for name, value in others.items()}
    assert len(made | {unchanged.fingerprint(plain)}) == len(others) + 1
    many = [frozenset(map(str, order)) for order in (range(50), reversed(range(50)))]
    assert len({unchanged.fingerprint(replace(plain, deselected=one)) for one in many}) == 1
