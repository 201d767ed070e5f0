from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from rostergate.core.completeness import Complete, Mixed, Overdue, Stuck, Waiting
from rostergate.desk import latest
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rostergate.core.completeness import Judgement
    from rostergate.desk.story import Story

NOW = datetime(2026, 9, 1, 14, 5, tzinfo=ZoneInfo("America/Chicago"))

ZIP = "students.csv: this is a zip archive; upload the plain CSV file."
REFUSED = f"""\
REFUSED SINCE THEN
------------------
  Tue 1 Sep 2026, 14:05 CDT
    {ZIP}
"""


def page(folder: Path) -> str:
    """Return what the district reads."""
    return (folder / latest.NAME).read_text("utf-8")


def test_the_newest_delivery_is_the_page(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Writing a story makes the folder and replaces the page."""
    folder = tmp_path / "lincoln"
    latest.write(folder, stories["rejected"])
    latest.write(folder, stories["same"])
    assert page(folder) == latest.text(stories["same"]) + "\n"
    assert [one.name for one in folder.iterdir()] == [latest.NAME]


def test_a_refusal_stands_under_the_summary(tmp_path: Path, stories: dict[str, Story]) -> None:
    """A refusal is told with its time, after the summary."""
    latest.write(tmp_path, stories["same"])
    latest.tell(tmp_path, ZIP, NOW)
    assert page(tmp_path) == f"{latest.text(stories['same'])}\n{REFUSED}"


def test_a_refusal_before_any_delivery_is_told(tmp_path: Path) -> None:
    """A district that never delivered reads its refusals all the same."""
    latest.tell(tmp_path / "lincoln", ZIP, NOW)
    assert page(tmp_path / "lincoln") == f"No delivery has been received yet.\n\n{REFUSED}"


def test_the_same_refusal_is_told_once(tmp_path: Path) -> None:
    """A client that tries the same again and again adds one refusal, with the time at which it came after another."""
    for minute, words in enumerate((ZIP, ZIP, "Another.", ZIP, ZIP)):
        latest.tell(tmp_path, words, NOW + timedelta(minutes=minute))
    told = page(tmp_path)
    assert (told.count(ZIP), told.count("Another.")) == (1, 1)
    assert told.index("14:07 CDT\n    Another.") < told.index("14:08 CDT\n    ")


def test_a_refusal_that_ends_another_is_told(tmp_path: Path) -> None:
    """Only a whole refusal counts as the same one, not the end of a longer one."""
    long = "a" * 70 + " The day's upload is used."
    latest.tell(tmp_path, long, NOW)
    latest.tell(tmp_path, "The day's upload is used.", NOW)
    assert page(tmp_path).count("14:05") == 2


def test_refusals_are_limited(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Refusals never take more than the limit; that more were left out is said once, and the summary stays whole."""
    latest.write(tmp_path, stories["same"])
    full = latest.text(stories["same"]) + "\nREFUSED SINCE THEN\n------------------\n"
    full += "  Tue 1 Sep 2026, 14:05 CDT\n    students.csv: refused.\n" * 1175
    (tmp_path / latest.NAME).write_text(full)
    for number in range(5):
        latest.tell(tmp_path, f"refusal {number} {'x' * 2000}", NOW)
    told = page(tmp_path)
    summary, _, refused = told.partition("REFUSED SINCE THEN")
    assert summary == latest.text(stories["same"]) + "\n"
    assert len(refused.encode()) <= latest.NOTICES_BYTES_MAX
    assert told.count("More was refused after this and is left out here.") == 1
    assert told.endswith("left out here.\n")


def test_a_new_delivery_starts_afresh(tmp_path: Path, tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Refusals before a delivery, and the files that were waited for, are not told after it."""
    latest.write(tmp_path, stories["same"])
    latest.tell(tmp_path, ZIP, NOW)
    latest.waiting(tmp_path, Area.UPLOAD, Overdue(("classes.csv",)), NOW)
    after = tell(stories["same"].verdict, delivery="lincoln-00018")
    latest.write(tmp_path, after)
    assert page(tmp_path) == latest.text(after) + "\n"


def test_a_release_keeps_the_refusals(tmp_path: Path, stories: dict[str, Story]) -> None:
    """The same delivery told again keeps what was told since."""
    latest.write(tmp_path, stories["held"])
    latest.tell(tmp_path, ZIP, NOW)
    latest.waiting(tmp_path, Area.UPLOAD, Waiting(("classes.csv",), None), NOW)
    latest.write(tmp_path, stories["released"])
    told = page(tmp_path)
    assert told.startswith("UPLOAD IN PROGRESS\n")
    assert told.endswith(f"{latest.text(stories['released'])}\n{REFUSED}")


def test_a_dry_run_leaves_an_upload_in_progress(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Trying files out does not hide that the real upload is not complete."""
    latest.waiting(tmp_path, Area.UPLOAD, Overdue(("classes.csv",)), NOW)
    latest.write(tmp_path, stories["preview"])
    told = page(tmp_path)
    assert "    - classes.csv\n" in told
    assert told.endswith(latest.text(stories["preview"]) + "\n")


def test_an_upload_and_a_dry_run_in_progress_are_told_apart(tmp_path: Path, stories: dict[str, Story]) -> None:
    """What the set in /preview/ needs has a heading of its own, and comes and goes without the upload's list."""
    latest.write(tmp_path, stories["same"])
    latest.waiting(tmp_path, Area.PREVIEW, Waiting(("schools.csv",), None), NOW)
    alone = page(tmp_path)
    latest.waiting(tmp_path, Area.UPLOAD, Waiting(("classes.csv",), None), NOW)
    upload, dry_run, summary = page(tmp_path).split(f"{'=' * 80}\n\n", 2)
    assert upload.startswith("UPLOAD IN PROGRESS\n------------------\n  As of Tue 1 Sep 2026, 14:05 CDT:\n")
    assert "    - classes.csv\n" in upload
    assert dry_run.startswith("DRY RUN IN PROGRESS\n-------------------\n")
    assert "  As of Tue 1 Sep 2026, 14:05 CDT, of the files in /preview/:\n" in dry_run
    assert "    - schools.csv\n" in dry_run
    assert summary == latest.text(stories["same"]) + "\n"
    latest.waiting(tmp_path, Area.UPLOAD, None, NOW)
    assert page(tmp_path) == alone
    latest.waiting(tmp_path, Area.PREVIEW, None, NOW)
    assert page(tmp_path) == summary


@pytest.mark.parametrize("kind", ["same", "preview"])
def test_a_dry_run_in_progress_stays(tmp_path: Path, stories: dict[str, Story], kind: str) -> None:
    """Neither a delivery nor the dry run before it hides that the set in /preview/ is not complete."""
    latest.waiting(tmp_path, Area.PREVIEW, Waiting(("schools.csv",), None), NOW)
    latest.write(tmp_path, stories[kind])
    told = page(tmp_path)
    assert told.startswith("DRY RUN IN PROGRESS\n")
    assert told.endswith(latest.text(stories[kind]) + "\n")


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (Waiting(("classes.csv", "enrollments.csv"), None), "The upload is not complete. Still to come:"),
        (Overdue(("classes.csv", "enrollments.csv")), "OVERDUE: the upload was begun long ago"),
        (Mixed(("classes.csv", "enrollments.csv")), "The files are not of one export. Much older than the others:"),
    ],
)
def test_an_unfinished_set_is_told_first(
    tmp_path: Path, stories: dict[str, Story], judgement: Judgement, words: str
) -> None:
    """An incomplete, overdue or mixed set is told by file name above the summary, which stays."""
    latest.write(tmp_path, stories["same"])
    latest.tell(tmp_path, ZIP, NOW)
    before = page(tmp_path)
    latest.waiting(tmp_path, Area.UPLOAD, judgement, NOW)
    told = page(tmp_path)
    assert told.startswith("UPLOAD IN PROGRESS\n------------------\n  As of Tue 1 Sep 2026, 14:05 CDT:\n\n")
    assert words in told
    assert "    - classes.csv\n    - enrollments.csv\n" in told
    assert told.endswith(f"{'=' * 80}\n\n{before}")


def test_what_was_cut_off_is_told_as_such(tmp_path: Path) -> None:
    """A file whose upload broke off, or kept its temporary name, is marked: the two are corrected in other places."""
    names = ("classes.csv", "students.csv", "teachers.csv")
    latest.waiting(tmp_path, Area.UPLOAD, Waiting(names, None, names[1:], names[2:]), NOW)
    told = page(tmp_path)
    assert "    - classes.csv\n" in told
    assert "    - students.csv (its newest upload was cut off: upload it again)\n" in told
    assert "    - teachers.csv (its newest upload was not renamed from its temporary name:\n" in told


def test_a_stuck_set_is_told_as_safe(tmp_path: Path) -> None:
    """The district reads that it need not do anything, and not what is wrong with the server."""
    latest.waiting(tmp_path, Area.UPLOAD, Stuck("/etc/rostergate/key: no such file"), NOW)
    told = " ".join(page(tmp_path).split())
    assert "The files that came are here and safe" in told
    assert "you need not do anything, nor upload them again" in told
    assert "key" not in told
    latest.waiting(tmp_path, Area.UPLOAD, None, NOW)
    assert "safe" not in page(tmp_path)


@pytest.mark.parametrize("judgement", [None, Complete(), Waiting((), 12.0)])
def test_a_finished_set_is_told_no_longer(
    tmp_path: Path, stories: dict[str, Story], judgement: Judgement | None
) -> None:
    """Once nothing is missing, the part above the summary goes, and the page is as before."""
    latest.write(tmp_path, stories["same"])
    before = page(tmp_path)
    latest.waiting(tmp_path, Area.UPLOAD, Overdue(("classes.csv",)), NOW)
    latest.waiting(tmp_path, Area.UPLOAD, Mixed(("classes.csv",)), NOW + timedelta(hours=1))
    assert page(tmp_path).count("UPLOAD IN PROGRESS") == 1
    latest.waiting(tmp_path, Area.UPLOAD, judgement, NOW)
    assert page(tmp_path) == before


def test_names_of_files_are_harmless(tmp_path: Path) -> None:
    """A file's name cannot end a line, pass for a heading or fill the page."""
    latest.waiting(
        tmp_path, Area.UPLOAD, Overdue(tuple(f"x\n{'=' * 80}\n\n{number}.csv" for number in range(100))), NOW
    )
    latest.tell(tmp_path, f"a\n{'=' * 80}\n\nREFUSED SINCE THEN\n------------------\nb", NOW)
    told = page(tmp_path)
    assert told.splitlines().count("=" * 80) == 1
    assert told.splitlines().count("REFUSED SINCE THEN") == 1
    assert "    and 76 more\n" in told


def test_writers_do_not_lose_each_others_lines(tmp_path: Path) -> None:
    """Refusals told from several threads at once are all on the page."""
    threads = [Thread(target=latest.tell, args=(tmp_path, f"refusal {number}.", NOW)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"refusal {number}." for number in range(12)} <= {line.strip() for line in page(tmp_path).splitlines()}
