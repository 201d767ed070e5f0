from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cli.delivering import SLUG, deliver, district, files
from servers import ENGINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.conftest import Commands

pytestmark = pytest.mark.parametrize("commands", ENGINES, indirect=True)

SCHOOLS = {"10": "Alder", "20": "Birch"}
SENT = files(SCHOOLS, {"10": range(3), "20": range(3)})


@pytest.fixture
def rostered(commands: Commands) -> Commands:
    """Give a district whose schools are in the roster."""
    district(commands)
    deliver(commands, SENT)
    return commands


def load(commands: Commands, *rows: str, header: str = "account_id,role,email,phone") -> Any:
    """Load accounts and return how the command ended."""
    path = commands.folder / "accounts.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return commands("accounts", "load", str(path), "--district", SLUG)


def states(commands: Commands) -> tuple[dict[str, int], dict[str, int]]:
    """Return the counts of accounts and of classes by state."""
    (row,) = commands.answer("roster")
    return row["accounts"], row["class_states"]


def people(commands: Commands) -> list[tuple[str, str, str, str | None]]:
    """Return who is linked or has claimed."""
    found = commands.answer("accounts", "list", "--district", SLUG)
    return [(one["role"], one["person_id"], one["state"], one["account"]) for one in found]


def test_accounts_are_offered_and_classes_pending(rostered: Commands) -> None:
    """As soon as a plan is applied everybody has an account; a class waits for its teacher."""
    assert states(rostered) == ({"offered": 8, "linked": 0, "claimed": 0}, {"pending": 2, "live": 0})


def test_a_claim_makes_the_teachers_classes_live(rostered: Commands) -> None:
    """The classes of that teacher are live, the others are not; a second claim and a stranger's are refused."""
    assert rostered.answer("claim", "t10", "--district", SLUG)["classes_live"] == 1
    assert states(rostered) == ({"offered": 7, "linked": 0, "claimed": 1}, {"pending": 1, "live": 1})
    classes = rostered.answer("accounts", "list", "--classes", "--district", SLUG)
    assert [(one["class_id"], one["state"]) for one in classes] == [("c10", "live"), ("c20", "pending")]
    assert rostered("claim", "t10", "--district", SLUG).exit_code == 1
    assert rostered("claim", "t99", "--district", SLUG).exit_code == 1


def test_an_account_that_is_there_is_linked_not_doubled(commands: Commands) -> None:
    """Whoever comes with an address that the platform knows is linked; a linked teacher's class is live at once."""
    district(commands)
    assert load(commands, "a-1,teacher,T10@school.example,", "a-2,,x20.1@home.example,").exit_code == 0
    deliver(commands, SENT)
    assert people(commands) == [("teacher", "t10", "linked", "a-1"), ("student", "s20-1", "linked", "a-2")]
    assert states(commands) == ({"offered": 6, "linked": 2, "claimed": 0}, {"pending": 1, "live": 1})


def test_people_of_the_roster_are_linked_when_accounts_are_loaded(rostered: Commands) -> None:
    """Loading again links nobody twice and takes no link away."""
    assert "1 person linked" in load(rostered, "a-1,,t10@school.example,").output
    assert "0 people linked" in load(rostered, "a-9,,t10@school.example,").output
    assert people(rostered) == [("teacher", "t10", "linked", "a-1")]


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("--csv", lambda path: pl.read_csv(path, infer_schema=False)),
        ("--parquet", pl.read_parquet),
        ("--ndjson", lambda path: pl.read_ndjson(path, infer_schema_length=None)),
    ],
)
def test_an_export_tells_whose_account_is_what(
    rostered: Commands, form: str, read: Callable[[Path], pl.DataFrame]
) -> None:
    """Each person has a state, and the platform's id where it was linked; each class is pending or live."""
    load(rostered, "a-1,,t10@school.example,", "a-2,student,x20.1@home.example,")
    rostered.answer("claim", "t20", "--district", SLUG)
    folder = rostered.folder / "out"
    assert rostered("roster", form, "--output", str(folder)).exit_code == 0
    found = {name: read(folder / f"{name}.{form[2:]}") for name in ("teachers", "students", "classes")}
    assert found["teachers"].select("teacher_id", "account_state", "account").rows() == [
        ("t10", "linked", "a-1"),
        ("t20", "claimed", None),
    ]
    linked = found["students"].filter(pl.col("account_state") != "offered")
    assert linked.select("student_id", "account_state", "account").rows() == [("s20-1", "linked", "a-2")]
    assert found["students"].height == 6
    assert found["classes"].select("class_id", "class_state").rows() == [("c10", "live"), ("c20", "live")]


def test_what_fits_two_links_nobody(rostered: Commands) -> None:
    """Two accounts of one address, and an account of another role, are linked to nobody."""
    load(rostered, "a-1,,t10@school.example,", "a-2,,t10@school.example,", "a-3,guardian,t20@school.example,")
    assert people(rostered) == []


def test_whoever_returns_has_the_same_account(rostered: Commands) -> None:
    """A teacher who was archived and comes back is claimed as before, and so is the class live."""
    rostered.answer("claim", "t10", "--district", SLUG)
    deliver(rostered, files({"20": "Birch"}, {"20": range(3)}))
    assert (people(rostered), states(rostered)[1]) == ([], {"pending": 1, "live": 0})
    deliver(rostered, SENT)
    assert people(rostered) == [("teacher", "t10", "claimed", None)]
    assert states(rostered)[1] == {"pending": 1, "live": 1}


def test_a_class_stays_live_when_its_teacher_leaves(rostered: Commands) -> None:
    """Live is for good; a new class of an active teacher is live at once."""
    rostered.answer("claim", "t10", "--district", SLUG)
    swapped = SENT["classes.csv"].replace(b"Maths,t10", b"Maths,t20") + b"c11,10,Art,t10\n"
    sent = {**SENT, "classes.csv": swapped, "enrollments.csv": SENT["enrollments.csv"] + b"c11,s10-1\n"}
    deliver(rostered, sent)
    classes = rostered.answer("accounts", "list", "--classes", "--district", SLUG)
    assert {one["class_id"]: one["state"] for one in classes} == {"c10": "live", "c11": "live", "c20": "pending"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",,t@x.example,", "account_id is empty"),
        ("a-1,parent,t@x.example,", "parent is no role"),
        ("a-1,,,", "neither e-mail address nor phone number"),
        ("a-1,,,12", "the phone number cannot be called"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_line(rostered: Commands, row: str, said: str) -> None:
    """The whole file is refused, and the line and the next step are told."""
    ended = load(rostered, "a-0,,t10@school.example,", row)
    assert (ended.exit_code, f"line 3: {said}" in ended.output) == (1, True)
    assert people(rostered) == []
