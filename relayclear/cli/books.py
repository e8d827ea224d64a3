"""`relayclear books`: what movements were that nothing else explains, and the books day by day."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.store.assignments import Word
    from relayclear.store.payments import StoredPayment
    from relayclear.usecases.books_values import Said
    from relayclear.usecases.desk import Desk

app = typer.Typer(no_args_is_help=True, help="What moved in and out of the wallets, and what it was.")

Chain = Annotated[str, typer.Option(metavar="CHAIN", help="Only this chain.", autocompletion=completion.chains)]


class _As(StrEnum):
    """What a movement was."""

    deposit = "deposit"
    withdrawal = "withdrawal"
    income = "income"
    expense = "expense"


@app.command(epilog=examples("books assign"))
def assign(
    ctx: typer.Context,
    *,
    tx: Annotated[
        str, typer.Option(metavar="HASH", help="The whole hash of the transaction.", autocompletion=completion.payments)
    ],
    what: Annotated[_As, typer.Option("--as", help="What came in: deposit, income; what went out: the others.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")],
    output: Annotated[
        int | None, typer.Option(min=0, metavar="K", help="Only the K-th of its direction, from 0.")
    ] = None,
    denom: Annotated[str, typer.Option(metavar="DENOM", help="Only coins of this denom.")] = "",
    chain: Chain = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before others' coins are called yours.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Say for good what a movement was: neither a token's payment, nor a refund.

    What came from an account that isn't yours may be a payer's who forgot the memo: calling it yours is asked first.
    """
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Book what the operator says of a movement, once."""
        from relayclear.cli.who import who
        from relayclear.store.assignments import Word
        from relayclear.usecases import books
        from relayclear.usecases.books_values import AssignRequest

        request = AssignRequest(tx, Word(what.value), reason, output, denom, chain)
        words = ("books assign", tx, what.value, reason, output, denom, chain)
        once = wish(idempotency_key, *words, told=lambda _, said: _said_document(said))
        once.begin(desk.journal.database)
        with face.waiting("reading"):
            others = [] if yes else await books.of_others(desk, request)
        if others and not _agreed(face, desk, others, request.word):
            return Exit.DONE
        with face.waiting("reading"):
            said = await books.assign(desk, request, who(), once)
        return _tell_said(face, said)

    return run_once(face, work, told_again(face, lambda _, document: _page_said(face, document)))


def _said_document(said: Said) -> dict[str, Any]:
    from relayclear.cli.book_rows import said_row

    return said_row(said)


def _tell_said(face: Face, said: Said) -> int:
    from relayclear.cli.book_pages import print_said

    if face.json:
        face.emit(_said_document(said))
    else:
        print_said(face, said)
    return Exit.DONE


async def _page_said(face: Face, document: Any) -> None:
    from relayclear.cli.book_pages import print_said
    from relayclear.cli.book_rows import said_of

    print_said(face, said_of(document))


@app.command("write-off", epilog=examples("books write-off"))
def write_off(
    ctx: typer.Context,
    orphan: Annotated[str, typer.Argument(metavar="HASH[/ORDINAL]", help="The payment, or the start of its hash.")],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")],
    denom: Annotated[str, typer.Option(help="Of several coins of one transaction, this denom.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Keep an orphan for good: coins for no token that nobody asked back.  It can't be undone."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Ask, and write it off, once."""
        from relayclear.cli.who import who
        from relayclear.store.assignments import Word
        from relayclear.usecases import books

        once = wish(
            idempotency_key, "books write-off", orphan, reason, denom, told=lambda _, said: _said_document(said)
        )
        once.begin(desk.journal.database)
        others = [] if yes else [books.writable_off(desk.journal.database, orphan, denom)]
        if others and not _agreed(face, desk, others, Word.WRITTEN_OFF):
            return Exit.DONE
        return _tell_said(face, books.write_off(desk, orphan, reason, who(), once, denom=denom))

    return run_once(face, work, told_again(face, lambda _, document: _page_said(face, document)))


def _agreed(face: Face, desk: Desk, orphans: list[StoredPayment], word: Word) -> bool:
    """Ask before coins of others become the operator's, by whichever word."""
    from relayclear.cli.asking import agreed
    from relayclear.usecases.payments_view import view_of
    from relayclear.wording.books import CALLED_OURS, ours_question

    if face.json or not sys.stdin.isatty():
        raise UsageError(f"{CALLED_OURS[word]} and nobody can be asked here", hint="add --yes")
    views = view_of(desk, orphans)
    return all(agreed(ours_question(one.stored, one.suggested, word)) for one in views)


@app.command(epilog=examples("books daily"))
def daily(
    ctx: typer.Context,
    *,
    chain: Chain = "",
    denom: Annotated[str, typer.Option(metavar="DENOM", help="Only this denom.")] = "",
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A duration (7d) or a time (2026-12-01T00:00:00Z).")
    ] = None,
) -> int:
    """Show each day's opening balance, what moved, and the closing balance, by the UTC day of the booking."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read the days, and tell them."""
        from relayclear.cli.book_pages import print_days
        from relayclear.cli.book_rows import day_row
        from relayclear.cli.names import since_moment
        from relayclear.usecases.books_daily import days

        found = days(desk, chain, denom, since_moment(since, desk.clock.now()))
        if face.json:
            face.emit({"days": [day_row(one) for one in found]})
        elif found:
            print_days(face, found)
        else:
            typer.echo("Nothing was booked then.")
        return Exit.DONE

    return face.run(work)
