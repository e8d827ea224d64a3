"""A till that gives back: a wallet for its payee, a second endpoint, sweeps, and what the chain shows of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Account, Place, check
from relayclear.money.policy import Caps, Mode
from relayclear.money.token import ClearingToken
from relayclear.rehearsal import bank
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.store import ledger, refunds
from relayclear.store.refunds import Refund
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_acts import Consent, approve
from relayclear.usecases.refund_dues import OwedRefund, list_owed
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.refund_send import Swept, sweep
from tests.chains.rehearsed import send
from tests.fakes import spending
from tests.fakes.chain import FakeChain
from tests.fakes.wallet import FakeWallet
from tests.fakes.world import address
from tests.usecases.counter import ALPHA, Counter
from tests.usecases.paying import GRACE, TTL

__all__ = ["GRACE", "TTL", "Giver", "RefundRules", "careless"]

NOTHING: dict[str, int] = {}


def careless(**caps: Any) -> RefundRules:
    """Everything within high caps goes by itself."""
    most = {"stake": 10**12, "token": 10**12, "ubeta": 10**12}
    return RefundRules(
        mode=Mode.AUTO, caps=Caps(each=caps.get("each", most), **{k: v for k, v in caps.items() if k != "each"})
    )


@dataclass
class Giver(Counter):
    """A counter whose payee has a key.  `witness` is the second endpoint of alpha-1, on another host."""

    wallet: FakeWallet = field(default_factory=FakeWallet)
    refund_rules: RefundRules = field(default_factory=careless)
    witnesses: dict[str, FakeChain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the shop, with coins in the wallet for gas."""
        payee = address("payee", ALPHA)
        self.rig.world.set_account(ALPHA, payee, amount=10_000_000, sequence=3)
        self.wallet.hold(ALPHA, "payee")
        self.witnesses = {chain: FakeChain(self.rig.world, chain) for chain in self.rig.chains}
        super().__post_init__()

    @property
    def desk(self) -> Desk:
        """The rig's, with the wallet and the witnesses."""
        found = self.rig.desk
        assert found.shop is not None
        return replace(
            found,
            shop=replace(found.shop, refunds=self.refund_rules),
            wallet=self.wallet,
            witnesses=self.witnesses,
        )

    @property
    def payee(self) -> str:
        """Who is paid, and pays back."""
        return address("payee", ALPHA)

    # What is owed

    def owed(self) -> list[OwedRefund]:
        """Everything that is owed and not decided."""
        return list_owed(self.desk, self.rig.journal.database)

    def refunds(self) -> list[Refund]:
        """Every refund that was decided, oldest first."""
        return refunds.page(self.rig.journal.database, 1000)[::-1]

    def approve_all(self) -> list[Refund]:
        """A person says yes to all."""
        return [approve(self.desk, one.id, "ada") for one in self.owed() if one.wait is None]

    def sweep(self, *, patience: float = 60.0, most: dict[str, int] | None = None, **terms: Any) -> Swept:
        """Send what may go, and wait for it."""
        consent = None if most is None else Consent(most, "ada")
        return asyncio.run(sweep(self.desk, ALPHA, patience=patience, consent=consent, **terms))

    def settle(self) -> None:
        """A few blocks, and everything read."""
        self.blocks(3)
        self.read()

    def act_as_payee(self, to: str, amount: int) -> None:
        """The operator sends coins out of the wallet with another program."""
        message = send(ALPHA, "payee", (amount, "stake"), to=to)
        result = self.rig.world.act(ALPHA, self.payee, message, terms=Terms(0, gas=200_000))
        assert result.code == 0, result.log
        self.settle()

    def last_hash(self) -> str:
        """The newest transaction of alpha-1."""
        return next(hash_of(block.txs[-1]) for block in reversed(self.rig.alpha.state.blocks) if block.txs)

    # What really happened

    def uses(self) -> list[SequenceUse]:
        """Every transaction of the payee that stands in a block, by the chain itself."""
        return spending.uses(ALPHA, self.rig.alpha.state.blocks, self.payee)

    def sent(self) -> list[tuple[str | None, Coin, str]]:
        """What the payee sent: to whom, what, with which memo."""
        return [(one.to, one.coin, use.memo) for use in self.uses() for one in use.outputs]

    def paid_to(self, who: str) -> list[int]:
        """What the payee sent to a name, amount by amount."""
        return [coin.amount for to, coin, _ in self.sent() if to == address(who, ALPHA)]

    def check_books(self) -> None:
        """Both equations hold, and the books say what the wallet holds at the height read."""
        self.settle()
        database = self.rig.journal.database
        assert not check([one.entry for one in ledger.every(database)])
        held = self.rig.alpha.state
        for place, book in ledger.books(database).items():
            if place.chain == ALPHA:
                assert book.totals[Account.BALANCE] == bank.balance(held.store, self.payee, place.denom), place

    def book(self, denom: str = "stake") -> Mapping[Account, int]:
        """What every account of the books stands at."""
        return ledger.book(self.rig.journal.database, Place(ALPHA, denom)).totals

    def total(self, account: Account, denom: str = "stake") -> int:
        """What an account of the books stands at."""
        return ledger.book(self.rig.journal.database, Place(ALPHA, denom)).totals[account]

    def expire(self, token: ClearingToken) -> None:
        """Let a token expire, and read past it."""
        self.rig.clock.step(TTL + 60)
        self.settle()
        del token
