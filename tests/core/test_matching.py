import pytest

from rostergate.core.matching import Match, Standing, Suggestion, match, suggestions
from rostergate.core.policy import PlatformSchool, Policy


def policy(*platform: tuple[str, str] | tuple[str, str, str], **settings: object) -> Policy:
    """Return a policy with the given schools of the platform: id, name and, where mapped, the SIS's id."""
    return Policy(platform_schools=tuple(PlatformSchool(*one) for one in platform), **settings)  # type: ignore[arg-type]


def matched(platform_school: str | None = None) -> Match:
    """Return the answer for a school that may go on."""
    return Match(Standing.MATCHED, platform_school)


@pytest.mark.parametrize(
    ("name", "platform_name"),
    [
        pytest.param("Lincoln Elementary School", "Lincoln Elementary School", id="the same"),
        pytest.param("LINCOLN ELEMENTARY", "Lincoln Elementary School", id="case, and a word all schools share"),
        pytest.param("Lincoln Elem.", "Lincoln Elementary", id="abbreviated"),
        pytest.param("St. Mary's HS", "Saint Marys High School", id="abbreviated twice"),
        pytest.param("Jeferson Middle School", "Jefferson Middle School", id="a letter forgotten"),
        pytest.param("Peña Elementary", "Pena Elementary", id="an accent"),
        pytest.param("P.S. 101", "PS 101", id="punctuation"),
        pytest.param("Mary\u2019s Academy", "Mary's Academy", id="an apostrophe as word processors write it"),
        pytest.param("Lincoln_Elementary Sch.", "Lincoln Elementary School", id="underscores, abbreviated"),
        pytest.param("\uff30\uff33 \uff11\uff10\uff11", "PS 101", id="letters and digits of full width"),
        pytest.param("Lincoln Elementary North", "Lincoln North Elementary", id="telling words in another order"),
        pytest.param("Lincon Elementary", "Lincoln Elementary", id="a letter too few of seven"),
        pytest.param("Williamsvilla High", "Williamsville High", id="a letter exchanged of thirteen"),
    ],
)
def test_nearly_the_same_name_is_the_same_school(name: str, platform_name: str) -> None:
    """A new school takes the platform's school whose name differs only in spelling."""
    assert match({"1": name}, (), policy(("p1", platform_name))) == {"1": matched("p1")}


@pytest.mark.parametrize(
    ("name", "platform_name"),
    [
        pytest.param("Lincoln Elementary", "Lincoln High School", id="another level"),
        pytest.param("Washington East High", "Washington West High", id="another side of town"),
        pytest.param("PS 101", "PS 102", id="another number"),
        pytest.param("Harrison Elementary", "Garrison Elementary", id="a name that sounds alike"),
        pytest.param("Lincoln Elementary", "Franklin Elementary", id="another name"),
        pytest.param("Academy I", "Academy II", id="another Roman number"),
        pytest.param("Lincoln", "Lincoln 2", id="a number more"),
        pytest.param("Lincoln 12th Avenue", "Lincoln 13th Avenue", id="another number with letters"),
        pytest.param("Grant Elementary", "Grants Elementary", id="a letter too few of six"),
        pytest.param("Marlinsville High", "Martinsville High", id="a letter exchanged of twelve"),
    ],
)
def test_another_name_is_another_school(name: str, platform_name: str) -> None:
    """A new school whose name means another one is made."""
    assert match({"1": name}, (), policy(("p1", platform_name))) == {"1": matched()}


def test_a_mapping_counts_before_names() -> None:
    """What a person mapped is not matched by name, and nobody else gets it."""
    mapped = policy(("p1", "Lincoln", "1"), ("p2", "Lincoln"))
    assert match({"1": "Washington", "2": "Lincoln"}, (), mapped) == {"1": matched("p1"), "2": matched("p2")}


def test_a_platform_school_is_given_once() -> None:
    """The better name gets it; the other school is made."""
    answer = match(
        {"1": "Jeferson Elementary", "2": "Jefferson Elementary"}, (), policy(("p1", "Jefferson Elementary"))
    )
    assert answer == {"1": matched(), "2": matched("p1")}


def test_the_better_place_is_taken() -> None:
    """A school that has the place of its very name gets none besides it that it fits less."""
    platform = policy(("p1", "Jefferson Elementary"), ("p2", "Jeferson Elementary"))
    assert match({"1": "Jefferson Elementary"}, (), platform) == {"1": matched("p1")}


@pytest.mark.parametrize(
    ("names", "platform"),
    [
        pytest.param({"1": "Lincoln", "2": "Lincoln"}, [("p1", "Lincoln")], id="two schools for one"),
        pytest.param({"1": "Lincoln"}, [("p1", "Lincoln"), ("p2", "Lincoln")], id="one school for two"),
    ],
)
def test_a_doubtful_name_waits(names: dict[str, str], platform: list[tuple[str, str]]) -> None:
    """Where a name fits equally well twice, nothing is guessed."""
    assert set(match(names, (), policy(*platform)).values()) == {Match(Standing.UNMATCHED)}


def test_what_is_in_doubt_is_given_to_nobody() -> None:
    """A platform school that two schools fit equally well does not fall to a third that fits less."""
    names = {"1": "Jefferson Elementary", "2": "Jefferson Elementary", "3": "Jeferson Elementary"}
    answer = match(names, (), policy(("p1", "Jefferson Elementary")))
    assert answer == {"1": Match(Standing.UNMATCHED), "2": Match(Standing.UNMATCHED), "3": matched()}


def test_whoever_is_in_doubt_gets_no_place_that_fits_less() -> None:
    """Neither a new school, which waits, nor one of the roster, which never does."""
    platform = policy(("p1", "Jefferson"), ("p2", "Jefferson"), ("p3", "Jeferson"))
    assert match({"1": "Jefferson"}, {"1"}, platform) == {"1": matched()}
    assert match({"1": "Jefferson"}, (), platform) == {"1": Match(Standing.UNMATCHED)}


def test_a_school_of_the_roster_goes_before_a_new_one() -> None:
    """A school that is rostered keeps its platform school even when a new one has the better name, and never waits."""
    both = {"1": "Jeferson Elementary", "2": "Jefferson Elementary"}
    assert match(both, {"1"}, policy(("p1", "Jefferson Elementary"))) == {"1": matched("p1"), "2": matched()}
    assert match({"1": "Lincoln"}, {"1"}, policy(("p1", "Lincoln"), ("p2", "Lincoln"))) == {"1": matched()}


def test_the_place_of_a_school_that_is_not_there_any_more_is_not_guessed() -> None:
    """A new school of that name may be the same one under another id, so it waits; every other one is made."""
    holding = policy(("p1", "Lincoln", "1"))
    new = {"2": "Lincoln", "3": "Grant"}
    waits = {"2": Match(Standing.UNMATCHED), "3": matched()}
    assert match(new, (), holding) == waits
    assert match({"1": "Lincoln", **new}, {"1"}, holding, leaving={"1"}) == {"1": matched("p1"), **waits}
    assert match({"1": "Lincoln", **new}, {"1"}, holding) == {"1": matched("p1"), "2": matched(), "3": matched()}


def test_a_school_of_the_roster_does_not_take_the_place_of_another() -> None:
    """Not even of one that is not there any more: it comes back to its place, and no place is given twice."""
    holding = policy(("p1", "Lincoln", "9"))
    assert match({"1": "Lincoln"}, {"1"}, holding) == {"1": matched()}
    assert match({"1": "Lincoln", "9": "Lincoln"}, {"1", "9"}, holding) == {"1": matched(), "9": matched("p1")}


def test_nobody_waits_for_a_school_that_leaves() -> None:
    """A forgotten one that is not in the files any more needs no match; whoever might be it is asked about."""
    names, forgotten = {"1": "Lincoln", "2": "Lincoln"}, frozenset({"1"})
    for kind in ("auto", "review"):
        answer = match(names, {"1"}, policy(("p1", "Lincoln"), matching=kind, forgotten=forgotten), leaving={"1"})
        assert answer == {"1": matched(), "2": Match(Standing.UNMATCHED)}


FORGOTTEN = frozenset({"1"})
THREE = {"1": "Jefferson", "2": "Jeferson", "3": "Grant"}


def test_a_school_that_leaves_takes_no_place_from_one_that_comes() -> None:
    """A new school of nearly its name may be the same one: it waits, and is not made beside it. Others go on."""
    platform = policy(("p1", "Jefferson"), ("p2", "Grant"), forgotten=FORGOTTEN)
    answer = match(THREE, {"1"}, platform, leaving={"1"})
    assert (answer["2"], answer["3"]) == (Match(Standing.UNMATCHED), matched("p2"))
    assert match(THREE, {"1"}, platform) == {"1": matched("p1"), "2": matched(), "3": matched("p2")}


@pytest.mark.parametrize("new", ["Lincoln", "Lincon"])
def test_a_new_school_is_not_made_beside_the_place_of_one_that_was_made(new: str) -> None:
    """The platform's list came after the old id had been made: it leaves, and the new one has its name, or nearly."""
    answer = match({"1": "Lincoln", "2": new}, {"1"}, policy(("p1", "Lincoln")), leaving={"1"})
    assert answer == {"1": matched(), "2": Match(Standing.UNMATCHED)}


@pytest.mark.parametrize("forgotten", [frozenset[str](), FORGOTTEN], ids=["made", "forgotten"])
def test_of_two_that_may_be_the_one_that_leaves_both_wait(forgotten: frozenset[str]) -> None:
    """Which of them it is, a person says."""
    platform = policy(("p1", "Lincoln"), forgotten=forgotten)
    answer = match({"1": "Lincoln", "2": "Lincon", "3": "Lincon"}, {"1"}, platform, leaving={"1"})
    assert answer == {"1": matched(), "2": Match(Standing.UNMATCHED), "3": Match(Standing.UNMATCHED)}


def test_a_new_school_that_has_a_place_of_its_own_goes_on() -> None:
    """Also where another that fits less would have gone to one that leaves; not where that place is somebody's."""
    own = policy(("p1", "Jefferson"), ("p2", "Jeferson"), ("p3", "Grant"), forgotten=FORGOTTEN)
    assert match(THREE, {"1"}, own, leaving={"1"}) == {"1": matched(), "2": matched("p2"), "3": matched("p3")}
    held = policy(("p1", "Jefferson", "9"), forgotten=FORGOTTEN)
    assert match(THREE, {"1"}, held, leaving={"1"})["2"] == Match(Standing.UNMATCHED)


def test_a_school_whose_place_was_forgotten_is_matched_as_a_new_one() -> None:
    """It waits for a person with review; otherwise its name decides, after the schools that keep their place."""
    forgotten = frozenset({"1"})
    platform = ("p1", "Lincoln")
    both = {"1": "Lincoln", "2": "Lincoln"}
    review = policy(platform, matching="review", forgotten=forgotten)
    assert match(both, {"1", "2"}, review) == {"1": Match(Standing.UNMATCHED), "2": matched()}
    assert match({"1": "Lincoln"}, {"1"}, policy(platform, forgotten=forgotten)) == {"1": matched("p1")}
    assert match(both, {"1", "2"}, policy(platform, forgotten=forgotten)) == {"1": matched(), "2": matched("p1")}


def test_review_waits_for_a_person() -> None:
    """With review only mapped schools and those of the roster go on."""
    names = {"1": "Lincoln", "2": "Washington", "3": "Grant"}
    answer = match(names, {"3"}, policy(("p1", "Lincoln"), ("p2", "Washington", "2"), matching="review"))
    assert answer == {"1": Match(Standing.UNMATCHED), "2": matched("p2"), "3": matched()}


def test_a_deselected_school_is_out() -> None:
    """A deselected school is not matched, even when it is mapped or rostered."""
    answer = match({"1": "Lincoln"}, {"1"}, policy(("p1", "Lincoln", "1"), deselected=frozenset({"1"})))
    assert answer == {"1": Match(Standing.DESELECTED)}


def test_suggestions_are_the_nearest_names() -> None:
    """The nearest come first, with a score; what is not alike at all is not suggested."""
    free = {"p1": "Lincoln Elementary School", "p2": "Lincoln Middle School", "p3": "Zebra Academy"}
    found = suggestions("Lincon Elem. School", free)
    assert [one.id for one in found][:1] == ["p1"]
    assert "p3" not in {one.id for one in found}
    assert all(60 <= one.score <= 100 for one in found)
    assert suggestions("Elementary School Lincoln", free)[0] == Suggestion("p1", "Lincoln Elementary School", 100.0)
    assert all(one.score == round(one.score, 1) for one in found)
    assert suggestions("Lincoln Elementary", free, most=1) == (Suggestion("p1", "Lincoln Elementary School", 100.0),)


def test_a_school_that_is_to_be_made_is_not_matched_by_name() -> None:
    """What a person has said goes before the name."""
    told = Policy(platform_schools=(PlatformSchool("p1", "Lincoln"),), made=frozenset({"A"}))
    assert match({"A": "Lincoln"}, (), told) == {"A": Match(Standing.MATCHED)}
