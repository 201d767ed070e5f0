"""The commands as a group: imported when they are run, and ended with a plain sentence when something is wrong.

Rule: this module imports nothing slow, so that a shell completes the commands' names at once.
"""

from __future__ import annotations

import errno
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.shell_completion import CompletionItem

from rostergate.cli.shown import shown
from rostergate.errors import ConfigError, RostergateError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSED = 1
WRONG = 2


class PlaceGroup(click.Group):
    """Commands that are imported when they are run, and that end with a plain sentence when something is wrong."""

    def __init__(self, *arguments: Any, modules: Mapping[str, str], **named: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **named)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the commands in the order of the help."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own
        """Import one command; None when there is none of that name."""
        if cmd_name not in self._modules:
            return None
        found: click.Command = getattr(import_module(f"rostergate.cli.{self._modules[cmd_name]}"), cmd_name)
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what was typed, unless bytes of it are no text: it can be neither kept nor looked for, nor shown."""
        for one in args:
            if any("\ud800" <= letter <= "\udfff" for letter in one):
                ctx.fail(f"{one!a} has bytes that are not UTF-8")
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name, without importing any, or an option."""
        if incomplete and not incomplete[0].isalnum():
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name) for name in self._modules if name.startswith(incomplete)]

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            end(error, WRONG)
        except StoreError as error:
            database = str(ctx.obj.location())
            end(error if database in str(error) else f"{database}: {error}", REFUSED)
        except RostergateError as error:
            end(error, REFUSED)
        except PermissionError as error:
            what = error.filename or "the system refused something that the program needs"
            end(f"{what}: permission denied; run this as the service's user", REFUSED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # nobody reads the answer any more; click ends quietly
            end(f"{error.filename}: {reason(error)}" if error.filename else reason(error), REFUSED)


def reason(error: OSError) -> str:
    """Return what the system says about an error, as the end of a sentence."""
    return (error.strerror or str(error)).lower()


def end(message: object, status: int) -> NoReturn:
    """Print what is wrong and end with `status`."""
    click.echo(f"rostergate: {shown(message)}", err=True)
    raise SystemExit(status)
