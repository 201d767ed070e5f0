"""Kept text: who decided and why, as the commands take it. It is shown in reports, tables and mail ever after."""

from __future__ import annotations

from typing import Final

import click

CHARACTERS_MAX: Final = 500


class _KeptText(click.ParamType[str]):
    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text. Fails with what a terminal would take for a command, and with more than one line."""
        if not value.isprintable() or len(value) > CHARACTERS_MAX:
            self.fail(f"must be one line of plain text, of {CHARACTERS_MAX} characters at most", param, ctx)
        return value


KEPT_TEXT: Final = _KeptText()
