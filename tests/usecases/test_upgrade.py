"""An upgrade with work in flight: a database of the previous version is taken over, and all of it comes to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from relayclear.clearing.alerting import Priority
from relayclear.errors import StoreError
from relayclear.ibc.fate import Fate
from relayclear.money.refund_state import RefundState
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.store import alerts, tokens
from relayclear.store.db import MIGRATIONS, Database, open_database
from relayclear.store.journal import Journal
from relayclear.usecases.alerts import Calling, list_alerts
from relayclear.usecases.watching import take_up_forgotten
from relayclear.wording.alerting import alert_sentence
from tests.fakes.rig import opened_rig
from tests.usecases.previous import EXCESS, restore, story
from tests.usecases.refunding import Giver
from tests.usecases.test_alerts import Phone

NEWEST = max(int(path.name[:4]) for path in MIGRATIONS.glob("*.sql"))


@dataclass
class TakenOver:
    """A shop over the upgraded database, on a world that saw what the database tells of."""

    giver: Giver
    database: Database
    sold: list[ClearingToken]


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[TakenOver]:
    path = tmp_path / "previous" / "relayclear.db"
    path.parent.mkdir()
    restore(path)
    with open_database(path, busy_seconds=0.05) as database, opened_rig(tmp_path) as rig:
        page = tokens.page(database, 9)
        sold = sorted((one.token for one in page), key=lambda token: token.quote.packets[0].key.sequence)
        giver = Giver(rig, tmp_path / "shop")
        story(giver, sold)
        rig.journal = Journal(database)
        yield TakenOver(giver, database, sold)


def test_it_is_at_the_newest_version_and_what_was_there_is_kept_beside_it(taken: TakenOver) -> None:
    assert taken.database.schema_version() == NEWEST
    assert taken.database.path
    assert taken.database.path.with_name("relayclear.db.bak-v4").exists()
    assert taken.database.integrity() == []


def test_looking_at_it_upgrades_nothing_and_says_what_does(tmp_path: Path) -> None:
    restore(tmp_path / "relayclear.db")
    before = (tmp_path / "relayclear.db").read_bytes()
    with pytest.raises(StoreError) as caught:
        open_database(tmp_path / "relayclear.db", read_only=True)
    assert (caught.value.code, caught.value.hint) == ("store_older", "relayclear db upgrade")
    assert (tmp_path / "relayclear.db").read_bytes() == before


def test_all_that_was_in_flight_comes_to_its_end_and_nothing_twice(taken: TakenOver) -> None:
    giver = taken.giver
    cut, overpaid, paid = taken.sold
    assert [giver.view(token).state for token in taken.sold] == [TokenState.CLEARING, TokenState.PAID, TokenState.PAID]
    (refund,) = giver.refunds()
    assert refund.state is RefundState.BROADCAST
    giver.read()
    take_up_forgotten(giver.desk)
    giver.work()
    # The run that was cut off may still land, so its packet is looked at again when it no longer can.
    giver.work_until(1500)
    giver.sweep()
    giver.sweep()
    assert [giver.view(token).state for token in taken.sold] == [TokenState.CLEARED] * 3
    (refund,) = giver.refunds()
    assert refund.state is RefundState.CONFIRMED
    assert giver.paid_to("bob") == [EXCESS - 5_000]
    first, *_ = giver.operation(cut).attempts
    assert first.after[0].fate in {Fate.UNKNOWN, Fate.STILL_PENDING}
    assert [len({str(job.sequences)}) for job in giver.rig.relayer.jobs] == [1] * 3
    assert giver.operation(overpaid).id != giver.operation(paid).id
    giver.check_books()


def test_nobody_is_called_for_what_happened_before_the_upgrade_and_for_all_that_comes_after(taken: TakenOver) -> None:
    phone = Phone()
    calls = Calling(taken.giver.desk, [phone], Priority.NORMAL, alert_sentence)
    asyncio.run(calls.once())
    assert "payment" not in phone.kinds
    assert alerts.mark(taken.database) > 0
    taken.giver.read()
    take_up_forgotten(taken.giver.desk)
    taken.giver.work()
    asyncio.run(calls.once())
    assert "work_ended" in phone.kinds
    assert list_alerts(taken.database, 1)[0].deliveries
