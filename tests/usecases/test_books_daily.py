"""The books by day, and what may be taken out: nothing that somebody else has a claim on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import ConfigError, NodeError, UsageError
from relayclear.money.ledger import Account
from relayclear.usecases.books_daily import days, withdrawable
from tests.fakes.rig import Rig
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


def test_a_day_ends_at_another_figure_than_the_next_begins_with(giver: Giver) -> None:
    giver.bought(giver.rig.stuck())
    giver.rig.clock.step(86_400)
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 500)
    giver.settle()
    listed = days(giver.desk, ALPHA, "stake")
    assert [row.day.isoformat() for row in listed] == ["2026-01-02", "2026-01-03"]
    assert listed[0].opening == 0
    assert listed[0].moved[Account.OPENING] == 10_000_000
    assert listed[1].opening == listed[0].closing
    assert listed[1].moved == {Account.RECEIVED: 500, Account.HELD: 500, Account.BALANCE: 500}
    assert listed[1].closing == giver.total(Account.BALANCE)
    assert days(giver.desk, since=giver.rig.clock.now()) == listed[1:]
    assert days(giver.desk, denom="ubeta") == []
    with pytest.raises(UsageError):
        days(giver.desk, "gamma-1")


def test_a_payers_coins_are_taken_for_the_operators(giver: Giver) -> None:
    giver.refund_rules = replace(giver.refund_rules, reserve={"stake": 1000})
    [line] = asyncio.run(withdrawable(giver.desk))
    [row] = line.rows
    assert (row.balance, row.amount) == (10_000_000, 9_999_000)
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 500)
    giver.blocks(2)
    [line] = asyncio.run(withdrawable(giver.desk, ALPHA))
    [row] = line.rows
    assert (row.balance, row.held, row.amount) == (10_000_500, 500, 9_999_000)
    giver.refund_rules = replace(giver.refund_rules, reserve={"stake": 10**12})
    [line] = asyncio.run(withdrawable(giver.desk, ALPHA))
    assert line.rows[0].amount == 0


def test_a_chain_that_is_down_is_told_as_if_it_were_read(giver: Giver) -> None:
    giver.rig.alpha.down = NodeError("refused")
    [line] = asyncio.run(withdrawable(giver.desk))
    assert line.error is not None
    assert line.rows[0].balance == 10_000_000
    with pytest.raises(ConfigError):
        asyncio.run(withdrawable(giver.desk, "beta-1"))
