"""Whatever a process was doing when the power failed: at most one refund on the chain, and the same end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from relayclear.errors import RelayclearError
from relayclear.money.refund_state import ENDED, RefundState
from relayclear.store import payments, stops
from relayclear.store.assignments import Word
from relayclear.store.db import Database
from relayclear.store.journal import Journal
from relayclear.store.refunds import Refund
from relayclear.usecases import refund_hand, refund_resolve
from relayclear.usecases.books import assign
from relayclear.usecases.books_values import AssignRequest
from relayclear.usecases.refund_acts import approve, waive
from relayclear.usecases.refund_rules import RefundRules
from tests.chains.rehearsed import send
from tests.fakes.rig import opened_rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, Claimer
from tests.usecases.counter import ALPHA
from tests.usecases.powercut import CutDatabase, CutWallet, Power, PowerCutError, cut
from tests.usecases.refunding import Giver

Act = Callable[[Giver], Any]


def underpaid(giver: Giver) -> None:
    """Alice paid half and Bob a bit, and it expired: two refunds."""
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.pay(token, 50_000, who="bob")
    giver.expire(token)


def underpaid_once(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.expire(token)


def swept(giver: Giver) -> None:
    giver.sweep()


def approved_by_hand(giver: Giver) -> None:
    for one in [*giver.owed()]:
        approve(giver.desk, one.id, "ada")
    giver.sweep()


def one_waived(giver: Giver) -> None:
    for one in [found for found in giver.owed() if found.due.to == address("bob", ALPHA)]:
        waive(giver.desk, one.id, "he said so", "ada")
    giver.sweep()


def voided(giver: Giver) -> None:
    """What was signed is dropped by its node, and the operator uses its sequence up."""
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    # Where the first try came so far, nothing waits any more.
    with suppress(RelayclearError):
        asyncio.run(refund_resolve.void(giver.desk, ALPHA, "ada"))
    giver.blocks(2)
    giver.sweep()


def replaced(giver: Giver) -> None:
    """What was signed never reaches a block, and is signed anew once none can take it any more."""
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    giver.rig.alpha.drops = 0
    giver.blocks(120)
    giver.sweep()


def by_hand(giver: Giver) -> None:
    """Nothing goes without a yes."""
    giver.refund_rules = RefundRules()
    underpaid(giver)


def exported(giver: Giver) -> None:
    for one in giver.owed():
        approve(giver.desk, one.id, "ada")
    asyncio.run(refund_hand.export(giver.desk, ALPHA, [], "ada"))


def paid_by_another_hand(giver: Giver) -> None:
    """Both are exported, sent by the wallet's other signers without a memo, and marked as paid."""
    exported(giver)
    for one in [found for found in giver.refunds() if found.state is RefundState.EXPORTED]:
        asyncio.run(refund_hand.mark_paid(giver.desk, one.id, _hand(giver, one), "ada"))


def _hand(giver: Giver, refund: Refund) -> str:
    """The transaction of the other signers, who send each refund once."""
    wanted = (refund.to, refund.net)
    if wanted not in [(to, coin) for to, coin, _ in giver.sent()]:
        [name] = [who for who in ("alice", "bob") if address(who, ALPHA) == refund.to]
        giver.act_as_payee(name, refund.net.amount)
    giver.settle()
    return next(use.tx_hash for use in giver.uses() if wanted in [(one.to, one.coin) for one in use.outputs])


def taken_back(giver: Giver) -> None:
    """Exported, never sent, taken back, and sent by us."""
    exported(giver)
    giver.blocks(120)
    giver.settle()
    for one in [found for found in giver.refunds() if found.state is RefundState.EXPORTED]:
        asyncio.run(refund_hand.cancel_export(giver.desk, one.id, "ada", "the file was lost"))
    giver.sweep()


def topped_up_and_withdrawn(giver: Giver) -> None:
    """The operator put coins in and took others out: refunds wait until both are explained."""
    underpaid(giver)
    giver.act_as_payee("daemon", 77)
    giver.rig.world.act(ALPHA, address("bob", ALPHA), send(ALPHA, "bob", (500, "stake"), to="payee"))
    giver.settle()


def explained(giver: Giver) -> None:
    out = next(use.tx_hash for use in giver.uses() if not use.memo)
    arrivals = [one.arrival for one in payments.page(giver.rig.journal.database, 10)]
    [came] = [one.tx_hash for one in arrivals if one.coin.amount == 500]
    for tx_hash, word in ((out, Word.WITHDRAWAL), (came, Word.DEPOSIT)):
        asyncio.run(assign(giver.desk, AssignRequest(tx_hash, word, "the operator's own"), "ada"))
    giver.sweep()


def claimed_over_ibc(giver: Giver) -> None:
    """Coins came over IBC, and their payer wants them back there."""
    assert isinstance(giver, Claimer)
    giver.claimed(giver.underpaid().id, address("alice", BETA), BETA)


def sent_home(giver: Giver) -> None:
    """It leaves, somebody relays it, and its end is seen."""
    for _ in range(3):
        giver.sweep()
        for use in giver.uses():
            for key in use.packets:
                giver.rig.world.relay(key)
        giver.settle()


def paid_over_ibc(giver: Giver) -> None:
    """Coins came over IBC: who pays so must say where they should go."""
    assert isinstance(giver, Claimer)
    giver.underpaid()


def claimed_and_sent(giver: Giver) -> None:
    assert isinstance(giver, Claimer)
    for one in [found for found in giver.owed() if found.claim is None]:
        giver.claimed(one.id, address("alice", BETA), BETA)
    sent_home(giver)


ACTS: dict[str, tuple[Act, Act]] = {
    "sweep": (underpaid, swept),
    "approve": (underpaid, approved_by_hand),
    "waive": (underpaid, one_waived),
    "void": (underpaid, voided),
    "over IBC": (claimed_over_ibc, sent_home),
    "one": (underpaid_once, swept),
    "replace": (underpaid_once, replaced),
    "mark paid": (by_hand, paid_by_another_hand),
    "export taken back": (by_hand, taken_back),
    "assign": (topped_up_and_withdrawn, explained),
    "claim": (paid_over_ibc, claimed_and_sent),
}


OTHER_HANDS = {"mark paid", "assign"}
# These go over ground that another act cuts at every point; from the second on, every third hits each kind of step.
EVERY_THIRD = {"replace", "mark paid", "export taken back", "assign", "claim"}


def played(folder: Path, name: str, at: int) -> tuple[Power, list[tuple[str | None, int]], dict[str, int]]:
    """The act with the power failing at the `at`-th thing, then a new process that runs to the end."""
    prepare, act = ACTS[name]
    with opened_rig(folder) as rig:
        wallet = CutWallet()
        giver = Claimer(rig, folder / "shop", wallet=wallet)
        prepare(giver)
        power, real = Power(at), rig.journal
        wallet.power = power
        rig.journal = Journal(cast("Database", CutDatabase(real.database, power)))
        try:
            with cut(rig.chains, power):
                act(giver)
        except PowerCutError:
            assert len(power.happened) >= at
        rig.journal, wallet.power = real, Power()
        giver.blocks(2)
        act(giver)
        giver.blocks(120)
        giver.sweep()
        giver.check_books()
        assert all(one.state in ENDED for one in giver.refunds()), [one.state for one in giver.refunds()]
        assert giver.owed() == []
        # Whatever was sent was kept before: nothing of ours looks as if another hand had sent it.
        assert name in OTHER_HANDS or stops.standing(rig.journal.database, ALPHA) is None
        books = {account.value: amount for account, amount in giver.book().items() if amount}
        for account in ("balance", "fees_taken"):
            books.pop(account, None)
        return power, sorted((to, coin.amount) for to, coin, _ in giver.sent() if to != giver.payee), books


@pytest.mark.parametrize("name", ACTS)
def test_the_power_fails_anywhere_and_every_refund_is_paid_once(name: str, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    power, sent, books = played(tmp_path / "whole", name, 0)
    assert len({to for to, _ in sent}) == len(sent) > 0
    for at in range(2, len(power.happened) + 1, 3) if name in EVERY_THIRD else range(1, len(power.happened) + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        _, again, after = played(folder, name, at)
        assert again == sent, (at, power.happened[at - 1])
        assert after == books, (at, power.happened[at - 1])


# Whoever adds a step to sending sees it here, and finds that it is cut before and after.
POINTS = (
    "before sign",
    "after sign",
    "before commit",
    "after commit",
    "broadcast",
    "broadcast arrived",
    "before commit",
)


def test_a_step_of_sending_is_left_out_of_the_cuts(tmp_path: Path) -> None:
    power, _, _ = played(tmp_path, "one", 0)
    start = power.happened.index("before sign")
    assert tuple(power.happened[start : start + len(POINTS)]) == POINTS
