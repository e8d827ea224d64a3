"""`relayclear help`: a topic, the page of a command, all of them, and the manual pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.help_topics import TOPICS
from relayclear.cli.output import Exit
from relayclear.errors import UsageError


def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC|COMMAND…]", help=f"{', '.join(TOPICS)}; or a command.", autocompletion=completion.topics
        ),
    ] = None,
    *,
    man: Annotated[bool, typer.Option("--man", help="Write it as a manual page, for man.")] = False,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="With --man: write all pages below here.")] = "",
) -> int:
    """Explain a topic or a command; without a name, list them.

    The manual pages: relayclear help --man --out ~/.local/share/man, and then man relayclear, man relayclear-clear,
    man relayclear-runbook.

    Completion by the tab key: relayclear --install-completion in bash, zsh or fish, then a new shell. It reads names
    from the database and asks no node.
    """
    face: Face = ctx.obj
    if out and (words or not man):
        raise UsageError("--out is where --man writes all pages", hint=f"relayclear help --man --out {out}")
    if man:
        return _manual(face, words or [], out)
    typer.echo(_text(ctx, words or []), nl=False)
    return Exit.DONE


def _text(ctx: typer.Context, words: Sequence[str]) -> str:
    if not words:
        whole = ctx.parent.get_help() if ctx.parent else ""
        lines = [f"  {name:<11}  {topic.says}" for name, topic in TOPICS.items()]
        return "\n".join([whole, "", "Topics (relayclear help TOPIC):", *lines, ""])
    # Some topics are named like a command: its own page is COMMAND --help.
    if len(words) == 1 and words[0] in TOPICS:
        return TOPICS[words[0]].text()
    from relayclear.cli.manual import found

    context = found(words)
    return f"{context.command.get_help(context)}\n"


def _manual(face: Face, words: Sequence[str], out: str) -> int:
    from relayclear.cli import manual

    if not out:
        typer.echo(manual.page(words), nl=False)
        return Exit.DONE
    files = manual.write(Path(out))
    if face.json:
        face.emit({"folder": out, "files": files})
    else:
        typer.echo(f"{out}: {len(files)} manual pages")
    return Exit.DONE
