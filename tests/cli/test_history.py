from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from core.rosters import frames
from rostergate import store
from rostergate.core.roster import TABLES, empty
from running import SECONDS_MAX, until
from servers import ENGINES
from store.making import accepted, concluded, plans
from store.replaying import STATES

if TYPE_CHECKING:
    from pathlib import Path

    from rostergate.core.roster import Frames

pytestmark = pytest.mark.parametrize("commands", ENGINES, indirect=True)

ONE = frames(schools=[("A", "Adams")], students=[("s1", "Ann", 'Zo,"e')], student_schools=[("A", "s1")])
TWO = frames(
    schools=[("A", "Adams")], students=[("s1", "Ann"), ("s2", None)], student_schools=[("A", "s1"), ("A", "s2")]
)


def deliver(commands: Any, *steps: tuple[Frames, Frames]) -> None:
    """Apply deliveries that lead from one roster to the next."""

    async def applied() -> None:
        engine = store.open(commands.location)
        async with store.writing(engine) as tx:
            for before, after in steps:
                await concluded(tx, accepted(plans(before, after)), "lakeside")
        await engine.dispose()

    asyncio.run(applied())


@pytest.fixture
def lakeside(commands: Any) -> None:
    """Give a district with two deliveries."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    deliver(commands, (empty(), ONE), (ONE, TWO))


READ = {
    "--csv": lambda path: pl.read_csv(path, infer_schema=False),
    "--parquet": pl.read_parquet,
    "--ndjson": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


@pytest.mark.usefixtures("lakeside")
@pytest.mark.parametrize("form", READ)
def test_the_roster_is_exported_as_of_any_delivery(commands: Any, tmp_path: Path, form: str) -> None:
    """Each form has the same rows: a file per table, for its owner alone, now or as of a delivery."""
    wanted = {("--as-of", "lakeside-00001"): ONE, ("--as-of", "lakeside-00002"): TWO, (): TWO}
    for number, (asked, tables) in enumerate(wanted.items()):
        folder = tmp_path / f"out{number}"
        ended = commands("roster", *asked, form, "--output", str(folder))
        assert ended.exit_code == 0, ended.output
        assert {path.stem for path in folder.iterdir()} == set(TABLES)
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        path = folder / f"students.{form.removeprefix('--')}"
        assert READ[form](path).select(TABLES["students"].columns).rows() == tables["students"].rows()
        assert READ[form](path)["district"].unique().to_list() == ["lakeside"]


@pytest.mark.usefixtures("lakeside")
def test_one_table_goes_to_standard_output(commands: Any) -> None:
    """`--table` without a folder prints the table; an empty text and an absent one are told apart."""
    shown = commands("roster", "--table", "students", "--csv")
    assert shown.exit_code == 0, shown.output
    columns = ",".join(TABLES["students"].columns)
    header = f"district,{columns},account_state,account"
    assert shown.stdout == f"{header}\nlakeside,s1,Ann,,,,,,offered,\nlakeside,s2,,,,,,,offered,\n"
    shown = commands("roster", "--table", "students", "--csv", "--as-of", "lakeside-00001")
    assert shown.stdout == f'{header}\nlakeside,s1,Ann,"Zo,""e",,,,,offered,\n'
    shown = commands("roster", "--table", "schools", "--ndjson", "--as-of", "lakeside-00001")
    school = {"district": "lakeside", "school_id": "A", "name": "Adams", "platform_school": None}
    assert json.loads(shown.stdout) == school
    assert shown.stderr == "the feed goes on after cursor 1.3\n"


@pytest.mark.usefixtures("lakeside")
def test_the_roster_is_counted_as_of_a_delivery(commands: Any) -> None:
    """Without a form, `--as-of` counts."""
    (counted,) = commands.answer("roster", "--as-of", "lakeside-00001")
    assert (counted["district"], counted["students"]) == ("lakeside", 1)
    ended = commands("roster", "--as-of", "lakeside-00001", "--district", "elsewhere")
    assert (ended.exit_code, "a delivery of lakeside" in ended.stderr) == (1, True)
    assert commands("roster", "--as-of", "lakeside-00009").exit_code == 1


def test_an_empty_roster_is_exported_with_its_columns(commands: Any, tmp_path: Path) -> None:
    """Every table has its file, also before the first delivery, and a file that is there is replaced."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    for _ in range(2):
        assert commands("roster", "--csv", "--output", str(tmp_path / "out")).exit_code == 0
    for name, table in TABLES.items():
        assert (tmp_path / "out" / f"{name}.csv").read_text().strip() == ",".join(
            ("district", *table.columns, *STATES.get(name, ()))
        )


@pytest.mark.parametrize("asked", [("--csv",), ("--parquet", "--table", "schools"), ("--table", "schools")])
def test_an_export_says_what_and_where_to(commands: Any, asked: tuple[str, ...]) -> None:
    """What cannot be printed needs a folder, and what is exported needs a form."""
    assert commands("roster", *asked).exit_code == 2


@pytest.mark.usefixtures("lakeside")
def test_the_feed_is_resumed_where_it_was_left(commands: Any, tmp_path: Path) -> None:
    """`changes` prints an object per line; `--after` goes on after any of them, `--since` after a delivery."""
    lines = commands("changes", "--ndjson").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [(one["cursor"], one["table"], one["action"]) for one in told] == [
        ("1.1", "schools", "added"),
        ("1.2", "students", "added"),
        ("1.3", "student_schools", "added"),
        ("2.1", "students", "updated"),
        ("2.2", "students", "added"),
        ("2.3", "student_schools", "added"),
    ]
    assert commands("changes", "--after", "1.2").stdout.splitlines() == lines[2:]
    assert commands("changes", "--since", "lakeside-00001").stdout.splitlines() == lines[3:]
    assert commands("changes", "--after", "2.3", "--district", "lakeside").stdout == ""
    path = tmp_path / "feed.ndjson"
    assert commands("changes", "--output", str(path)).exit_code == 0
    assert (path.read_text().splitlines(), stat.S_IMODE(path.stat().st_mode)) == (lines, 0o600)
    again = commands("changes", "--output", str(path))
    assert (again.exit_code, "name a new file" in again.stderr) == (1, True)


@pytest.mark.usefixtures("lakeside")
def test_a_wrong_place_in_the_feed_is_refused(commands: Any) -> None:
    """A cursor from elsewhere, both ways to begin at once, and an unknown district are told apart."""
    assert "restored from a backup" in commands("changes", "--after", "9.1").stderr
    assert "no cursor" in commands("changes", "--after", "x").stderr
    assert commands("changes", "--after", "1.1", "--since", "lakeside-00001").exit_code == 2
    assert "no district" in commands("changes", "--district", "nowhere").stderr


@pytest.mark.usefixtures("lakeside")
def test_a_follower_is_told_what_is_applied_later(commands: Any) -> None:
    """`--follow` goes on with what comes, and ends well when it is stopped."""
    with subprocess.Popen(
        [sys.executable, "-m", "rostergate", *commands.place, "changes", "--after", "2.3", "--follow"],
        env={**os.environ, **commands.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout
        deliver(commands, (TWO, ONE))
        line = json.loads(follower.stdout.readline())
        assert (line["cursor"], line["action"]) == ("3.1", "updated")
        follower.terminate()
        assert follower.wait(SECONDS_MAX) == 0


def stands_in_the_way(commands: Any) -> bool:
    """Say whether somebody reads an old state of the database, and what is newer cannot be tidied up."""
    if commands.server:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(commands.server.url) as connection:
            (count,) = connection.execute(f"SELECT count(xact_start) {others}").fetchone() or (0,)
        return bool(count)
    with closing(sqlite3.connect(commands.location, isolation_level=None)) as connection:
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy)


@pytest.mark.usefixtures("lakeside")
def test_a_reader_that_stalls_holds_up_nobody(commands: Any) -> None:
    """While nobody takes lines the database is let go; whoever takes them later misses none and gets none twice."""
    many = [f"x{one}" for one in range(3_000)]
    much = frames(
        schools=[("A", "Adams")], students=[(one, "Ann") for one in many], student_schools=[("A", one) for one in many]
    )
    deliver(commands, (TWO, much))
    with subprocess.Popen(
        [sys.executable, "-m", "rostergate", *commands.place, "changes", "--follow"],
        env={**os.environ, **commands.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout
        told = [json.loads(follower.stdout.readline())["cursor"]]
        deliver(commands, (much, TWO))
        until(lambda: not stands_in_the_way(commands), "the database to be let go")
        last = str(commands.answer("roster")[0]["cursor"])
        while told[-1] != last:
            told.append(json.loads(follower.stdout.readline())["cursor"])
        follower.terminate()
        assert follower.wait(SECONDS_MAX) == 0
    assert told == [json.loads(line)["cursor"] for line in commands("changes").stdout.splitlines()]
