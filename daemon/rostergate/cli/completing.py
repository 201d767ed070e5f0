"""What the shell completes: districts by their files, deliveries by their folders; neither opens the database.

Rule: completion answers at once or not at all; what cannot be read is not offered, and nothing is said.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

OFFERED_MAX: Final = 50


class _Known(click.ParamType[str]):
    """A name that is taken as it is given, and completed from the names of files."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's
        """Return the name."""
        return value

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the known names that begin like this."""
        try:
            names = [name for name in self._names(ctx.find_root().params) if name.startswith(incomplete)]
        except OSError:
            return []
        return [CompletionItem(name) for name in names[:OFFERED_MAX]]

    @abstractmethod
    def _names(self, places: dict[str, Path]) -> Iterable[str]:
        """Return the names, most likely first; `places` are the options before the command's name. Raises `OSError`."""


class _District(_Known):
    name = "district"

    def _names(self, places: dict[str, Path]) -> Iterator[str]:
        yield from sorted(path.stem for path in (places["config"] / "districts").iterdir() if path.suffix == ".toml")


class _Delivery(_Known):
    name = "delivery"

    def _names(self, places: dict[str, Path]) -> Iterable[str]:
        with os.scandir(places["state"] / "deliveries") as folders:
            found = [(one.stat().st_mtime, one.name) for one in folders if not one.name.startswith(".")]
        return [name for _, name in sorted(found, reverse=True)]


DISTRICT: Final = _District()
DELIVERY: Final = _Delivery()
