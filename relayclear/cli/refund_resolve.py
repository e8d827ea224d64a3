"""`relayclear refunds resolve`: what keeps a wallet from signing, and the ways out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.asking import agreed
from relayclear.cli.face import Face
from relayclear.cli.lines import say_filled
from relayclear.cli.names import coins
from relayclear.cli.output import Exit, say
from relayclear.cli.spending import amount_typed
from relayclear.errors import UsageError
from relayclear.ibc.coin import Coin

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_resolve import Knot


def resolve(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="The chain of the wallet.", autocompletion=completion.chains)
    ],
    void: Annotated[
        bool, typer.Option("--void", help="Use the sequence up by sending the wallet its own coin.")
    ] = False,
    assume_dead: Annotated[
        bool, typer.Option("--assume-dead", help="Take for dead what no node can show; if it lands, it is our loss.")
    ] = False,
    go_on: Annotated[bool, typer.Option("--go-on", help="Let refunds within the caps go by themselves again.")] = False,
    amount: Annotated[str, typer.Option(metavar="COIN", help="With --yes: the amount at stake.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept for ever.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask; needs --amount where money is at stake.")
    ] = False,
) -> int:
    """Show what keeps a chain's refunds from being sent and what would release them, or release them."""
    face: Face = ctx.obj
    if void + assume_dead + go_on > 1:
        raise UsageError("--void, --assume-dead and --go-on are three ways: take one", hint=f"--chain {chain}")
    if (assume_dead or go_on) and not reason.strip():
        raise UsageError("this needs a reason", hint='--reason "…"', code="no_reason")
    typed = next(iter(coins([amount], "--amount")), None) if amount else None

    async def work(desk: Desk) -> int:
        """Say what stops the wallet, and what the operator decides of it."""
        if go_on:
            return _go_on(face, desk, chain, reason)
        if void or assume_dead:
            return await _release(face, desk, chain, reason, typed, yes=yes, by_void=void)
        return await _show(face, desk, chain)

    return face.run(work)


async def _show(face: Face, desk: Desk, chain: str) -> int:
    from relayclear.usecases.refund_resolve import amount_at_stake, knot

    desk.chain(chain)
    with face.waiting("reading"):
        found = await knot(desk, chain)
    _print(face, found, amount_at_stake(desk, chain, found))
    return Exit.UNREACHABLE if found.unread else Exit.DONE


def _print(face: Face, found: Knot, stake: Coin | None) -> None:
    from relayclear.cli.refund_pages import print_knot
    from relayclear.cli.refund_rows import knot_row

    if face.json:
        face.emit(knot_row(found, stake))
    else:
        print_knot(face, found, stake)


async def _release(
    face: Face, desk: Desk, chain: str, reason: str, typed: Coin | None, *, yes: bool, by_void: bool
) -> int:
    from relayclear.cli.who import who
    from relayclear.usecases import refund_resolve

    desk.chain(chain)
    found = await refund_resolve.knot(desk, chain)
    stake = refund_resolve.amount_at_stake(desk, chain, found)
    if not face.json and not yes:
        _print(face, found, stake)
    if (found.live or found.unread) and (code := _may(face, stake, typed, yes=yes)) is not None:
        return code
    if by_void:
        signing = await refund_resolve.void(desk, chain, who())
        _say_voided(face, signing.tx_hash, signing.sequence)
    else:
        _say_dead(face, await refund_resolve.assume_dead(desk, chain, stake, who(), reason))
    return Exit.DONE


def _may(face: Face, stake: Coin | None, typed: Coin | None, *, yes: bool) -> Exit | None:
    """Have the amount at stake typed, or given with --yes; without one, a plain question."""
    if yes:
        if stake is not None and typed != stake:
            raise UsageError(f"{stake} is at stake", hint=f"add --amount {stake}", code="amount_typed")
        return None
    if face.json or not sys.stdin.isatty():
        more = f" --amount {stake}" if stake is not None else ""
        raise UsageError("this can cost money and nobody can be asked here", hint=f"add --yes{more}")
    if stake is not None:
        return amount_typed((stake,))
    if agreed("Go on?"):
        return None
    say("Nothing was done.")
    return Exit.REFUSED


def _say_voided(face: Face, tx_hash: str, sequence: int) -> None:
    if face.json:
        face.emit({"done": "voided", "tx_hash": tx_hash, "sequence": sequence})
        return
    typer.echo(f"sent to use sequence {sequence} up: {tx_hash}")
    say_filled(
        "once it stands in a block whatever else was signed on it is dead: relayclear refunds sweep goes on from there"
    )


def _say_dead(face: Face, found: Knot) -> None:
    names = [one.tx_hash for one in found.live]
    if face.json:
        face.emit({"done": "assumed_dead", "sequence": found.expected, "tx_hashes": names})
        return
    typer.echo(f"taken for dead on sequence {found.expected}: {', '.join(names) or 'what no node shows'}")
    say_filled("relayclear refunds sweep sends what is owed again; should one of them land after all, it is our loss")


def _go_on(face: Face, desk: Desk, chain: str, reason: str) -> int:
    from relayclear.cli.output import rfc3339
    from relayclear.cli.who import who
    from relayclear.usecases import refund_resolve

    ended = refund_resolve.go_on(desk, chain, who(), reason)
    if face.json:
        rows = [{"why": one.why, "at": rfc3339(one.at)} for one in ended]
        face.emit({"done": "go_on", "chain": chain, "ended": rows})
        return Exit.DONE
    for one in ended:
        typer.echo(f"ended: {one.why}")
    typer.echo(f"refunds of {chain} go by themselves within the caps" if ended else f"nothing was stopped on {chain}")
    return Exit.DONE
