"""`rostergate explain`: a delivery's story, from its first file to what is next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.delivering import deliver, district, files

if TYPE_CHECKING:
    from cli.conftest import Commands

SCHOOLS = {"1": "Oak", "2": "Elm"}
FULL = {"1": range(60), "2": range(60)}
HALF = {"1": range(20), "2": range(60)}


def told(commands: Commands, delivery: str) -> list[tuple[str, str]]:
    """Return a delivery's steps as their words for programs and for people."""
    answer = commands.answer("explain", delivery)
    times = [one["at"] for one in answer["steps"] if one["at"]]
    assert times == sorted(times)
    return [(one["step"], one["text"]) for one in answer["steps"]]


def test_a_delivery_that_was_applied(commands: Commands) -> None:
    """From the first file to the report that is still to be written, in the order in which it happened."""
    district(commands)
    delivery = deliver(commands, files(SCHOOLS, FULL))
    steps = told(commands, delivery)
    order = [step for step, _ in steps if step != "findings"]
    assert order == ["began", "sealed", "decided", "applied", "settled", "now"]
    words = dict(steps)
    assert words["sealed"].startswith("the set was complete and was frozen as the upload of 20")
    assert "5 files, " in words["sealed"]
    assert "students.csv 6" in words["sealed"]
    assert words["decided"].startswith("accepted as direct, 246 rows read: ")
    assert words["decided"].endswith(" added over all tables")
    assert words["applied"].startswith("2 schools written: ")
    assert words["now"] == "its report is still to be written; the daemon does so"


def test_a_hold_names_the_plan_and_who_released_it(commands: Commands) -> None:
    """A school on hold is told with why and what can be done; once released, with who did it and for what reason."""
    district(commands)
    deliver(commands, files(SCHOOLS, FULL))
    delivery = deliver(commands, files(SCHOOLS, HALF))
    (held,) = commands.answer("holds")
    steps = told(commands, delivery)
    assert ("held", f"Oak (1) on hold: {held['message']}") in steps
    assert ("applied", "1 school without changes") in steps
    assert any(
        step == "now" and f"1 school on hold: `rostergate holds show {held['plan']}`" in text for step, text in steps
    )
    commands.answer("release", held["plan"], "--by", "Jo", "--reason", "Two classes moved")
    answer = commands.answer("explain", delivery)
    (released,) = [one for one in answer["steps"] if one["step"] == "released"]
    assert {name: released[name] for name in ("plan", "by", "reason", "school_id")} == {
        "plan": held["plan"],
        "by": "Jo",
        "reason": "Two classes moved",
        "school_id": "1",
    }
    assert released["text"].startswith("Oak (1) released: ")
    page = commands("explain", delivery).output
    assert "in the roster, by Jo: Two classes moved" in " ".join(page.split())
    assert "its report was written, as it is now: /reports/lincoln-00002/" in " ".join(page.split())


def test_what_took_its_place_is_named(commands: Commands) -> None:
    """A delivery whose hold was never decided says which newer one replaced it."""
    district(commands)
    deliver(commands, files(SCHOOLS, FULL))
    delivery = deliver(commands, files(SCHOOLS, HALF))
    newer = deliver(commands, files(SCHOOLS, FULL))
    steps = told(commands, delivery)
    assert ("superseded", f"Oak (1) was still waiting and was replaced by {newer}") in steps
    assert ("superseded", f"no longer waited for: {newer} took its place") in steps


def test_an_undo_that_took_its_place_is_said_to_be_one(commands: Commands) -> None:
    """The report of a delivery whose hold was never decided tells an undo from a newer delivery."""
    district(commands)
    first = deliver(commands, files(SCHOOLS, FULL))
    delivery = deliver(commands, files(SCHOOLS, HALF))
    undo = commands.answer("undo", first, "--yes", "--by", "Jo", "--reason", "Wrong year")["undo"]["delivery"]
    page = commands.folder / "state" / "reports" / "lincoln" / delivery / "report.html"
    assert f"replaced by the undo {undo}" in page.read_text()
    assert ("superseded", f"no longer waited for: {undo} took its place") in told(commands, delivery)


def test_a_refusal_says_why(commands: Commands) -> None:
    """A format error is told with its file and its code, and that the day's upload was given back."""
    district(commands)
    sent = files(SCHOOLS, FULL)
    sent["students.csv"] = sent["students.csv"].replace(b"student_id", b"pupil", 1)
    steps = told(commands, deliver(commands, sent))
    assert ("decided", "refused: nothing of it was used, and the day's upload was given back") in steps
    assert any(step == "findings" and " in students.csv: " in text for step, text in steps)


def test_an_undo_is_told_on_both_sides(commands: Commands) -> None:
    """The undo says what it takes back, who asked and why; the undone delivery says by what."""
    district(commands)
    delivery = deliver(commands, files(SCHOOLS, FULL))
    commands.answer("undo", delivery, "--yes", "--by", "Jo", "--reason", "Wrong year")
    (undo,) = (one["delivery"] for one in commands.answer("deliveries") if one["undoes"])
    answer = commands.answer("explain", undo)
    first = answer["steps"][0]
    assert (first["step"], first["by"], first["reason"]) == ("asked", "Jo", "Wrong year")
    assert first["text"] == f"an operator asked to take back what {delivery} had changed"
    assert ("undone", f"{undo} takes it back") in told(commands, delivery)


def test_a_delivery_that_there_is_not(commands: Commands) -> None:
    """An unknown id is refused with where to look."""
    district(commands)
    ended = commands("explain", "lincoln-00009")
    assert ended.exit_code == 1
    assert "`rostergate deliveries` lists them" in ended.output


def test_mail_is_told_with_what_became_of_it(commands: Commands, tmp_path: Any) -> None:
    """Mail about a delivery is counted by kind, and says whether it waits, was sent or was given up."""
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "rostergate.toml").write_text('[mail]\nhost = "mail.example"\nsender = "r@example.org"\n')
    district(commands, 'recipients = ["office@lincoln.example", "it@lincoln.example"]\n')
    deliver(commands, files(SCHOOLS, FULL))
    delivery = deliver(commands, files(SCHOOLS, HALF))
    (held,) = commands.answer("holds")
    commands.answer("release", held["plan"], "--by", "Jo", "--reason", "Two classes moved")
    assert ("mailed", "mail `closed` to 2 recipients waits to be sent") in told(commands, delivery)
