"""`--idempotency-key`: the same key and words get the same answer for ever, and nothing is done again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, say
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.store.db import Reads
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.once import Once

_LONGEST = 200


def _checked(key: str | None) -> str | None:
    if key is not None and not (key.isprintable() and key.strip() and len(key) <= _LONGEST):
        raise UsageError(f"--idempotency-key takes a line of 1 to {_LONGEST} characters", hint="--idempotency-key 4711")
    return key


IdempotencyKey = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The same key and words get the same answer for ever.", callback=_checked),
]


def wish(key: str | None, *words: object, told: Callable[[Reads, Any], Any] | None = None) -> Once:
    """What is asked for once: the command and its options; `told` makes the document of what was done."""
    from relayclear.usecases.once import Once, as_it_is

    return Once(key, tuple(map(str, words)), told or as_it_is)


def run_once(face: Face, work: Callable[[Desk], Awaitable[int]], again: Callable[[Desk, Any], Awaitable[int]]) -> int:
    """Run the work; where its key was answered before, `again` shows that answer and gives the exit code."""

    async def once(desk: Desk) -> int:
        """The work, or what its key was answered before."""
        from relayclear.usecases.once import AnsweredError

        try:
            return await work(desk)
        except AnsweredError as error:
            if not face.json:
                say(error.message)
            return await again(desk, error.answer)

    return face.run(once)


def told_again(
    face: Face, page: Callable[[Desk, Any], Awaitable[None]], code: Callable[[Any], int] = lambda _: Exit.DONE
) -> Callable[[Desk, Any], Awaitable[int]]:
    """Shows an answer that is a document: as it was, or as the page made of it."""

    async def again(desk: Desk, document: Any) -> int:
        """Show the kept answer; its exit code."""
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return code(document)

    return again
