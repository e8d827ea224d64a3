"""`relayclear payments`: what payers sent, what each payment is for, and what somebody has to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.groups import Whole
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.store.cursors import Gap
    from relayclear.store.db import Reads
    from relayclear.store.payments import StoredPayment
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.payments_view import PaymentQuestion

app = typer.Typer(no_args_is_help=True, help="What payers sent, and what each payment is for.")
gaps_app = typer.Typer(invoke_without_command=True, help="Blocks that no node can serve, where payments can't be seen.")
app.add_typer(gaps_app, name="gaps", cls=Whole)

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")]
Chain = Annotated[str, typer.Option(metavar="CHAIN", help="Only this chain.", autocompletion=completion.chains)]


@app.command("list", epilog=examples("payments list"))
def list_(
    ctx: typer.Context,
    *,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Only those of this clearing token.", autocompletion=completion.tokens),
    ] = None,
    chain: Chain = "",
    orphans: Annotated[bool, typer.Option("--orphans", help="Only those of no token, with the likeliest one.")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A duration (7d) or a time (2026-12-01T00:00:00Z).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Exit 10 when somebody has to look at something.")] = False,
) -> int:
    """List payments, newest first; it looks into the database and asks no node."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show one page."""
        from relayclear.cli.payment_pages import print_page
        from relayclear.cli.payment_rows import page_row
        from relayclear.usecases.payments_view import view_payments

        page = view_payments(desk, _question(desk, token, chain, since, orphans=orphans), limit, offset)
        if face.json:
            face.emit(page_row(page, limit, offset))
        elif page.payments or page.readings:
            print_page(face, page, offset + limit, orphans=orphans)
        else:
            typer.echo("No payments yet; relayclear watch reads them.")
        needs_somebody = page.orphans or page.lost or page.gaps or any(cursor.error for cursor in page.readings)
        return Exit.FOUND if check and needs_somebody else Exit.DONE

    return face.run(work)


def _question(desk: Desk, token: str | None, chain: str, since: str | None, *, orphans: bool) -> PaymentQuestion:
    from relayclear.cli.names import since_moment
    from relayclear.usecases.payments_view import PaymentQuestion

    return PaymentQuestion(token, chain, orphans, since_moment(since, desk.clock.now()))


@app.command(epilog=examples("payments show"))
def show(
    ctx: typer.Context,
    payment: Annotated[
        str,
        typer.Argument(
            metavar="TX[/ORDINAL]",
            help="Its transaction, or the start of the hash.",
            autocompletion=completion.payments,
        ),
    ],
) -> int:
    """Show what a transaction paid: everything that arrived, and what each payment is for."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show every arrival of the transaction."""
        from relayclear.cli.payment_pages import print_payment
        from relayclear.cli.payment_rows import payment_row
        from relayclear.usecases.payments_view import view_payment

        found = view_payment(desk, payment)
        if not found:
            raise UsageError(
                f"no payment {payment[:80]!r} is known",
                hint=f"relayclear payments recheck --tx {payment.partition('/')[0][:64]}",
                code="no_payment",
            )
        if face.json:
            face.emit({"payments": [payment_row(view) for view in found]})
        for view in () if face.json else found:
            print_payment(face, view)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("payments assign"))
def assign(
    ctx: typer.Context,
    payment: Annotated[
        str, typer.Argument(metavar="TX[/ORDINAL]", help="A payment of no token.", autocompletion=completion.payments)
    ],
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="The token it is for.", autocompletion=completion.tokens)
    ],
    *,
    reason: Reason,
    denom: Annotated[str, typer.Option(metavar="DENOM", help="Of several coins that came together, this one.")] = "",
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Give a payment of no token to one, for good; if it goes back, it goes to its own sender."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Assign, and show the payment as it stands then."""
        from relayclear.cli.payment_pages import print_payment
        from relayclear.cli.payment_rows import payment_row
        from relayclear.cli.who import who
        from relayclear.usecases import payments_acts
        from relayclear.usecases.payments_view import view_of, views_in

        def told(reads: Reads, given: StoredPayment) -> dict[str, Any]:
            """The document that an idempotency key answers with for ever."""
            return payment_row(views_in(desk, reads, [given])[0])

        words = ("payments assign", payment, token, reason, denom)
        once = wish(idempotency_key, *words, told=told)
        given = payments_acts.assign(desk, payment, token, reason, who(), once, denom=denom)
        [view] = view_of(desk, [given])
        if face.json:
            face.emit(payment_row(view))
        else:
            print_payment(face, view)
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """The same answer for a person, as the payment stands now."""
        from relayclear.cli.payment_pages import print_payment
        from relayclear.usecases.payments_view import view_payment

        for view in view_payment(desk, f"{document['tx_hash']}/{document['ordinal']}"):
            if view.stored.arrival.coin.denom == document["amount"]["denom"]:
                print_payment(face, view)

    return run_once(face, work, told_again(face, page))


@app.command(epilog=examples("payments recheck"))
def recheck(
    ctx: typer.Context,
    *,
    tx: Annotated[
        str, typer.Option(metavar="HASH", help="The whole hash of the transaction.", autocompletion=completion.payments)
    ],
    chain: Chain = "",
) -> int:
    """Look at one transaction again: counted, not yet, or no payment; exit 3 while its block can't be read."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read the transaction anew, and say what became of it."""
        from relayclear.cli.payment_pages import print_payment
        from relayclear.cli.payment_rows import rechecked_row
        from relayclear.usecases import payments_acts
        from relayclear.usecases.payments_acts import Found
        from relayclear.usecases.payments_view import view_of
        from relayclear.wording.paying import rechecked_line

        with face.waiting("reading"):
            found = await payments_acts.recheck(desk, tx, chain)
        views = view_of(desk, found.payments)
        if face.json:
            face.emit(rechecked_row(found, views))
        else:
            typer.echo(rechecked_line(found))
            for view in views:
                print_payment(face, view)
        return {Found.NOT_YET: Exit.UNREACHABLE, Found.NOTHING: Exit.REFUSED}.get(found.found, Exit.DONE)

    return face.run(work)


@gaps_app.callback(epilog=examples("payments gaps"))
def gaps(ctx: typer.Context, *, chain: Chain = "") -> int | None:
    """List the blocks that no node could serve, and whether the reading still stops before them."""
    if ctx.invoked_subcommand is not None:
        return None
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show the gaps, and which of them the reading still waits before."""
        from relayclear.cli.payment_pages import print_gaps
        from relayclear.cli.payment_rows import gap_row
        from relayclear.usecases import payments_acts
        from relayclear.usecases.payments_view import is_open

        found = [(gap, is_open(desk.journal.database, gap)) for gap in payments_acts.gaps(desk, chain)]
        if face.json:
            face.emit({"gaps": [gap_row(gap, is_open=still) for gap, still in found]})
        elif found:
            print_gaps(face, found)
        else:
            typer.echo("No gaps.")
        return Exit.DONE

    return face.run(work)


@gaps_app.command(epilog=examples("payments gaps accept"))
def accept(
    ctx: typer.Context,
    gap: Annotated[
        int,
        typer.Argument(
            metavar="GAP", help="Its number, as relayclear payments gaps lists it.", autocompletion=completion.gaps
        ),
    ],
    *,
    reason: Reason,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Let the reading pass a gap: what was paid in it stays unknown, unless recheck finds it."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Accept the gap, and say what the reading may pass."""
        from relayclear.cli.payment_rows import gap_row
        from relayclear.cli.who import who
        from relayclear.usecases import payments_acts

        def told(_: Reads, passed: Gap) -> dict[str, Any]:
            """The document that an idempotency key answers with for ever."""
            return gap_row(passed, is_open=False)

        once = wish(idempotency_key, "payments gaps accept", gap, reason, told=told)
        document = gap_row(payments_acts.accept_gap(desk, gap, reason, who(), once), is_open=False)
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return Exit.DONE

    async def page(_: Desk, document: Any) -> None:
        """The same answer for a person."""
        typer.echo(f"the reading of {document['chain']} may pass heights {document['first']} to {document['last']}")

    return run_once(face, work, told_again(face, page))
