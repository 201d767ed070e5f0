"""The unit files hold what they promise: systemd takes them, they are tight, and the program lives within them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rostergate.config import Settings

SYSTEMD = Path(__file__).parents[2] / "systemd"
SERVICE = SYSTEMD / "rostergate.service"
SOCKET = SYSTEMD / "rostergate.socket"
EXPOSURE_MAX = 2.0
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = (
    65,
    1,
)  # linux/prctl.h; what systemd denies by seccomp, the kernel denies since 6.3

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def unit(path: Path) -> configparser.ConfigParser:
    """Read a unit file; of a repeated key the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.read(path, encoding="utf-8")
    return parser


def seconds(text: str) -> int:
    """Return a time span of a unit file that is written in plain seconds."""
    return int(text.removesuffix("s"))


@needs_systemd
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say once the program is where the unit expects it."""
    program = unit(SERVICE)["Service"]["ExecStart"].split()[0]
    for path in (SERVICE, SOCKET):
        text = path.read_text(encoding="utf-8").replace(f"ExecStart={program}", f"ExecStart={shutil.which('true')}")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / SERVICE.name, tmp_path / SOCKET.name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@needs_systemd
def test_the_service_is_little_exposed() -> None:
    """`systemd-analyze security` rates the service at 2.0 or better."""
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", SERVICE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unrecognized option" in told.stderr:
        pytest.skip("systemd before 250 cannot rate a file")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout)
    assert found, told.stdout + told.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_stopping_waits_longer_than_the_drain() -> None:
    """Systemd does not kill uploads that the daemon still lets finish."""
    service = unit(SERVICE)["Service"]
    assert seconds(service["TimeoutStopSec"]) > Settings().server.drain_seconds_max
    assert service["KillSignal"] == "SIGTERM"


def test_restarts_come_to_an_end() -> None:
    """A daemon that can't run is started again a few times and then stays down, within the window that counts them."""
    parsed = unit(SERVICE)
    burst, window = int(parsed["Unit"]["StartLimitBurst"]), seconds(parsed["Unit"]["StartLimitIntervalSec"])
    assert parsed["Service"]["Restart"] == "on-failure"
    assert burst * seconds(parsed["Service"]["RestartSec"]) < window
    assert parsed["Service"]["RestartPreventExitStatus"] == "2"


def test_the_service_is_unprivileged_and_keeps_its_state_to_itself() -> None:
    """A user of its own, no capability, a state folder for that user alone, and nothing else that it can write."""
    service = unit(SERVICE)["Service"]
    assert service["ProtectSystem"] == "strict"
    assert not {"configurationdirectory", "readwritepaths"} & set(service)
    user = service["User"]
    assert service["CapabilityBoundingSet"] == ""
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("rostergate", "0700")
    assert re.search(rf"^u\s+{user}\s", (SYSTEMD / "rostergate.sysusers").read_text(encoding="utf-8"), re.MULTILINE)
    tmpfiles = (SYSTEMD / "rostergate.tmpfiles").read_text(encoding="utf-8")
    assert re.search(rf"^d\s+/var/lib/rostergate\s+0700\s+{user}\s+{user}\s", tmpfiles, re.MULTILINE)


def test_there_are_files_enough_for_every_connection() -> None:
    """The limit on open files covers the connections and uploads that the settings allow."""
    upload_files = Settings().server.connections_max * Settings().upload.scratch_files_max
    assert int(unit(SERVICE)["Service"]["LimitNOFILE"]) > upload_files + Settings().server.connections_max


def test_the_socket_has_the_port_of_the_settings() -> None:
    """With and without systemd a daemon is found at the same port."""
    socket = unit(SOCKET)["Socket"]
    assert socket["ListenStream"] == str(Settings().server.port)
    assert socket["Accept"] == "no"
    assert socket["Service"] == SERVICE.name


def test_the_program_is_started_with_options_that_it_has() -> None:
    """The command line of the unit is one that the program understands."""
    _, *arguments = unit(SERVICE)["Service"]["ExecStart"].split()
    told = subprocess.run(
        [sys.executable, "-m", "rostergate", *arguments, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "Run the daemon" in told.stdout


WITHIN = """
import ctypes, pkgutil, importlib
assert ctypes.CDLL(None).prctl({set_mdwe}, {refuse}, 0, 0, 0) == 0
import argon2, asyncssh, polars
import rostergate
for module in pkgutil.walk_packages(rostergate.__path__, "rostergate."):
    if "__main__" not in module.name and "migrations" not in module.name:
        importlib.import_module(module.name)
argon2.PasswordHasher().hash("password")
asyncssh.generate_private_key("ssh-ed25519")
frame = polars.DataFrame({{"id": ["1", "2", "2"]}})
assert frame.lazy().group_by("id").len().collect().height == 2
"""


def test_the_program_lives_without_writable_executable_memory() -> None:
    """Under MemoryDenyWriteExecute, with the unit's environment, every module loads and the compiled libraries work."""
    service = unit(SERVICE)["Service"]
    assert service["MemoryDenyWriteExecute"] == "yes"
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).prctl({}, {}, 0, 0, 0) != 0)"
    asked = (PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    if subprocess.run([sys.executable, "-c", probe.format(*asked)], check=False, timeout=60).returncode:
        pytest.skip("Linux before 6.3 cannot deny it without seccomp")
    name, value = service["Environment"].split("=")
    told = subprocess.run(
        [sys.executable, "-c", WITHIN.format(set_mdwe=asked[0], refuse=asked[1])],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
