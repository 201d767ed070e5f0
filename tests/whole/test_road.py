"""What else happens on the road of a whole daemon: dry runs, other roads in, reloads, restarts."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.cli import sample
from rostergate.spool import sealing
from rostergate.spool.folders import Area
from running import SECONDS_MAX, until
from wholes import as_files

if TYPE_CHECKING:
    from pathlib import Path

    from running import Rostergate


async def test_a_dry_run_changes_nothing(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set in /preview/ gets a report, is not a delivery, writes no roster and uses no slot."""
    with rostergate.daemon():
        await rostergate.upload(files, folder="/preview/")
        report = rostergate.spool.report("lakeside", "preview") / "status.json"
        until(report.exists, "the dry run's report")
        told = json.loads(report.read_text())
        assert (told["verdict"], told["recognised"][:25]) == ("accepted", "6 of 6 files and 30 colum")
        until(lambda: "DRY RUN" in rostergate.latest(), "LATEST.txt to tell of the dry run")
        assert rostergate.deliveries() == []
        assert set(rostergate.counts().values()) == {0}
        await rostergate.upload(files)
        rostergate.reached("settled")


async def test_a_dry_run_that_fails_is_told(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """Its result cannot be written, or the daemon is killed amid it: LATEST.txt says to upload it again."""
    in_the_way, told = rostergate.spool.report("lakeside", "preview"), "so the dry run has no result"
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("no folder")
    with rostergate.daemon():
        await rostergate.upload(files, folder="/preview/")
        until(lambda: told in " ".join(rostergate.latest().split()), "LATEST.txt to tell of the failed dry run")
        assert sealing.dry_runs(rostergate.spool) == []
    (in_the_way.parent / "LATEST.txt").unlink()
    (rostergate.spool.inbox("lakeside", Area.PREVIEW) / "schools.csv").write_bytes(files["schools.csv"])
    name = sealing.dry_run("lakeside")
    folder = sealing.gather(rostergate.spool, "lakeside", Area.PREVIEW, name, ["schools.csv"])
    sealing.freeze(rostergate.spool, folder, now=datetime.now(UTC))
    with rostergate.daemon():
        until(lambda: told in " ".join(rostergate.latest().split()), "LATEST.txt to tell of the dry run that was lost")


async def test_files_copied_in_are_taken(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set that is copied into the inbox, with old time stamps, is sealed and applied for today."""
    with rostergate.daemon():
        inbox = rostergate.spool.inbox("lakeside")
        inbox.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path = inbox / name
            path.write_bytes(data)
            os.utime(path, (1_500_000_000, 1_500_000_000))
        delivery = rostergate.reached("settled")
        assert delivery["day"][:4] != "2017"
        assert rostergate.counts()["students"] == 260


async def test_files_that_came_while_nobody_watched_are_taken(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set that was in the inbox before the daemon started is taken as well."""
    inbox = rostergate.spool.inbox("lakeside")
    inbox.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (inbox / name).write_bytes(data)
    with rostergate.daemon():
        rostergate.reached("settled")


async def test_an_incomplete_set_waits_and_says_for_what(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set that lacks a file is not sealed; LATEST.txt names the file; the set goes on when it comes."""
    part = {name: data for name, data in files.items() if name != "enrollments.csv"}
    with rostergate.daemon():
        await rostergate.upload(part)
        until(lambda: "enrollments.csv" in rostergate.latest_or_nothing(), "LATEST.txt to name the missing file")
        assert rostergate.standing() == ("receiving", False)
        await rostergate.upload({"enrollments.csv": files["enrollments.csv"]})
        rostergate.reached("settled")
        assert "Still to come" not in rostergate.latest()


async def test_an_upload_and_a_dry_run_in_progress_are_told_apart(
    rostergate: Rostergate, files: dict[str, bytes]
) -> None:
    """A dry run that waits, goes or is decided leaves on the page what the upload needs, and nothing of itself."""
    upload, dry_run = "UPLOAD IN PROGRESS\n", "DRY RUN IN PROGRESS\n"
    with rostergate.daemon():
        await rostergate.upload({"students.csv": files["students.csv"]})
        until(lambda: upload in rostergate.latest_or_nothing(), "LATEST.txt to tell of the upload")
        alone = rostergate.latest()
        await rostergate.upload({"schools.csv": files["schools.csv"]}, folder="/preview/")
        until(lambda: dry_run in rostergate.latest(), "LATEST.txt to tell of the dry run")
        assert upload in rostergate.latest()
        async with rostergate.sftp() as client:
            await client.remove("/preview/schools.csv")
        until(lambda: rostergate.latest() == alone, "LATEST.txt to tell of the upload alone")
        await rostergate.upload({"schools.csv": files["schools.csv"]}, folder="/preview/")
        until(lambda: dry_run in rostergate.latest(), "LATEST.txt to tell of the next dry run")
        await rostergate.upload(files, folder="/preview/")
        until(lambda: "DRY RUN: " in rostergate.latest(), "LATEST.txt to tell what the dry run came to")
        until(lambda: dry_run not in rostergate.latest(), "LATEST.txt to tell no longer what the dry run needs")
        assert rostergate.latest().startswith(upload)


async def test_a_file_that_was_cut_off_is_waited_for(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set is not sealed without its optional file when the upload of that file broke off; the resume completes it."""
    guardians = files.pop("guardians.csv")
    with rostergate.daemon():
        async with rostergate.sftp() as client:
            cut = await client.open("guardians.csv", "wb")
            await cut.write(guardians[:1000])
        await rostergate.upload(files)
        until(lambda: "guardians.csv" in rostergate.latest_or_nothing(), "LATEST.txt to name the file that was cut off")
        assert rostergate.standing() == ("receiving", False)
        async with rostergate.sftp() as client, client.open("guardians.csv", "r+b") as file:
            await file.seek(1000)
            await file.write(guardians[1000:])
        rostergate.reached("settled")
        assert rostergate.counts()["guardians"] == 260


async def test_lftp_may_make_sure_of_the_folder(rostergate: Rostergate) -> None:
    """Making a folder that exists fails without being told as a refusal; a refusal names its file once."""
    with rostergate.daemon():
        async with rostergate.sftp() as client:
            for folder in ("/", "/preview"):
                with pytest.raises(asyncssh.SFTPFailure, match="already"):
                    await client.mkdir(folder)
            assert "REFUSED" not in rostergate.latest_or_nothing()
            with pytest.raises(asyncssh.SFTPFailure, match="not a file of"):
                await client.open("roster.csv", "wb")
        assert rostergate.latest().count("roster.csv") == 1


async def test_an_overdue_set_is_told(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A set whose last file never comes is told as overdue, once, by name."""
    part = {name: data for name, data in files.items() if name != "classes.csv"}
    with rostergate.daemon({"ROSTERGATE_DELIVERY__OVERDUE_HOURS": "0.0001"}):
        await rostergate.upload(part)
        until(lambda: "OVERDUE" in rostergate.latest_or_nothing(), "LATEST.txt to tell that the set is overdue")
        assert "classes.csv" in rostergate.latest()
    assert [event["missing"] for event in rostergate.events("set.overdue")] == [["classes.csv"]]


async def test_files_of_two_generations_are_not_mixed(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """Old classes with new students are told as mixed, and not sealed, until the old file comes again."""
    inbox = rostergate.spool.inbox("lakeside")
    with rostergate.daemon():
        await rostergate.upload({"classes.csv": files["classes.csv"]})
        until(lambda: rostergate.standing() == ("receiving", False), "the delivery to begin")
    old = inbox / "classes.csv"
    past = old.stat().st_mtime - 86_400
    os.utime(old, (past, past))
    rostergate.age_receiving(past - 60)
    with rostergate.daemon():
        await rostergate.upload({name: data for name, data in files.items() if name != "classes.csv"})
        until(lambda: "not of one export" in rostergate.latest_or_nothing(), "LATEST.txt to tell of the mixture")
        assert rostergate.standing() == ("receiving", False)
        await rostergate.upload({"classes.csv": files["classes.csv"]})
        rostergate.reached("settled")


async def test_a_new_district_gets_in_without_a_restart(rostergate: Rostergate) -> None:
    """A district that is added while the daemon runs can log in; a broken file keeps its last good version."""
    with rostergate.daemon():
        rostergate.add_district("hillside", "Europe/Berlin")
        until(lambda: _reloaded(rostergate, "hillside"), "the new district to be loaded")
        async with rostergate.sftp("hillside") as client:
            assert "README.txt" in await client.listdir("/")
        until(lambda: "No delivery" in rostergate.latest_or_nothing("hillside"), "the first page")
        path = rostergate.config / "districts" / "hillside.toml"
        path.write_text("time_zone = 5\n" + path.read_text())
        until(lambda: rostergate.events("config.refused"), "the broken file to be told")
        async with rostergate.sftp("hillside") as client:
            assert "README.txt" in await client.listdir("/")


def _reloaded(rostergate: Rostergate, slug: str) -> bool:
    return any(event["district"] == slug for event in rostergate.events("config.reloaded"))


async def test_a_disabled_district_stays_out(rostergate: Rostergate) -> None:
    """A district that is disabled is refused at its next login, and let in again when it is enabled."""
    with rostergate.daemon():
        rostergate.run("district", "disable", "lakeside")
        until(lambda: _reloaded(rostergate, "lakeside"), "the change to be loaded")
        with pytest.raises(asyncssh.PermissionDenied):
            async with rostergate.sftp():
                pass
        rostergate.run("district", "enable", "lakeside")
        until(lambda: len(rostergate.events("config.reloaded")) > 1, "the change to be loaded")
        async with rostergate.sftp() as client:
            assert "README.txt" in await client.listdir("/")


def test_a_second_daemon_refuses_to_start(rostergate: Rostergate) -> None:
    """Two daemons never work on one state."""
    with rostergate.daemon():
        second = subprocess.run(
            rostergate.command("serve", "--port", "0"),
            env=rostergate.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
    assert second.returncode == 1
    assert "Another rostergate daemon is running" in second.stderr


async def test_a_running_upload_ends_before_the_daemon_does(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """SIGTERM lets an upload in progress finish, and the next start takes the set on."""
    with rostergate.daemon() as process:
        async with rostergate.sftp() as client:
            for name, data in files.items():
                async with client.open(f"/{name}", "wb") as file:
                    await file.write(data[:100])
                    if name == "schools.csv":
                        process.send_signal(signal.SIGTERM)
                    await file.write(data[100:])
                if name == "schools.csv":
                    break
        assert process.wait(SECONDS_MAX) == 0
    assert (rostergate.spool.inbox("lakeside") / "schools.csv").read_bytes() == files["schools.csv"]
    with rostergate.daemon():
        await rostergate.upload({name: data for name, data in files.items() if name != "schools.csv"})
        rostergate.reached("settled")


async def test_a_hang_up_ends_nothing(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """SIGHUP, by which other daemons are told to read their settings again, is told and cuts no upload off."""
    with rostergate.daemon() as process:
        async with rostergate.sftp() as client, client.open("/schools.csv", "wb") as file:
            await file.write(files["schools.csv"][:100])
            process.send_signal(signal.SIGHUP)
            until(lambda: rostergate.events("signal.ignored"), "the signal in the log")
            await file.write(files["schools.csv"][100:])
    assert (rostergate.spool.inbox("lakeside") / "schools.csv").read_bytes() == files["schools.csv"]


def test_the_end_of_a_terminal_ends_the_daemon(rostergate: Rostergate) -> None:
    """A daemon that writes its log to a terminal stops in good order when that is closed."""
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        rostergate.command("serve", "--port", "0"), env=rostergate.environ(), stdout=terminal, stderr=terminal
    )
    rostergate.listens(process)
    process.send_signal(signal.SIGHUP)
    assert process.wait(SECONDS_MAX) == 0
    os.close(terminal)
    os.close(ours)


async def test_one_inbox_that_cannot_be_used_stops_nobody_else(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A district whose inbox is no folder is told in the log; the others deliver, also by other roads."""
    rostergate.add_district("hillside")
    broken = rostergate.spool.inbox("hillside")
    broken.touch()
    with rostergate.daemon():
        (failed,) = until(lambda: rostergate.events("set.failed"), "the inbox in the log")
        broken.write_text("to be seen by whoever watches the folders")
        (rostergate.spool.inbox("lakeside") / "schools.csv").write_bytes(files["schools.csv"])
        until(rostergate.standing, "a copied file to be noticed", 20)  # by the watch, which goes on
        await rostergate.upload({name: data for name, data in files.items() if name != "schools.csv"})
        rostergate.reached("settled")
    assert (failed["district"], failed["area"]) == ("hillside", "inbox")
    assert rostergate.events("service.failed") == rostergate.events("watch.failed") == []


async def test_a_poisonous_delivery_ends_in_failed(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A delivery whose files were changed behind the daemon's back fails and says so; put right, it can be retried."""
    with rostergate.daemon(
        {"ROSTERGATE_DELIVERY__SETTLE_SECONDS": "0.2", "ROSTERGATE_DELIVERY__DECIDE_SECONDS_MAX": "60"}
    ):
        await rostergate.upload({name: data for name, data in files.items() if name != "schools.csv"})
        until(rostergate.standing, "the delivery to begin")
    _seal_by_hand(rostergate, files)
    with rostergate.daemon():
        failed = rostergate.reached("failed")
        assert "changed on disk" in failed["error"]
        _put_right(rostergate, files)
        rostergate.run("retry", failed["delivery"])
        rostergate.reached("settled")
        rostergate.run("retry", failed["delivery"], status=1)


def _seal_by_hand(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """Leave what a crash right after sealing leaves, with one byte changed since."""
    spool = rostergate.spool
    (spool.inbox("lakeside") / "schools.csv").write_bytes(files["schools.csv"])
    folder = sealing.gather(spool, "lakeside", Area.UPLOAD, "lakeside-00001", files)
    sealing.freeze(spool, folder, now=datetime.now(UTC))
    students = spool.delivery("lakeside-00001") / "students.csv"
    students.chmod(0o600)
    students.write_bytes(students.read_bytes().replace(b"Ada", b"Eve"))


def _put_right(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    (rostergate.spool.delivery("lakeside-00001") / "students.csv").write_bytes(files["students.csv"])


async def test_no_name_reaches_the_log(rostergate: Rostergate) -> None:
    """Names, addresses and other cells planted in good and bad rows never appear in the log."""
    canary = "Canaria"
    rows = sample.file_set()
    rows["students.csv"][1:] = [
        [row[0], row[1], canary, f"{canary}son", row[4], f"{canary}day", f"{canary}@@example.org", canary]
        for row in rows["students.csv"][1:]
    ]
    broken = {**rows, "teachers.csv": [*rows["teachers.csv"], [canary] * 3]}
    with rostergate.daemon({"ROSTERGATE_LOG__LEVEL": "debug"}):
        await rostergate.upload(as_files(broken))
        rostergate.reached("rejected")
        await rostergate.upload(as_files(rows))
        rostergate.reached("settled", 2)
        with pytest.raises(asyncssh.SFTPError):
            await rostergate.upload({f"{canary}.csv": b""})
        rostergate.passwords[canary] = canary
        with pytest.raises(asyncssh.PermissionDenied):
            async with rostergate.sftp(canary):
                pass
    log = rostergate.log.read_text()
    assert "delivery.decided" in log
    assert canary.lower() not in log.lower()
    rostergate.run("show", "lakeside-00002")


async def test_one_line_tells_a_delivery(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """The canonical line has everything that counts about a delivery."""
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
    (line,) = rostergate.events("delivery.decided")
    assert (line["delivery"], line["district"], line["state"], line["outcome"], line["format"]) == (
        "lakeside-00001",
        "lakeside",
        "settled",
        "accepted",
        "direct",
    )
    assert (line["files"], line["rows"], line["attempt"], line["held"]) == (6, 809, 1, 0)
    assert line["changes"]["added"] > 800


def test_the_demo_tells_its_story(tmp_path: Path) -> None:
    """`rostergate demo --once` goes through every scene and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "rostergate", "demo", "--once"],
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * SECONDS_MAX,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    for said in ("Accepted", "one upload per day", "line 42", "On hold", "released: plan", "sftp -P"):
        assert said in done.stdout
    assert not list(tmp_path.iterdir())
