"""Sentences about the books: what an account holds, what doesn't agree, what was said of a movement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from relayclear.ibc.coin import Coin
from relayclear.ibc.text import visible
from relayclear.money.ledger import CAME, LEFT, SOURCES, USES, Account
from relayclear.store.assignments import Word
from relayclear.store.audits import KeptAudit
from relayclear.store.payments import StoredPayment
from relayclear.usecases.audit_values import ChainAudit, Finding, Flaw
from relayclear.usecases.board_books import BookLine, Books
from relayclear.usecases.books_daily import Day
from relayclear.usecases.books_values import Assigned
from relayclear.wording import OWED_BEFORE_FEES, age, coin, counted, moment

ACCOUNTS = {
    Account.RECEIVED: "received",
    Account.OUR_LOSS: "our loss",
    Account.HELD: "held",
    Account.EARNED: "earned",
    Account.OWED: OWED_BEFORE_FEES,
    Account.IN_TRANSIT: "in transit",
    Account.REFUNDED: "refunded",
    Account.FEE_KEPT: "fee kept",
    Account.ORPHANED: "orphaned",
    Account.WRITTEN_OFF: "written off",
    Account.BALANCE: "balance",
    Account.OPENING: "opening",
    Account.DEPOSITS: "deposits",
    Account.INCOME: "other income",
    Account.REFUNDS_SENT: "refunds sent",
    Account.FEES_TAKEN: "fees taken",
    Account.EXPENSES: "expenses",
    Account.WITHDRAWALS: "withdrawals",
}

_SAID = {
    Word.DEPOSIT: "came in as a deposit of yours",
    Word.INCOME: "came in as income of yours",
    Word.WRITTEN_OFF: "of a payer's, asked back by nobody, are yours now",
    Word.WITHDRAWAL: "went out as a withdrawal",
    Word.EXPENSE: "went out as an expense",
}


CALLED_OURS = {
    Word.WRITTEN_OFF: "writing off can't be undone",
    Word.DEPOSIT: "these coins came from an account that isn't yours, and calling them a deposit can't be undone",
    Word.INCOME: "these coins came from an account that isn't yours, and calling them income can't be undone",
}
"""What it means to keep coins of others, by the word that does it."""

_KEPT = {
    Word.WRITTEN_OFF: ("Once written off", "Write off {}?"),
    Word.DEPOSIT: ("They may be a payer's who forgot the memo; once called a deposit", "Call {} your deposit?"),
    Word.INCOME: ("They may be a payer's who forgot the memo; once called income", "Call {} your income?"),
}


def ours_question(stored: StoredPayment, suggested: str | None, word: Word) -> str:
    """What a person is asked before an orphan is kept: how much it is, whose it was, and what speaks against it."""
    came, (once, question) = stored.arrival, _KEPT[word]
    meant = f"\nIt may be meant for {suggested}: relayclear payments assign gives it to a token." if suggested else ""
    return (
        f"{coin(came.coin)} came on {came.chain} at {moment(came.at)} from {visible(came.sender or 'unknown', 90)}."
        f"{meant}\n{once} they are yours, and no command gives them back. {question.format(coin(came.coin))}"
    )


def finding_line(one: Finding) -> str:
    """What doesn't agree, in a sentence that names the transaction, account or refund."""
    booked, found = (coin(Coin(one.place.denom, amount)) for amount in (abs(one.booked), abs(one.found)))
    way = "out" if one.found < 0 or one.booked < 0 else "in"
    return {
        Flaw.UNBOOKED: f"{one.what} moved {found} {way} on the chain, and no entry has it",
        Flaw.NOT_ON_CHAIN: f"{one.what} is booked with {booked} {way}, and the chain shows no such movement",
        Flaw.OTHER_FIGURE: f"{one.what} is booked with {booked}, and the chain says {found}",
        Flaw.PAYMENT_MISSING: f"payment {one.what} of {booked} doesn't stand on the chain any more",
        Flaw.PAYMENT_DIFFERS: f"payment {one.what} is stored with {booked}, and the chain tells otherwise: {found}",
        Flaw.REFUND_MISSING: f"{one.what} of {booked} counts as sent, and doesn't stand in its block",
        Flaw.OPENING: f"{booked} is booked where reading began, and {found} was read there",
        Flaw.BALANCE: f"the wallet should hold {booked}, and holds {found}",
        Flaw.ENTRY: f"entry {one.what} breaks an equation by itself: {booked} against {found}",
        Flaw.BELOW_ZERO: f"{_account(one.what)} stands below zero, at -{booked}",
        Flaw.TOTAL: f"{_account(one.what)} is stored as {booked}, and its entries add up to {found}",
        Flaw.TAKEN_BACK: f"of payment {one.what} {booked} is kept as gone back, and its refunds say {found}",
    }[one.flaw]


def _account(word: str) -> str:
    return next((text for account, text in ACCOUNTS.items() if account == word), word)


def assigned_line(one: Assigned) -> str:
    """What stands said of a movement, by whom and why."""
    said = one.said
    way = "in" if said.movement.incoming else "out"
    name = f"{said.movement.tx_hash[:16]}…/{way}/{said.movement.ordinal}"
    return f"{coin(one.coin)} {_SAID[said.word]}: {name} on {said.movement.chain} ({said.who}: {said.why})"


def audit_line(chain: ChainAudit) -> str:
    """Whether a chain agrees with its books, and from which block to which."""
    if chain.error is not None:
        return f"? {chain.chain} can't be read: {chain.error.message}"
    if chain.findings:
        return f"✗ {chain.chain}: {len(chain.findings)} things don't agree"
    if chain.through is None:
        return f"✓ {chain.chain}: payments were never read, and nothing is booked"
    what = "every movement, payment and refund agrees" if chain.walked else "equations and balance agree"
    return f"✓ {chain.chain}: {what}, from block {chain.opening} through {chain.through}"


_PARTS = {
    "earned": "earned",
    "fee_kept": "refund fees kept",
    "written_off": "written off",
    "income": "other income",
    "clearing": "clears",
    "refund_fees": "fees of refunds",
    "our_loss": "our loss",
    "expenses": "expenses",
}


def profit_line(chain: str, denom: str, result: int, parts: Iterable[tuple[str, int]]) -> str:
    """What one coin brought and cost: what is left, and of what; costs are below 0, what is 0 is left out."""
    told = ", ".join(f"{_PARTS[name]} {amount:+d}" for name, amount in parts if amount)
    word = "profit" if result >= 0 else "loss"
    return f"{chain}: {word} {abs(result)} {denom}" + (f" ({told})" if told else "")


def kept_audit_words(kept: KeptAudit | None, now: datetime) -> str:
    """The last whole audit: whether it agreed, and how long ago."""
    if kept is None:
        return "never audited"
    old = age(max(0, int((now - kept.at).total_seconds())))
    return f"✓ agrees, {old} ago" if kept.agrees else f"✗ disagrees, {old} ago"


def books_line(found: Books) -> str:
    """Whether all books add up, in a line."""
    wrong = [line for line in found.lines if not line.balanced]
    off = {line.place.chain for line in found.lines if line.audit is not None and not line.audit.agrees}
    if wrong:
        return f"✗ {counted(len(wrong), 'book')} of {len(found.lines)} don't add up: relayclear audit"
    if off:
        return f"✗ the last audit disagrees with {', '.join(sorted(off))}: relayclear audit"
    return f"{counted(len(found.lines), 'book')}, every one adds up" if found.lines else ""


def book_page(line: BookLine, days: Iterable[Day], now: datetime) -> str:
    """One book: both equations, profit and loss, and every day, the newest first."""
    return "\n".join(_book_lines(line, list(days), now))


def _book_lines(line: BookLine, days: list[Day], now: datetime) -> Iterator[str]:
    book, denom = line.book, line.place.denom
    yield f"{line.place.chain}, in {visible(denom, 120)}" + ("" if line.balanced else "   ✗ it doesn't add up")
    yield f"last audit: {kept_audit_words(line.audit, now)}" + (
        f", through block {line.audit.height}" if line.audit is not None else ""
    )
    yield from _audit_lines(line)
    yield f"try: relayclear audit --chain {line.place.chain}"
    yield ""
    came = [(ACCOUNTS[name], book.totals[name]) for name in SOURCES]
    used = [(ACCOUNTS[name], book.totals[name]) for name in USES]
    yield from _sums([*came, ("= came in", book.sources), *used, ("= accounted for", book.uses)])
    yield ""
    moved = [(f"+ {ACCOUNTS[name]}", book.totals[name]) for name in CAME]
    moved += [(f"- {ACCOUNTS[name]}", book.totals[name]) for name in LEFT]
    yield from _sums(
        [*moved, ("= should hold", book.should_hold), ("holds by the books", book.totals[Account.BALANCE])]
    )
    free = line.free
    yield from _sums([("kept for gas", free.reserve), ("withdrawable", free.amount)])
    yield ""
    parts = [(name, getattr(line.profit, name)) for name in ("earned", "fee_kept", "written_off", "income")]
    parts += [(name, -getattr(line.profit, name)) for name in ("clearing", "refund_fees", "our_loss", "expenses")]
    yield visible(profit_line(line.place.chain, denom, line.profit.result, parts), 400)
    yield from (text for day in reversed(days) for text in _day_lines(day))


def _audit_lines(line: BookLine) -> Iterator[str]:
    """What the last audit compared of this coin, and what didn't agree."""
    if line.audit is None:
        return
    figures = line.audit.figures.get(line.place.denom)
    if figures is not None:
        yield from _sums(
            [
                ("should have held", figures.booked),
                ("held on the chain", figures.on_chain),
                ("difference", figures.off),
            ]
        )
    for one in line.audit.findings:
        if one.denom == line.place.denom:
            told = Finding(Flaw(one.flaw), line.place, one.what, one.booked, one.found)
            yield f"  ✗ {visible(finding_line(told), 300)}"


def _day_lines(day: Day) -> Iterator[str]:
    yield ""
    yield f"{day.day.isoformat()}"
    moved = [(ACCOUNTS[name], amount) for name, amount in day.moved.items() if name is not Account.BALANCE]
    yield from _sums([("opened with", day.opening), *moved, ("closed with", day.closing)])


def _sums(lines: list[tuple[str, int]]) -> Iterator[str]:
    return (f"  {label:<20}{amount:>24}" for label, amount in lines if amount or label[0] not in "+-")
