"""`relayclear demo --pay`: a user's wallet of a served network pays a quote, as a payer would with the memo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import typer

from relayclear.cli.output import Exit, say
from relayclear.errors import RelayclearError, UsageError

if TYPE_CHECKING:
    from relayclear.cli.face import Face
    from relayclear.ibc.coin import Coin
    from relayclear.usecases.desk import Desk

PAYER = "alice"
_STATE = "world.json"


def pay_quote(face: Face, folder: str | None, text: str, amount: str | None) -> int:
    """Pay the token that `text` names: its price, or `amount`, such as 5stake.

    Raises UsageError where no demo is served, or the token isn't known.
    """
    from relayclear.cli.names import coins

    control = _control(face, folder)
    given = coins([amount] if amount else None, "--amount")
    if len(given) > 1:
        raise UsageError("--amount is one coin", hint="--amount 20000stake")

    async def work(desk: Desk) -> int:
        """Find what the quote asks for, and have the wallet send it."""
        from relayclear.usecases.tokens_view import view_token

        token = view_token(desk, text).token
        paid = given[0] if given else token.price
        sent = _sent(control, token.quote.chain, token.payee, paid, token.memo)
        if face.json:
            face.emit(sent)
            return Exit.DONE
        typer.echo(f"{PAYER} sent {paid} to {token.payee}\nwith the memo {token.memo}:\n{sent['tx_hash']}")
        say("seen, once a block has followed, by relayclear watch, or by:")
        say(f"  relayclear clear --token {token.memo} --wait")
        return Exit.DONE

    return face.run(work)


def _control(face: Face, folder: str | None) -> str:
    """The control port of the network that is served out of a folder, by default the config's own."""
    config = face.settings().file
    where = Path(folder) if folder else config.parent if config else Path()
    try:
        return str(orjson.loads((where / _STATE).read_bytes())["control"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "no demo's network is served here: --pay works with the export lines of one that is",
            hint="relayclear demo --serve",
        ) from None


def _sent(control: str, chain: str, to: str, paid: Coin, memo: str) -> dict[str, Any]:
    from relayclear.cli.rows import coin_row
    from relayclear.rehearsal.visiting import RefusedByWorldError, pay

    try:
        tx_hash = pay(control, chain, PAYER, to, str(paid.amount), paid.denom, memo)
    except RefusedByWorldError as refused:
        raise RelayclearError(
            str(refused), code="not_paid", hint="relayclear demo --serve, for a new network"
        ) from refused
    return {"from": PAYER, "chain": chain, "to": to, "amount": coin_row(paid), "memo": memo, "tx_hash": tx_hash}
