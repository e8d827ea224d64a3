"""What happens in the very moment in which something else is looked at or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.errors import StoreError
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from tests.fakes.rig import Rig
from tests.usecases.refunding import Giver


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


def underpaid(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 400_000)
    giver.expire(token)


def test_who_is_frozen_in_mid_commit_stops_refunds_for_good(giver: Giver) -> None:
    underpaid(giver)
    database = giver.rig.journal.database
    assert database.path is not None
    impatient = open_database(database.path, busy_seconds=0.01)
    giver.rig.journal = Journal(impatient)
    with database.atomic(), pytest.raises(StoreError, match=r"busy|lock"):
        giver.sweep()
    assert giver.paid_to("alice") == []
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()
    giver.rig.journal = Journal(database)
    impatient.close()


def test_a_refund_that_lands_while_the_balance_is_asked_for_looks_like_money_that_is_missing(giver: Giver) -> None:
    underpaid(giver)

    def lands(question: str) -> None:
        if question == "balances" and giver.rig.alpha.state.mempool:
            giver.blocks(1)

    giver.rig.alpha.heard = lands
    done = giver.sweep()
    assert (done.blocked, len(done.landed)) == (None, 1)
    giver.rig.alpha.heard = None
    giver.check_books()
