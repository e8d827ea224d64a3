"""A till: tokens sold on alpha-1 for made-up packets, and what payers do with their memos."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import write_document
from relayclear.money.fees import promise, quote
from relayclear.money.ledger import Account, Place, check
from relayclear.money.settlement import Settlement
from relayclear.money.token import ClearingToken, SaleRules, issue
from relayclear.rehearsal import bank, relaying
from relayclear.rehearsal.chain import TxResult
from relayclear.rehearsal.transactions import Terms, hash_of, wrap
from relayclear.store import cursors, ledger, payments, tasks, tokens
from relayclear.store.cursors import Cursor
from relayclear.store.payments import StoredPayment
from relayclear.store.tasks import Task
from relayclear.usecases.desk import Desk
from relayclear.usecases.paid import paid_task
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.tokens_view import TokenView, view_token, view_tokens
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS, address, time_of
from tests.money.build import prices

ALPHA, BETA = "alpha-1", "beta-1"
TTL, GRACE, DEADLINE = 3600, 86_400, 7200
PAYERS = ("alice", "bob", "mallory")


@dataclass
class Till:
    """A rig whose shop is open, its payee watched from the start, and payers with coins."""

    rig: Rig
    folder: Path
    made: int = 0

    def __post_init__(self) -> None:
        """Open."""
        self.rig.sell(self.folder)
        for chain, denom in ((ALPHA, "stake"), (BETA, "ubeta")):
            for name in PAYERS:
                for coin in (denom, "token"):
                    self.rig.world.fund(chain, address(name, chain), coin)
        self.blocks(2)
        assert self.read().opened

    @property
    def desk(self) -> Desk:
        """The rig's."""
        return self.rig.desk

    @property
    def payee(self) -> str:
        """Who is paid."""
        return address("payee", ALPHA)

    @property
    def height(self) -> int:
        """alpha-1's newest block."""
        return self.rig.alpha.height

    # Selling

    def sold(self, price: int = 100, packets: int = 1, *, ttl: int = TTL, keep: bool = True) -> ClearingToken:
        """A token for packets that nobody looks at; without `keep` the database never hears of it."""
        assert self.rig.shop is not None
        keys = self.rig.shop.keys
        key = keys.current() or keys.create(self.rig.clock.now())
        self.made += 1
        named = [PacketKey(ALPHA, "transfer", "channel-0", 1000 * self.made + number) for number in range(packets)]
        promises = [promise(packet, PacketClass.STUCK) for packet in named]
        at = time_of(self.rig.alpha.state.time_ns)
        rules = SaleRules("till", ttl, GRACE, DEADLINE)
        terms = quote(prices(price), "stake", promises, [], None)
        token = issue(terms, self.payee, key.memo_key, self.made.to_bytes(8), at, rules)
        if keep:
            document = write_document(token, key.signing_key)
            with self.rig.journal.database.atomic() as tx:
                tokens.add(tx, token, document, address("sender", ALPHA), self.rig.clock.now())
        return token

    # Paying

    def pay(self, memo: str, amount: int = 100, denom: str = "stake", who: str = "alice", chain: str = ALPHA) -> str:
        """A plain payment in a block of its own; the transaction's hash."""
        return self.act(who, send(chain, who, (amount, denom)), memo=memo, chain=chain)

    def act(self, who: str, *messages: Any, memo: str = "", chain: str = ALPHA, code: int = 0) -> str:
        """A transaction in a block of its own; its hash."""
        result = self.try_to(who, *messages, memo=memo, chain=chain)
        assert result.code == code, result.log
        return hash_of(self.rig.world.chains[chain].blocks[-1].txs[-1])

    def try_to(self, who: str, *messages: Any, memo: str = "", chain: str = ALPHA) -> TxResult:
        """A transaction in a block of its own."""
        terms = Terms(0, gas=200_000 + 150_000 * len(messages), memo=memo)
        return self.rig.world.act(chain, address(who, chain), *messages, terms=terms)

    def post(self, who: str, *messages: Any, memo: str = "") -> None:
        """A transaction for the next block."""
        terms = Terms(0, gas=200_000 + 150_000 * len(messages), memo=memo)
        self.rig.world.post(ALPHA, address(who, ALPHA), *messages, terms=terms)

    def pay_over_ibc(self, memo: str, amount: int = 100, outer: str = "") -> str:
        """Coins sent from beta-1 to the payee, relayed by a stranger whose own memo is `outer`; the voucher's denom."""
        world, relayer, before = self.rig.world, address("mallory", ALPHA), set(self.held())
        coin, sender = Coin("ubeta", amount), address("alice", BETA)
        key = world.send(self.rig.far, coin=coin, sender=sender, receiver=self.payee, memo=memo)
        world.tick(BETA)
        seen = world.chains[BETA]
        update = relaying.update_client(world.client_of(self.rig.source), BETA, seen.height, seen.time_ns, relayer)
        made = channel_tx.MsgRecvPacket(packet=relaying.packet_of(world, key), signer=relayer, proof_commitment=b"\x01")
        made.proof_height.revision_number, made.proof_height.revision_height = 1, seen.height
        self.act("mallory", update, wrap("/ibc.core.channel.v1.MsgRecvPacket", made), memo=outer)
        return next(iter(set(self.held()) - before), next(denom for denom in self.held() if "/" in denom))

    # Time

    def blocks(self, count: int = 1) -> None:
        """Let blocks go by."""
        self.rig.clock.step(count * BLOCK_SECONDS)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.rig.clock.step(seconds)

    # Reading

    def read(self, desk: Desk | None = None) -> Reading:
        """Read what there is now."""
        return asyncio.run(read_payments(desk or self.desk, ALPHA))

    def read_all(self) -> list[StoredPayment]:
        """A block on top, then everything read, which must go well."""
        self.blocks(2)
        reading = self.read()
        assert reading.error is None, reading.error
        assert reading.through == self.height - 1
        self.check()
        return list(reading.payments)

    def check(self) -> None:
        """The books say what the chain says, wherever the reading stands."""
        cursor = self.cursor
        said = {
            place.denom: book.totals[Account.BALANCE]
            for place, book in ledger.books(self.rig.journal.database).items()
            if book.totals[Account.BALANCE]
        }
        view = self.rig.alpha.state.state_at(cursor.read_through)
        assert said == dict(cursor.held)
        assert said == {denom: bank.balance(view, self.payee, denom) for denom in said}
        assert self.owed_by_books() == self.owed_by_rules()
        assert not check([one.entry for one in ledger.every(self.rig.journal.database)])

    def owed_by_books(self) -> dict[str, int]:
        """What is booked as owed, by denom."""
        found = ledger.books(self.rig.journal.database)
        owed = {place.denom: kept.totals[Account.OWED] for place, kept in found.items() if place.chain == ALPHA}
        return {denom: amount for denom, amount in owed.items() if amount}

    def owed_by_rules(self) -> dict[str, int]:
        """What every token's facts say is owed back, by denom."""
        owed: dict[str, int] = {}
        for view in view_tokens(self.desk, 1000):
            for due in view.owed:
                owed[due.payment.denom] = owed.get(due.payment.denom, 0) + due.gross
        return owed

    @property
    def cursor(self) -> Cursor:
        """Where the reading stands."""
        found = cursors.find(self.rig.journal.database, ALPHA, self.payee)
        assert found is not None
        return found

    def held(self) -> dict[str, int]:
        """What the payee holds now by the chain's own store."""
        folder = f"bank:balance/{self.payee}/"
        return {key.removeprefix(folder): int(value) for key, value in self.rig.alpha.state.store.scan(folder)}

    # What became of it

    def view(self, token: ClearingToken) -> TokenView:
        """A token as it stands."""
        return view_token(self.desk, token.memo)

    def settlement(self, token: ClearingToken) -> Settlement:
        """What its payments amount to."""
        return self.view(token).settlement

    def stored(self) -> list[StoredPayment]:
        """Every payment, newest first."""
        return payments.page(self.rig.journal.database, 10_000)

    def orphans(self, kind: payments.Orphan = payments.Orphan.ORPHAN) -> list[StoredPayment]:
        """Payments of no token."""
        return payments.orphans(self.rig.journal.database, 10_000, kind=kind)

    def task(self, token: ClearingToken) -> Task | None:
        """What a covered price starts."""
        return tasks.find(self.rig.journal.database, paid_task(token.ref.order_id.hex()).key)

    def total(self, account: Account, denom: str = "stake") -> int:
        """What an account of the books stands at."""
        return ledger.book(self.rig.journal.database, Place(ALPHA, denom)).totals[account]
