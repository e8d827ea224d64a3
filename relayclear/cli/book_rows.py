"""The books as programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from relayclear.cli.output import error_row, rfc3339
from relayclear.cli.refund_rows import stop_row, use_row
from relayclear.ibc.coin import Coin
from relayclear.money.ledger import Account, Place
from relayclear.store.assignments import Assignment, MovementId, Word
from relayclear.usecases.audit_values import BookAudit, ChainAudit, Finding
from relayclear.usecases.books_daily import Day, WalletLine, Withdrawable
from relayclear.usecases.books_values import Assigned, Said


def coin_row(place: Place, amount: int) -> dict[str, str]:
    """An amount of a book's denom."""
    return {"denom": place.denom, "amount": str(amount)}


def said_of(document: Mapping[str, Any]) -> Said:
    """An assignment as it was kept for whoever asks the same again: what `said_row` made, read back."""
    return Said(tuple(map(_assigned_of, document["movements"])), document["refunds_may_go"])


def _assigned_of(row: Mapping[str, Any]) -> Assigned:
    coin = Coin(row["amount"]["denom"], int(row["amount"]["amount"]))
    movement = MovementId(row["chain"], row["tx_hash"], row["way"] == "in", row["output"], coin.denom)
    return Assigned(
        Assignment(movement, Word(row["as"]), row["who"], row["reason"], datetime.fromisoformat(row["at"])), coin
    )


def said_row(said: Said) -> dict[str, Any]:
    """What an assignment came to."""
    return {"movements": [_assigned_row(one) for one in said.assigned], "refunds_may_go": said.settled}


def _assigned_row(one: Assigned) -> dict[str, Any]:
    movement, said = one.said.movement, one.said
    return {
        "chain": movement.chain,
        "tx_hash": movement.tx_hash,
        "way": "in" if movement.incoming else "out",
        "output": movement.ordinal,
        "amount": {"denom": one.coin.denom, "amount": str(one.coin.amount)},
        "as": said.word.value,
        "who": said.who,
        "reason": said.why,
        "at": rfc3339(said.at),
    }


def day_row(one: Day) -> dict[str, Any]:
    """A day of a book; accounts that didn't move are left out."""
    return {
        "chain": one.place.chain,
        "denom": one.place.denom,
        "day": one.day.isoformat(),
        "opening": coin_row(one.place, one.opening),
        "moved": {account.value: coin_row(one.place, amount) for account, amount in one.moved.items()},
        "closing": coin_row(one.place, one.closing),
    }


def audit_row(found: Iterable[ChainAudit]) -> dict[str, Any]:
    """An audit of all chains asked for."""
    listed = list(found)
    return {"agrees": all(one.agrees for one in listed), "chains": [_chain_row(one) for one in listed]}


def _chain_row(one: ChainAudit) -> dict[str, Any]:
    return {
        "chain": one.chain,
        "opening_height": one.opening,
        "read_through": one.through,
        "read_through_time": rfc3339(one.at),
        "walked": one.walked,
        "agrees": one.agrees,
        "books": [_book_row(book) for book in one.books],
        "findings": [_finding_row(finding) for finding in one.findings],
        "unexplained": [use_row(use) for use in one.strange],
        "stopped": stop_row(one.stop) if one.stop is not None else None,
        "error": error_row(one.error) if one.error is not None else None,
    }


def _book_row(one: BookAudit) -> dict[str, Any]:
    place, book = one.place, one.book
    first, second = one.off
    return {
        "denom": place.denom,
        "accounts": {account.value: coin_row(place, book.totals[account]) for account in Account},
        "sources": coin_row(place, book.sources),
        "uses": coin_row(place, book.uses),
        "sources_less_uses": coin_row(place, first),
        "should_hold": coin_row(place, book.should_hold),
        "on_chain": coin_row(place, one.on_chain),
        "on_chain_less_should_hold": coin_row(place, second),
    }


def _finding_row(one: Finding) -> dict[str, Any]:
    from relayclear.wording.books import finding_line

    return {
        "flaw": one.flaw.value,
        "denom": one.place.denom,
        "what": one.what,
        "booked": coin_row(one.place, one.booked),
        "found": coin_row(one.place, one.found),
        "sentence": finding_line(one),
    }


def withdrawable_row(found: Iterable[WalletLine]) -> dict[str, Any]:
    """What may be taken out of each wallet."""
    return {"wallets": [_wallet_row(one) for one in found]}


def _wallet_row(one: WalletLine) -> dict[str, Any]:
    return {
        "chain": one.chain,
        "address": one.address,
        "read_through": one.through,
        "denoms": [_denom_row(row) for row in one.rows],
        "error": error_row(one.error) if one.error is not None else None,
    }


def _denom_row(one: Withdrawable) -> dict[str, Any]:
    lines = {
        "balance": one.balance,
        "held": one.held,
        "owed": one.owed,
        "orphaned": one.orphaned,
        "gas_reserve": one.reserve,
        "withdrawable": one.amount,
    }
    return {"denom": one.place.denom} | {name: coin_row(one.place, amount) for name, amount in lines.items()}
