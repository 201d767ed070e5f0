"""Where a secret's file is: named with its whole path, or as one of the service's credentials from systemd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""The variable with the folder that has the files of LoadCredential= (systemd.exec(5))."""
OF_THE_SERVICE: Final = Path("/run/credentials/rostergate.service")
"""The same folder for commands of the service's user: it is there for as long as the service runs (systemd.exec(5))."""


def located(name: str, environ: Mapping[str, str]) -> Path:
    """Return the file of a secret that a setting names."""
    return Path(environ.get(CREDENTIALS) or OF_THE_SERVICE, name)


def missing_hint(name: str, environ: Mapping[str, str]) -> str:
    """Return the end of a complaint that such a file cannot be read; empty where nothing is to be added."""
    if Path(name).is_absolute() or environ.get(CREDENTIALS):
        return ""
    return (
        "; systemd has the service's credentials there, while it runs: start the service, set "
        f"{CREDENTIALS} to another folder, or name the file with its whole path"
    )
