"""A busy hour of a relayer, the same to the last letter each time: work, sales, refunds and trouble for pictures."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from relayclear.clearing.request import Verb, Wish
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.rehearsal.transactions import Terms
from relayclear.usecases.audit import audit
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.requests import ask
from relayclear.watch import Rhythm, Watch
from tests.chains.rehearsed import send
from tests.dashboard.conftest import Silent
from tests.fakes import relayer as hermes
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver
from tests.usecases.test_refunds import underpaid

ENDPOINT = "endpoint/beta-1/http://beta-1:26657"


@contextmanager
def one_fate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memos, ids and keys that are drawn come out the same each time: a picture compares letter by letter."""
    with monkeypatch.context() as drawn:
        # Every id is made of these bytes, `token_hex` too.
        drawn.setattr(secrets, "token_bytes", Random(8).randbytes)
        yield


def busy_hour(rig: Rig, folder: Path, *, broken: bool = True) -> Giver:
    """What the pictures show: stuck packets, sales in every state, refunds owed and paid, an open breaker."""
    giver = Giver(rig, folder)
    _paid_back(giver)
    _cleared(giver)
    giver.settle()
    asyncio.run(audit(giver.desk))
    _waiting(giver)
    _nobodys(giver)
    if broken:
        until = rig.clock.now() + timedelta(minutes=4)
        open_breaker(giver.desk, ENDPOINT, "it answers with old heights", "ada", until)
    ask(
        giver.desk,
        Wish(Verb.MUTE, end=rig.source, sequences=SequenceRanges.of([max(rig.pending())]), why="known"),
        "ada",
    )
    asyncio.run(watched_over(giver))
    rig.clock.step(12)
    return giver


def half_a_day(rig: Rig) -> None:
    """A scan an hour, packets that come and go, and four hours in which nobody looked."""
    for hours, sent, relayed in (
        (1, 3, 0),
        (1, 2, 0),
        (1, 4, 3),
        (1, 0, 2),
        (5, 5, 1),
        (1, 2, 4),
        (1, 0, 3),
        (1, 1, 0),
    ):
        for _ in range(sent):
            rig.world.send(rig.source)
        for sequence in rig.pending()[:relayed]:
            rig.world.relay(PacketKey(*rig.source, sequence))
        rig.clock.step(hours * 3600)
        asyncio.run(Watch(rig.desk, Rhythm(scan_seconds=3600), Silent(), asyncio.Event()).once())


async def watched_over(giver: Giver) -> None:
    """One whole round of `watch` over the desk that has a wallet."""
    await Watch(giver.desk, Rhythm(), Silent(), asyncio.Event()).once()


def _paid_back(giver: Giver) -> None:
    """One refund that went, and two payers who wait for a yes."""
    underpaid(giver)
    giver.sweep()
    giver.settle()
    giver.refund_rules = RefundRules()
    underpaid(giver, 250_000, "bob")
    underpaid(giver, 700_000)


def _cleared(giver: Giver) -> None:
    """Two sales that were earned."""
    for count in (1, 2):
        giver.bought(giver.rig.stuck(count=count))
        giver.work()
        giver.blocks(20)
        giver.read()


def _waiting(giver: Giver) -> None:
    """Packets that wait, a sale that Hermes doesn't move, one that nobody has paid, and a node that failed."""
    rig = giver.rig
    keys: list[PacketKey] = rig.stuck(count=3)
    rig.world.deliver(keys[2])
    keys += rig.stuck(rig.far, count=2)
    rig.relayer.scenarios = [hermes.does_nothing_and_says_success] * 9
    giver.bought([keys[0]])
    giver.work()
    giver.quote([keys[1]])


def _nobodys(giver: Giver) -> None:
    """Coins with a memo that names no token."""
    terms = Terms(0, gas=350_000, memo="for the relayer, thanks")
    giver.rig.world.act(ALPHA, address("bob", ALPHA), send(ALPHA, "bob", (12_000, "stake")), terms=terms)
    giver.blocks(2)
    giver.read()
