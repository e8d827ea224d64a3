"""A counter: real quotes for stuck packets, payers who pay, the reading of payments, and the engine that works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relayclear.clearing.operation import Operation
from relayclear.engine.engine import Engine
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.money.document import write_document
from relayclear.money.ledger import Account, Place
from relayclear.money.token import ClearingToken, SaleRules, issue
from relayclear.rehearsal.transactions import Terms
from relayclear.store import ledger, sales, tasks, tokens
from relayclear.store.tasks import Task
from relayclear.usecases.paid import paid_task
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.quote import make_quote
from relayclear.usecases.quote_values import QuoteRequest
from relayclear.usecases.retrying import retry
from relayclear.usecases.shop import SellRules
from relayclear.usecases.token_bench import Bench
from relayclear.usecases.token_order import with_standing
from relayclear.usecases.token_work import take_up
from relayclear.usecases.tokens_view import TokenView, view_token
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS, address

ALPHA = "alpha-1"
RULES = SellRules(operation_deadline=1200)


@dataclass
class Counter:
    """A rig whose shop is open.  `reached` hears of every commit and effect of the work."""

    rig: Rig
    folder: Path
    rules: SellRules = RULES
    reached: list[str] = field(default_factory=list)
    fault: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        """Open the shop and begin to read payments."""
        self.rig.sell(self.folder, self.rules)
        for name in ("alice", "bob"):
            self.rig.world.fund(ALPHA, address(name, ALPHA), "stake")
            self.rig.world.fund(ALPHA, address(name, ALPHA), "token")
        self.blocks(2)
        assert self.read().opened

    def blocks(self, count: int = 1) -> None:
        """Let blocks go by."""
        self.rig.clock.step(count * BLOCK_SECONDS)

    def quote(self, keys: list[PacketKey], **wanted: Any) -> ClearingToken:
        """Sell these packets."""
        end = keys[0].end
        chosen = SequenceRanges.of(key.sequence for key in keys)
        request = QuoteRequest(end.chain, end.channel, end.port, chosen, "ada", **wanted)
        return asyncio.run(make_quote(self.rig.desk, request)).token

    def pay(self, token: ClearingToken, amount: int | None = None, who: str = "alice", denom: str = "stake") -> None:
        """A payment in a block of its own."""
        wanted = token.price.amount if amount is None else amount
        terms = Terms(0, gas=350_000, memo=token.memo)
        result = self.rig.world.act(ALPHA, address(who, ALPHA), send(ALPHA, who, (wanted, denom)), terms=terms)
        assert result.code == 0, result.log

    def read(self) -> Reading:
        """Read the payments there are."""
        reading = asyncio.run(read_payments(self.rig.desk, ALPHA))
        assert reading.error is None, reading.error
        return reading

    def bought(self, keys: list[PacketKey], **wanted: Any) -> ClearingToken:
        """Sold, paid and seen."""
        token = self.quote(keys, **wanted)
        self.pay(token)
        self.blocks(2)
        self.read()
        return token

    def forged_second(self, keys: list[PacketKey]) -> ClearingToken:
        """Another token for the same packets, as only a second database could have sold it."""
        database, shop = self.rig.journal.database, self.rig.shop
        first = tokens.page(database, 1)[0].token
        assert shop is not None
        issuer = shop.keys.current()
        assert issuer is not None
        assert [term.key for term in first.quote.packets] == keys
        rules = SaleRules(first.instance_id, 3600, first.late_grace, first.deadline)
        second = issue(first.quote, first.payee, issuer.memo_key, b"another!", first.issued_at, rules)
        with database.atomic() as tx:
            tokens.add(tx, second, write_document(second, issuer.signing_key), "", self.rig.clock.now())
        return second

    def engine(self) -> Engine:
        """An engine that works for paid tokens."""
        made = Engine(self.rig.journal.database, self.rig.clock, chance=lambda: 0.5)
        take_up(Bench(self.rig.desk, made, self._reached))
        return made

    def _reached(self, point: str) -> None:
        self.reached.append(point)
        self.fault(point)

    def work(self, most: int = 50) -> int:
        """Steps until nothing is due; how many there were."""
        engine = self.engine()
        for count in range(most):
            if not asyncio.run(engine.step()):
                return count
        raise AssertionError("it never comes to rest")

    def work_until(self, seconds: float) -> None:
        """Let time go by in small steps and work; payments are read too."""
        end = self.rig.clock.now().timestamp() + seconds
        while self.rig.clock.now().timestamp() < end:
            self.blocks(4)
            self.read()
            self.work()

    def retry(self, token: ClearingToken) -> None:
        """What an operator says to work that was given up."""
        retry(self.rig.desk, self.operation(token).id, "ada", "it was a bug")

    def view(self, token: ClearingToken) -> TokenView:
        """The token as a command shows it."""
        return view_token(self.rig.desk, token.memo)

    def task(self, token: ClearingToken) -> Task:
        """Its task."""
        found = tasks.find(self.rig.journal.database, paid_task(token.ref.order_id.hex()).key)
        assert found
        return found

    def operation(self, token: ClearingToken) -> Operation:
        """Its operation, with its standing."""
        found = self.view(token).operation
        assert found
        return with_standing(self.rig.journal.database, found)

    def verdicts(self, token: ClearingToken) -> dict[int, tuple[str, str]]:
        """Result and reason of every packet with a final word."""
        found = sales.verdicts(self.rig.journal.database, token.ref.order_id.hex())
        return {key.sequence: (one.verdict.result.value, one.verdict.reason.value) for key, one in found.items()}

    def books(self, denom: str = "stake") -> dict[str, int]:
        """What the accounts that money hangs on stand at."""
        totals = ledger.book(self.rig.journal.database, Place(ALPHA, denom)).totals
        names = (Account.RECEIVED, Account.HELD, Account.EARNED, Account.OWED)
        return {account.value: totals[account] for account in names}
