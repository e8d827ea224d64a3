"""What relayclear's books say, held to what really happened: nothing lost, nothing twice, nothing unpaid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from relayclear.money.ledger import Account, Place
from relayclear.money.payment import PaymentId
from relayclear.money.refunds import refund_id
from relayclear.rehearsal.staging import ALPHA, address
from relayclear.store import ledger, payments, refunds, sales, tasks, token_states
from relayclear.usecases.keeping import look_through
from relayclear.usecases.refund_dues import list_owed
from tests.long.stall import CHAIN, DENOM, Ordered, Spent, Stall

ENDED = {"cleared", "partly_cleared", "not_cleared"}


def unfinished(stall: Stall) -> list[Ordered]:
    """Paid tokens whose work goes on."""
    reads = stall.desk.journal.database
    return [one for one in stall.orders if one.is_covered and token_states.state(reads, one.order_id) not in ENDED]


def is_given_back(stall: Stall) -> bool:
    """Whether every refund has left, and the books have seen the chain's last word of it."""
    reads = stall.desk.journal.database
    states = [token_states.state(reads, one.order_id) for one in stall.orders if one.is_to_expire]
    away = refunds.away(reads, CHAIN, 1) or refunds.queue(reads, CHAIN, 1)
    if set(states) - {"expired"} or away or list_owed(stall.desk, reads, chain=CHAIN):
        return False
    book = ledger.book(reads, Place(CHAIN, DENOM)).totals
    return book[Account.OWED] == 0 and book[Account.BALANCE] == stall.balance()


def troubles(stall: Stall) -> list[str]:
    """Everything that is not as it must be, once all work has ended."""
    spent = stall.spent()
    return [*_payments(stall), *_packets(stall), *_tokens(stall), *_refunds(stall, spent), *_books(stall, spent)]


def _payments(stall: Stall) -> Iterator[str]:
    """Each payment that was made is there once, with the token that its memo names."""
    tokens = {order.memo: order.order_id for order in stall.orders}
    made = Counter((paid.hash, paid.amount, tokens.get(paid.memo)) for paid in stall.payments)
    found = Counter(
        (one.id[1], one.arrival.coin.amount, one.match.order_id if one.match else None)
        for one in payments.page(stall.desk.journal.database, 100_000)
    )
    yield from (f"a payment was lost: {one}" for one in (made - found).elements())
    yield from (f"a payment that was not made, or made once: {one}" for one in (found - made).elements())


def _packets(stall: Stall) -> Iterator[str]:
    """Packets that were paid for have arrived, and no other has been touched.

    An acknowledgement may still be on its way back where a run was cut off: the coins are there.
    """
    waiting = set(stall.committed())
    for order in stall.orders:
        sold, left = {*order.sequences}, stall.unreceived(order.sequences)
        if order.is_covered and left:
            yield f"{order.memo}: paid for, and {sorted(left)} have not arrived"
        if not order.is_covered and (left != sold or not sold <= waiting):
            yield f"{order.memo}: not paid for, and of {order.sequences} only {sorted(left)} wait"
    gone = stall.background - waiting
    if gone:
        yield f"packets that nobody bought were cleared: {sorted(gone)}"


def _tokens(stall: Stall) -> Iterator[str]:
    reads = stall.desk.journal.database
    for order in stall.orders:
        state = token_states.state(reads, order.order_id)
        wanted = {"cleared"} if order.is_covered else {"expired", "partly_paid" if order.on_time else "open"}
        if state not in wanted:
            yield f"{order.memo} is {state}, and should be one of {wanted}: {order.paid} of {order.price} was paid"
    if sales.open_sales(reads):
        yield f"work that did not end: {sales.open_sales(reads)}"
    yield from (f"a task is left: {count}" for count in tasks.counts(reads))


def _refunds(stall: Stall, spent: list[Spent]) -> Iterator[str]:
    """What was due of a payment went to its payer, exactly and once; and nothing else left the wallet."""
    due = Counter(
        (refund_id(PaymentId(CHAIN, paid.hash, 0, DENOM), 1), address(ALPHA, paid.who), gross - order.refund_fee)
        for order in stall.orders
        for paid, gross in order.due()
    )
    done = Counter((_refund_of(one), one.to, one.amount) for one in _gone(spent))
    yield from (f"a refund that is due was not paid: {one}" for one in (due - done).elements())
    yield from (f"a refund that was not due, or paid again: {one}" for one in (done - due).elements())


def _gone(spent: list[Spent]) -> list[Spent]:
    """What reached others; a transfer to oneself only uses a sequence up."""
    return [one for one in spent if one.worked and one.to != address(ALPHA, "payee")]


def _refund_of(one: Spent) -> str:
    return one.memo.removeprefix("rc1r:").partition(" ")[0]


def _books(stall: Stall, spent: list[Spent]) -> Iterator[str]:
    """The books hold, and are what the chain says; each token earned its price, once."""
    path = stall.desk.journal.database.path
    if path is not None:
        yield from look_through(path).problems
    totals = ledger.book(stall.desk.journal.database, Place(CHAIN, DENOM)).totals
    for what, is_now, should in (
        (Account.RECEIVED, totals[Account.RECEIVED], sum(one.amount for one in stall.payments)),
        (Account.BALANCE, totals[Account.BALANCE], stall.balance()),
        (Account.OPENING, totals[Account.OPENING], stall.opening),
        (Account.EARNED, totals[Account.EARNED], sum(order.price for order in stall.orders if order.is_covered)),
        (Account.OWED, totals[Account.OWED], 0),
        (Account.REFUNDED, totals[Account.REFUNDED], sum(one.amount for one in _gone(spent))),
        (Account.FEE_KEPT, totals[Account.FEE_KEPT], sum(one.refund_fee for one in stall.orders for _ in one.due())),
        (Account.FEES_TAKEN, totals[Account.FEES_TAKEN], sum(one.fee for one in spent)),
        (Account.ORPHANED, totals[Account.ORPHANED], sum(one.amount for one in stall.payments if not one.memo)),
    ):
        if is_now != should:
            yield f"{what.value}: {is_now} in the books, {should} really"
