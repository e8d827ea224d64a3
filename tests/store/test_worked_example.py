"""The worked example of the books, entry by entry, in a real database: both equations after every step."""

from __future__ import annotations

from relayclear.money.ledger import Account, Kind, Place, book, check
from relayclear.store import ledger
from relayclear.store.db import Database
from tests.store.sold import after

STAKE = Place("alpha-1", "stake")
# Step, what is booked, then: received = held + earned + owed + refunded + fee kept, in transit, written off; balance.
STEPS: list[tuple[str, list[tuple[Kind, str, int]], tuple[int, ...]]] = [
    ("it opens with 1000", [(Kind.OPENING, "payee at 1", 1000)], (0, 0, 0, 0, 0, 0, 0, 0, 1000)),
    ("Alice pays 60", [(Kind.PAYMENT, "A/0", 60)], (60, 60, 0, 0, 0, 0, 0, 0, 1060)),
    (
        "Bob pays 80: 40 too much",
        [(Kind.PAYMENT, "B/0", 80), (Kind.OWED, "B/0 1", 40)],
        (140, 100, 0, 40, 0, 0, 0, 0, 1140),
    ),
    (
        "the refund fails in its message, burns 1",
        [(Kind.FEE_TAKEN, "X1/out/0", 1)],
        (140, 100, 0, 40, 0, 0, 0, 0, 1139),
    ),
    (
        "sent again: 38 out, 2 kept",
        [(Kind.FEE_TAKEN, "X2/out/0", 1), (Kind.REFUND, "r1 X2/out/1", 38), (Kind.FEE_KEPT, "r1", 2)],
        (140, 100, 0, 0, 38, 2, 0, 0, 1100),
    ),
    ("packet 1 cleared by us", [(Kind.EARNED, "T p1", 50)], (140, 50, 50, 0, 38, 2, 0, 0, 1100)),
    (
        "packet 2 by others: 30 and 20 back, in full",
        [
            *((Kind.OWED, "A/0 1", 30), (Kind.OWED, "B/0 2", 20)),
            *((Kind.FEE_TAKEN, "X3/out/0", 1), (Kind.REFUND, "r2 X3/out/1", 30)),
            *((Kind.FEE_TAKEN, "X4/out/0", 1), (Kind.REFUND, "r3 X4/out/1", 20)),
        ],
        (140, 0, 50, 0, 88, 2, 0, 0, 1048),
    ),
    (
        "an orphan of 30, assigned, then owed",
        [(Kind.ORPHAN, "C/0", 30), (Kind.ORPHAN_ASSIGNED, "C/0", 30), (Kind.OWED, "C/0 1", 30)],
        (170, 0, 50, 30, 88, 2, 0, 0, 1078),
    ),
    (
        "its refund over IBC is included, the acknowledgement open",
        [(Kind.FEE_TAKEN, "X5/out/0", 1), (Kind.TRANSIT, "r4 X5/out/1", 30)],
        (170, 0, 50, 0, 88, 2, 30, 0, 1047),
    ),
    ("a success acknowledgement", [(Kind.TRANSIT_ARRIVED, "r4", 30)], (170, 0, 50, 0, 118, 2, 0, 0, 1047)),
    (
        "a top-up of 500, assigned as deposit",
        [(Kind.ORPHAN, "D/0", 500), (Kind.DEPOSIT, "D/0", 500)],
        (170, 0, 50, 0, 118, 2, 0, 0, 1547),
    ),
    (
        "a withdrawal of 200, fee 1",
        [(Kind.FEE_TAKEN, "W/out/0", 1), (Kind.WITHDRAWAL, "W/out/1", 200)],
        (170, 0, 50, 0, 118, 2, 0, 0, 1346),
    ),
    (
        "1 of dust, written off",
        [(Kind.ORPHAN, "E/0", 1), (Kind.ORPHAN_WRITTEN_OFF, "E/0", 1)],
        (171, 0, 50, 0, 118, 2, 0, 1, 1347),
    ),
]
LINES = (
    Account.RECEIVED,
    Account.HELD,
    Account.EARNED,
    Account.OWED,
    Account.REFUNDED,
    Account.FEE_KEPT,
    Account.IN_TRANSIT,
    Account.WRITTEN_OFF,
    Account.BALANCE,
)


def test_the_worked_example_does_not_add_up_at_some_step(database: Database) -> None:
    for number, (step, entries, expected) in enumerate(STEPS):
        with database.atomic() as tx:
            ledger.post(tx, [book(STAKE, kind, ref, amount) for kind, ref, amount in entries], after(number))
        now = ledger.book(database, STAKE)
        assert tuple(now.totals[account] for account in LINES) == expected, step
        assert now.sources == now.uses, step
        assert now.should_hold == now.totals[Account.BALANCE], step
        assert now.totals[Account.ORPHANED] == 0, step
        assert not check([one.entry for one in ledger.every(database)], {STAKE: expected[-1]}), step
    assert ledger.unsound(database) == []
    assert now.totals[Account.FEES_TAKEN] == 6
    assert ledger.book(database, STAKE, after(1)).totals[Account.BALANCE] == 1060
