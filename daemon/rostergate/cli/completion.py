"""`rostergate completion`: what makes a shell complete commands, options, districts and deliveries."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell, to be kept where that shell looks for it.

    bash: /usr/share/bash-completion/completions/rostergate. zsh: a file _rostergate in a folder of fpath. fish:
    /usr/share/fish/vendor_completions.d/rostergate.fish.
    """
    found = get_completion_class(shell)
    if found is None:
        raise AssertionError(f"click completes nothing in {shell}")
    script = found(context.find_root().command, {}, "rostergate", "_ROSTERGATE_COMPLETE")
    # Without the look at the version of the bash that is installed here: the script is for where it is used.
    click.echo(ShellComplete.source(script))
