"""What the store says against itself: entries, totals, and what went back of each payment."""

from __future__ import annotations

from collections.abc import Iterable

from relayclear.money.ledger import Entry, Equation, Place, check
from relayclear.money.refund_state import DEAD
from relayclear.store import ledger, refunds
from relayclear.store.db import Reads
from relayclear.usecases.audit_values import Finding, Flaw

_BROKEN = {
    Equation.SOURCES_AND_USES: Flaw.ENTRY,
    Equation.WALLET: Flaw.ENTRY,
    Equation.NEVER_NEGATIVE: Flaw.BELOW_ZERO,
    Equation.CHAIN: Flaw.BALANCE,
}


def store_findings(reads: Reads, entries: Iterable[Entry], chain: str) -> list[Finding]:
    """Everything of a chain that doesn't add up in the store alone.  Use it inside `snapshot`."""
    return [*_entries(entries), *_totals(reads, chain), *_taken(reads, chain)]


def _entries(entries: Iterable[Entry]) -> Iterable[Finding]:
    for one in check(entries):
        left, right = (one.right, one.left) if one.equation is Equation.NEVER_NEGATIVE else (one.left, one.right)
        yield Finding(_BROKEN[one.equation], one.place, one.ref, left, right)


def _totals(reads: Reads, chain: str) -> Iterable[Finding]:
    for place, account, stored, right in ledger.unsound(reads):
        if place.chain == chain:
            yield Finding(Flaw.TOTAL, place, account.value, stored, right)


def _taken(reads: Reads, chain: str) -> Iterable[Finding]:
    for payment, taken in refunds.all_taken_back(reads, chain):
        right = sum(one.gross for one in refunds.of_payment(reads, payment) if one.state not in DEAD)
        if taken != right:
            yield Finding(Flaw.TAKEN_BACK, Place(chain, payment.denom), f"{payment.tx}/{payment.k}", taken, right)
