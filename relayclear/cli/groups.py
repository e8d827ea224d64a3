"""Groups of commands whose help page cuts no line."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Whole(TyperGroup):
    """A group whose help page shows the first sentence of each command whole: cut ones teach nothing."""

    def format_commands(self, _: Any, formatter: Any) -> None:
        """Write the commands, in panels where they have some; typer's own hook of a help page."""
        # All panels of a page are set at one width, so that it reads as one list.
        widest = max(map(len, self.commands))
        for title, names in self.panels():
            rows = [(name.ljust(widest), self.commands[name].get_short_help_str(limit=1000)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)

    def panels(self) -> list[tuple[str, list[str]]]:
        """Titles, and what stands below each."""
        return [("Commands", [name for name, command in self.commands.items() if not command.hidden])]
