"""`relayclear refunds`: what is owed back, who decides, how it is sent, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.names import coins
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit, say
from relayclear.cli.refund_claims import claim
from relayclear.cli.refund_export import export
from relayclear.cli.refund_resolve import resolve
from relayclear.cli.refund_sweep import sweep
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relayclear.money.refund_state import RefundState
    from relayclear.store.db import Reads
    from relayclear.store.refunds import Refund
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_dues import OwedRefund

app = typer.Typer(no_args_is_help=True, help="What is owed back, and what became of it.")

RefundId = Annotated[str, typer.Argument(metavar="ID", help="Or the start of it.", autocompletion=completion.refunds)]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")]


@app.command("list", epilog=examples("refunds list"))
def list_(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="Only those paid on this chain.", autocompletion=completion.chains)
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Only these; may be repeated.", autocompletion=completion.refund_states),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Only those of this clearing token.", autocompletion=completion.tokens),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 10 when something is owed that is worth sending, and not paid yet.")
    ] = False,
) -> int:
    """List refunds: what is owed first, then what was decided; it looks into the database and asks no node."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read a page of them, and tell it."""
        from relayclear.cli.refund_pages import print_page
        from relayclear.cli.refund_rows import page_row
        from relayclear.usecases.refund_view import RefundQuestion, view_refunds

        page = view_refunds(desk, RefundQuestion(chain, _states(state), token), limit, offset)
        if face.json:
            face.emit(page_row(page, limit, offset))
        else:
            if not page.refunds:
                filtered = bool(chain or state or token or offset)
                typer.echo("No refunds that fit." if filtered else "Nothing is owed back, and nothing ever was.")
            print_page(face, page, offset + limit)
        return Exit.FOUND if check and page.owed.any else Exit.DONE

    return face.run(work)


def _states(texts: list[str] | None) -> list[RefundState]:
    from relayclear.ibc.nearest import did_you_mean
    from relayclear.money.refund_state import RefundState

    known = [state.value for state in RefundState]
    wanted = [part for text in texts or () for part in text.replace("-", "_").split(",")]
    for text in wanted:
        if text not in known:
            raise UsageError(f"no refund state {text[:40]!r}{did_you_mean(text, known)}", hint=f"--state {known[0]}")
    return [RefundState(text) for text in wanted]


@app.command(epilog=examples("refunds show"))
def show(ctx: typer.Context, refund: RefundId) -> int:
    """Show one refund: why it is owed, what it waits for, everything that was said, signed and sent of it."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read one, and tell its story."""
        from relayclear.cli.refund_pages import print_story
        from relayclear.cli.refund_rows import story_row
        from relayclear.usecases.refund_view import refund_story

        story = refund_story(desk, refund)
        if face.json:
            face.emit(story_row(story))
        else:
            print_story(face, story)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("refunds approve"))
def approve(
    ctx: typer.Context,
    refunds: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Or starts of them.", autocompletion=completion.refunds)
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that wait for a yes and can be sent.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; needs --max-amount.")] = False,
    max_amount: Annotated[
        list[str] | None, typer.Option(metavar="COIN", help="With --yes: the most in all; may be repeated.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Say yes to refunds, for exactly the amounts shown: the next sweep, or watch, sends them."""
    face: Face = ctx.obj
    names, most = refunds or [], coins(max_amount, "--max-amount")
    if bool(names) is everything:
        raise UsageError("approve takes refunds, or --all", hint="relayclear refunds list")
    words = ("refunds approve", *names, "--all" if everything else "", reason, *most)
    once = wish(idempotency_key, *words, told=_approved)

    async def work(desk: Desk) -> int:
        """Approve what was named, or each that was seen, once."""
        from relayclear.cli.spending import may_spend
        from relayclear.cli.who import who
        from relayclear.usecases.refund_acts import approve_each

        once.begin(desk.journal.database)
        chosen = _chosen(desk, names)
        open_ones = _open_ones(chosen)
        if open_ones:
            sent = [one.due.net for one in open_ones]
            code = may_spend(face, sent, most, lambda: _show(face, desk, open_ones), yes=yes)
            if code is not None:
                return code
        done = approve_each(desk, chosen, who(), reason, once)
        document = _approved(desk.journal.database, done)
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """Tell what was approved."""
        _print_refunds(desk, [row["id"] for row in document["refunds"]])
        if document["refunds"]:
            say("relayclear refunds sweep sends them now; watch does it by itself")

    return run_once(face, work, told_again(face, page))


def _chosen(desk: Desk, names: list[str]) -> list[OwedRefund | Refund]:
    """The refunds that are named, each once, or all that can be approved.  Raises before anything is asked."""
    from relayclear.usecases.refund_acts import approvable, require_refund

    if not names:
        return list(approvable(desk))
    found = {one.id: one for one in (require_refund(desk, name) for name in names)}
    return list(found.values())


def _open_ones(chosen: Sequence[OwedRefund | Refund]) -> list[OwedRefund]:
    """Those that nobody has decided about.  Raises RefusedError where one can't be sent at all."""
    from relayclear.usecases.refund_acts import refuse_unsendable
    from relayclear.usecases.refund_dues import OwedRefund

    found = [one for one in chosen if isinstance(one, OwedRefund)]
    for one in found:
        refuse_unsendable(one)
    return found


def _show(face: Face, desk: Desk, chosen: Sequence[OwedRefund | Refund]) -> None:
    from relayclear.cli.refund_pages import print_chosen
    from relayclear.usecases.refund_view import views_of

    print_chosen(face, views_of(desk, chosen))


def _approved(reads: Reads, done: list[Refund]) -> dict[str, Any]:
    from relayclear.cli.refund_rows import refund_row
    from relayclear.usecases.refund_view import views_in

    return {"refunds": [refund_row(view) for view in views_in(reads, done)]}


@app.command(epilog=examples("refunds waive"))
def waive(ctx: typer.Context, refund: RefundId, *, reason: Reason, idempotency_key: IdempotencyKey = None) -> int:
    """Keep what is owed, because the payer gave it up or it isn't worth sending; the books say so."""
    face: Face = ctx.obj
    once = wish(idempotency_key, "refunds waive", refund, reason, told=_told_one)

    async def work(desk: Desk) -> int:
        """Waive it, once."""
        from relayclear.cli.who import who
        from relayclear.usecases import refund_acts

        return _say_one(face, desk, refund_acts.waive(desk, refund, reason, who(), once))

    return run_once(face, work, told_again(face, _page_one))


@app.command("mark-paid", epilog=examples("refunds mark-paid"))
def mark_paid(
    ctx: typer.Context,
    refund: RefundId,
    *,
    tx: Annotated[str, typer.Option(metavar="HASH", help="The transaction that paid it.")],
    output: Annotated[
        int | None, typer.Option(metavar="K", min=0, help="Of several coins it sent there, this one.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Mark a refund as paid by a transaction that the chain shows: the right coins to the right account.

    Of a refund that goes back over IBC it is the transaction that brought them on the payer's own chain.
    """
    face: Face = ctx.obj
    once = wish(idempotency_key, "refunds mark-paid", refund, tx, output, told=_told_one)

    async def work(desk: Desk) -> int:
        """Mark it as paid, once."""
        from relayclear.cli.who import who
        from relayclear.usecases import refund_hand

        with face.waiting("reading"):
            done = await refund_hand.mark_paid(desk, refund, tx, who(), once, output=output)
        return _say_one(face, desk, done)

    return run_once(face, work, told_again(face, _page_one))


def _told_one(reads: Reads, done: Refund) -> dict[str, Any]:
    row: dict[str, Any] = _approved(reads, [done])["refunds"][0]
    return row


def _say_one(face: Face, desk: Desk, done: Refund) -> int:
    if face.json:
        face.emit(_told_one(desk.journal.database, done))
    else:
        _print_refunds(desk, [done.id])
    return Exit.DONE


async def _page_one(desk: Desk, document: Any) -> None:
    _print_refunds(desk, [document["id"]])


def _print_refunds(desk: Desk, names: list[str]) -> None:
    from relayclear.cli.refund_pages import brief
    from relayclear.usecases.refund_view import refund_story

    for name in names:
        typer.echo(brief(refund_story(desk, name).view))
    if not names:
        typer.echo("Nothing waits for approval.")


app.command("sweep", epilog=examples("refunds sweep"))(sweep)
app.command("claim", epilog=examples("refunds claim"))(claim)
app.command("export", epilog=examples("refunds export"))(export)
app.command("resolve", epilog=examples("refunds resolve"))(resolve)
