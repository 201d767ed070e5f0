"""What can go wrong with the world, as one tree. Bad data is a finding; bad code is an assertion; this is the rest.

RostergateError
├── ConfigError         a configuration file or variable cannot be used
├── StateError          the state folder cannot be used
│   └── AlreadyRunning  another daemon has it
├── StoreError          the database refused or failed
│   ├── FullDatabaseError    it has no room for anything, on its disk or for a connection
│   └── UnfitDatabaseError   it is none that this program can work with
├── DiskError           the disk refused or is full
├── Refused             what was asked for is not possible as things stand
└── NotFound            there is no such district, delivery or plan
"""

from __future__ import annotations

from typing import ClassVar


class RostergateError(Exception):
    """Something outside the program is wrong. The message says where, and what to do next."""

    permanent: ClassVar[bool] = True
    """Whether trying again without a change is pointless."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigError(RostergateError):
    """The configuration cannot be used."""


class StateError(RostergateError):
    """The state folder cannot be used."""


class AlreadyRunning(StateError):  # noqa: N818 - it names what is the case
    """Another rostergate daemon is running on this state folder; stop it first."""


class StoreError(RostergateError):
    """The database refused or failed."""

    permanent = False


class FullDatabaseError(StoreError):
    """The database has no room, on its disk or for a connection."""


class UnfitDatabaseError(StoreError):
    """The database is none that this program can work with."""

    permanent = True


class DiskError(RostergateError):
    """The disk refused or is full."""

    permanent = False


class Refused(RostergateError):  # noqa: N818 - it names what is the case
    """What was asked for is not possible as things stand."""


class NotFound(RostergateError):  # noqa: N818 - it names what is the case
    """There is no such district, delivery or plan."""
