from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cli.delivering import SLUG, Files, deliver, district, files
from rostergate import store
from rostergate.core.matching import Decision
from rostergate.service.clock import utc_now
from rostergate.store import schools
from servers import ENGINES

if TYPE_CHECKING:
    from cli.conftest import Commands

pytestmark = pytest.mark.parametrize("commands", ENGINES, indirect=True)

SCHOOLS = {"10": "Alder Elementary School", "20": "Birch Middle School"}
SENT = files(SCHOOLS, {"10": range(3), "20": range(4)})
PLATFORM = "id,name\np-1,Alder Elementary\np-2,Birchwood Middle School\np-3,Cedar High School\n"
BY = ("--district", SLUG, "--by", "Kim")


def load(commands: Commands, text: str = PLATFORM, *options: str) -> Any:
    """Load the platform's schools and return how the command ended."""
    path = commands.folder / "platform.csv"
    path.write_text(text, encoding="utf-8")
    return commands("schools", "load", str(path), *(options or ("--district", SLUG)))


def listed(commands: Commands) -> dict[str, dict[str, Any]]:
    """Return the district's schools by id."""
    return {one["school_id"]: one for one in commands.answer("schools", "list", "--district", SLUG)}


def held(school: str) -> Files:
    """Return the set with six guardians of one student of a school, which is held for that."""
    guardians = "guardian_id,student_id,first_name,last_name,relationship,contact_type,email,phone\n"
    guardians += "".join(f"g{one},s{school}-0,Gus,Ash,other,other,g{one}@x.example,\n" for one in range(6))
    return {**SENT, "guardians.csv": guardians.encode()}


@pytest.fixture
def waiting(commands: Commands) -> Commands:
    """Give a district whose new schools wait for a person to match them."""
    district(commands, '[schools]\nmatching = "review"\n')
    assert load(commands).exit_code == 0
    deliver(commands, SENT)
    return commands


def test_nothing_of_a_school_without_a_match_is_written(waiting: Commands) -> None:
    """Schools wait, with the nearest ones of the platform and their scores; the roster is empty."""
    found = listed(waiting)
    assert {one["status"] for one in found.values()} == {"waiting for a match"}
    assert found["10"]["suggestions"][0] == {"id": "p-1", "name": "Alder Elementary", "score": 100.0}
    assert found["20"]["suggestions"][0]["id"] == "p-2"
    assert 60 < found["20"]["suggestions"][0]["score"] < 100
    assert waiting.answer("roster")[0]["students"] == 0


def test_a_name_moves_no_terminal(commands: Commands) -> None:
    """What a district calls its school is shown, without what a terminal takes for a command."""
    district(commands)
    deliver(commands, files({"10": "Alder\x1b[2J School"}, {"10": range(3)}))
    shown = commands("schools", "list", "--district", SLUG).output
    assert "\x1b" not in shown
    assert "Alder\ufffd[2J School" in shown
    plan = commands.answer("show", f"{SLUG}-00001")["schools"][0]["plan"]
    shown = commands("holds", "show", str(plan)).output
    assert "school 10 (Alder\ufffd[2J School)" in shown
    refused = commands("undo", f"{SLUG}-00001", "--school", "1\x1b[2J0", "--dry-run")
    assert (refused.exit_code, "has no school 1\ufffd[2J0" in refused.output) == (1, True)


def test_a_matched_school_goes_on_and_keeps_its_match(waiting: Commands) -> None:
    """Its plan is applied at once, who matched it is kept, and the next delivery needs nobody."""
    told = waiting.answer("schools", "match", "20", "p-2", *BY)
    assert (told["state"], told["platform_school"]) == ("applied", "p-2")
    assert waiting.answer("roster")[0]["students"] == 4
    one = listed(waiting)["20"]
    assert (one["status"], one["platform_school"], one["decided_by"]) == ("connected", "p-2", "Kim")
    deliver(waiting, files(SCHOOLS, {"10": range(3), "20": range(5)}))
    assert waiting.answer("roster")[0]["students"] == 5
    assert listed(waiting)["20"]["platform_school"] == "p-2"


def test_a_matched_school_that_a_hold_stops_is_held(commands: Commands) -> None:
    """The transition table says held where a hold was found, and nothing is written."""
    district(commands, '[schools]\nmatching = "review"\n')
    deliver(commands, held("20"))
    assert commands.answer("schools", "make", "20", *BY)["state"] == "held"
    assert listed(commands)["20"]["status"] == "on hold"
    assert commands.answer("roster")[0]["students"] == 0


def test_a_school_can_be_made_deselected_and_selected(waiting: Commands) -> None:
    """A made school is written without a match; a deselected one is not, until it is selected again."""
    assert waiting.answer("schools", "make", "10", *BY)["state"] == "applied"
    assert waiting.answer("schools", "deselect", "20", *BY)["state"] == "deselected"
    assert {one["status"] for one in listed(waiting).values()} == {"connected", "deselected"}
    deliver(waiting, files(SCHOOLS, {"10": range(2), "20": range(9)}))
    assert waiting.answer("roster")[0]["students"] == 2
    assert waiting.answer("schools", "select", "20", *BY)["plan"] is None
    deliver(waiting, files(SCHOOLS, {"10": range(2), "20": range(8)}))
    assert listed(waiting)["20"]["status"] == "waiting for a match"


def test_a_matched_school_that_is_selected_again_waits(waiting: Commands) -> None:
    """With review it is not made for want of its match: a person is asked, and what the roster has of it stays."""
    waiting.answer("schools", "match", "10", "p-1", *BY)
    waiting.answer("schools", "deselect", "10", *BY)
    waiting.answer("schools", "select", "10", *BY)
    deliver(waiting, files(SCHOOLS, {"10": range(5), "20": range(4)}))
    assert listed(waiting)["10"]["status"] == "waiting for a match"
    assert waiting.answer("roster")[0]["students"] == 3
    assert waiting.answer("schools", "match", "10", "p-1", *BY)["state"] == "applied"
    assert waiting.answer("roster")[0]["students"] == 5


def test_a_match_by_name_is_kept_when_the_name_changes(commands: Commands) -> None:
    """With auto matching a school has its place on the platform, and keeps it under another name."""
    district(commands)
    load(commands)
    deliver(commands, SENT)
    assert (listed(commands)["10"]["platform_school"], listed(commands)["10"]["decided_by"]) == ("p-1", None)
    deliver(commands, files({**SCHOOLS, "10": "Zeta Academy"}, {"10": range(3), "20": range(4)}))
    assert (listed(commands)["10"]["name"], listed(commands)["10"]["platform_school"]) == ("Zeta Academy", "p-1")


def test_a_school_that_comes_under_another_id_waits(commands: Commands) -> None:
    """It is not made beside the one that the platform has, and gets its place once the old id is taken out."""
    district(commands)
    load(commands)
    deliver(commands, SENT)
    deliver(commands, files({"11": SCHOOLS["10"], "20": SCHOOLS["20"]}, {"11": range(3), "20": range(4)}))
    one = listed(commands)["11"]
    assert (one["status"], one["suggestions"][0]["id"]) == ("waiting for a match", "p-1")
    commands.answer("schools", "deselect", "10", *BY)
    assert commands.answer("schools", "match", "11", "p-1", *BY)["state"] == "applied"
    assert listed(commands)["11"]["platform_school"] == "p-1"


@pytest.fixture
def renumbered(commands: Commands) -> Commands:
    """Give a district of which a school that is matched comes under another id, so that everything waits."""
    district(commands)
    load(commands)
    deliver(commands, files(SCHOOLS, {"10": range(30), "20": range(4)}))
    deliver(commands, files({"11": SCHOOLS["10"], "20": SCHOOLS["20"]}, {"11": range(30), "20": range(5)}))
    return commands


def test_a_place_that_is_taken_names_what_to_do_first(renumbered: Commands) -> None:
    """The refusal has the commands: with the plan that takes the old school out, or with the school itself."""
    plan = listed(renumbered)["10"]["plan"]
    told = " ".join(renumbered("schools", "match", "11", "p-1", *BY).output.split())
    assert f"first `rostergate release {plan} --by" in told
    assert f"`rostergate schools deselect 10 --district {SLUG} --by" in told
    renumbered.answer("schools", "match", "20", "p-3", *BY)
    told = " ".join(renumbered("schools", "match", "11", "p-3", *BY).output.split())
    assert f"`rostergate schools make 20 --district {SLUG} --by" in told


@pytest.mark.parametrize(
    "before",
    [
        ("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked"),
        ("schools", "deselect", "10", *BY),
    ],
    ids=["released", "deselected"],
)
def test_the_place_of_a_school_that_is_gone_is_free(renumbered: Commands, before: tuple[str, ...]) -> None:
    """Once the old id is out of the roster, or taken out by a person, the new one gets its place, and keeps it."""
    renumbered.answer(*before)
    assert renumbered.answer("schools", "match", "11", "p-1", *BY)["state"] == "held"
    renumbered.answer("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    deliver(renumbered, files({"11": SCHOOLS["10"], "20": SCHOOLS["20"]}, {"11": range(29), "20": range(5)}))
    one = listed(renumbered)["11"]
    assert (one["status"], one["platform_school"]) == ("connected", "p-1")


def test_the_file_says_where_a_place_is_taken(renumbered: Commands) -> None:
    """What the district's file gives to a school is taken from it there."""
    district(renumbered, '[[schools.platform]]\nid = "p-1"\nname = "Alder"\nschool_id = "10"\n')
    assert "p-1 is the match of school 10 in the file" in renumbered("schools", "match", "11", "p-1", *BY).output


def test_a_school_can_be_matched_anew(waiting: Commands) -> None:
    """Another match takes the place of the first one; a platform school is nobody else's meanwhile."""
    waiting.answer("schools", "match", "10", "p-3", *BY)
    taken = waiting("schools", "match", "20", "p-3", *BY)
    assert (taken.exit_code, "is the match of school 10" in taken.output) == (1, True)
    assert waiting.answer("schools", "match", "10", "p-1", *BY)["plan"] is None
    assert listed(waiting)["10"]["platform_school"] == "p-1"
    assert waiting.answer("schools", "match", "20", "p-3", *BY)["state"] == "applied"


def test_a_school_can_be_matched_anew_while_it_is_held(commands: Commands) -> None:
    """The release of a plan that was held under the old match does not bring that back."""
    district(commands)
    load(commands)
    deliver(commands, files(SCHOOLS, {"10": range(60), "20": range(3)}))
    deliver(commands, files(SCHOOLS, {"10": range(20), "20": range(3)}))
    assert commands.answer("schools", "match", "10", "p-3", *BY)["state"] == "held"
    commands.answer("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    one = listed(commands)["10"]
    assert (one["platform_school"], one["decided_by"]) == ("p-3", "Kim")


def test_what_a_held_plan_has_is_given_to_no_other_school(commands: Commands) -> None:
    """A platform school that a school gets with its release is refused to others, until that plan has another."""
    district(commands)
    load(commands)
    deliver(commands, held("10"))
    taken = commands("schools", "match", "20", "p-1", *BY)
    assert (taken.exit_code, "is the match of school 10" in taken.output) == (1, True)
    assert commands.answer("schools", "match", "10", "p-1", *BY)["state"] == "held"
    assert commands.answer("schools", "match", "10", "p-3", *BY)["state"] == "held"
    commands.answer("schools", "match", "20", "p-1", *BY)
    commands.answer("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    assert {one: row["platform_school"] for one, row in listed(commands).items()} == {"10": "p-3", "20": "p-1"}


def test_two_schools_never_get_one_place(commands: Commands) -> None:
    """Where an earlier version gave another what a held plan has, the release is refused until that is mended."""
    district(commands)
    load(commands)
    deliver(commands, held("10"))
    asyncio.run(_matched_by_an_earlier_version(commands, "20", "p-1"))
    release = ("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    ended = commands(*release)
    assert (ended.exit_code, "is the match of school 20 by now" in ended.output) == (1, True)
    assert commands.answer("schools", "match", "10", "p-3", *BY)["state"] == "held"
    commands.answer(*release)
    assert {one: row["platform_school"] for one, row in listed(commands).items()} == {"10": "p-3", "20": "p-1"}


def test_what_the_file_gives_to_another_school_since_is_not_released(commands: Commands) -> None:
    """The district's file goes before a match by name that a held plan has; the plan can be matched anew."""
    district(commands)
    load(commands)
    deliver(commands, held("10"))
    district(commands, '[[schools.platform]]\nid = "p-1"\nname = "Alder"\nschool_id = "20"\n')
    release = ("release", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    ended = commands(*release)
    assert (ended.exit_code, "the match of another in the file" in ended.output) == (1, True)
    assert commands.answer("schools", "match", "10", "p-3", *BY)["state"] == "held"
    commands.answer(*release)
    assert listed(commands)["10"]["platform_school"] == "p-3"


async def _matched_by_an_earlier_version(commands: Commands, school: str, platform_school: str) -> None:
    engine = store.open(commands.location)
    async with store.writing(engine) as tx:
        await schools.decide(
            tx, SLUG, school, Decision.MATCHED, platform_school=platform_school, by="Kim", at=utc_now()
        )
    await engine.dispose()


def test_what_a_discarded_plan_had_is_free(commands: Commands) -> None:
    """Where the match came with a plan that nothing follows for, the platform school is nobody's."""
    district(commands)
    load(commands)
    deliver(commands, held("10"))
    commands.answer("discard", "--district", SLUG, "--all", "--yes", "--by", "Kim", "--reason", "checked")
    assert commands.answer("schools", "match", "20", "p-1", *BY)["platform_school"] == "p-1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("match", "99", "p-1"), "has no school 99"),
        (("match", "10", "p-9"), "The platform has no school p-9"),
        (("make", "99"), "has no school 99"),
    ],
)
def test_what_is_not_known_is_refused(waiting: Commands, arguments: tuple[str, ...], said: str) -> None:
    """A school or a platform school that does not exist says so, and nothing changes."""
    ended = waiting("schools", *arguments, *BY)
    assert (ended.exit_code, said in ended.output) == (1, True)
    assert {one["decision"] for one in listed(waiting).values()} == {None}


def test_the_districts_file_goes_first(commands: Commands) -> None:
    """What the file decides cannot be decided otherwise by a command."""
    district(commands, '[schools]\ndeselected = ["20"]\n')
    deliver(commands, SENT)
    ended = commands("schools", "select", "20", *BY)
    assert (ended.exit_code, "decides about school 20" in ended.output) == (1, True)
    assert listed(commands)["20"]["status"] == "deselected"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\np-1\n", "line 1: the header lacks name"),
        ("id,name,colour\np-1,Alder,red\n", "line 1: unknown column colour"),
        ("id,name\np-1,Alder\np-1,Birch\n", "line 3: the id is there twice"),
        ("id,name\np-1,\n", "line 2: name is empty"),
        ("id,name\np-1\n", "line 2: the row has 1 cells, the header 2"),
        ("id,name\n", "has no schools"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(waiting: Commands, text: str, said: str) -> None:
    """The file is refused as a whole, with its line; the schools that were loaded before stay."""
    ended = load(waiting, text)
    assert (ended.exit_code, said in ended.output) == (1, True)
    assert listed(waiting)["10"]["suggestions"] != []


def test_one_file_can_have_the_schools_of_several_districts(commands: Commands) -> None:
    """Without --district a column says whose a school is; a district that does not exist is refused."""
    district(commands)
    assert load(commands, "district,id,name\nlincoln,p-1,Alder\n", "--json").exit_code == 0
    assert load(commands, "district,id,name\nnowhere,p-1,Alder\n", "--json").exit_code == 1


def test_a_school_that_left_is_not_in_the_files(commands: Commands) -> None:
    """Statuses come most urgent first; a small school that vanished is still listed, last."""
    district(commands)
    deliver(commands, SENT)
    faulty = files({"10": SCHOOLS["10"]}, {"10": range(3)})
    faulty["students.csv"] = faulty["students.csv"].replace(b"Kid1,", b",")
    deliver(commands, faulty)
    found = commands.answer("schools", "list", "--district", SLUG)
    assert [(one["school_id"], one["status"]) for one in found] == [("10", "errors"), ("20", "not in the files")]
    assert found[0]["rows_left_out"] == 2
    deliver(commands, files({"10": SCHOOLS["10"]}, {"10": range(3)}))
    assert [one["status"] for one in commands.answer("schools", "list", "--district", SLUG)] == [
        "connected",
        "not in the files",
    ]
