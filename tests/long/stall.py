"""A shop in a served rehearsal world: packets that are stuck, tokens for them, payers who pay as they like.

What really happened is known here from what the world answered, never from relayclear's database.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import tomli_w

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.ibc.packet import SequenceRanges
from relayclear.rehearsal.staging import ALPHA, BETA, PHRASE, address
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments_begin import begin_reading
from relayclear.usecases.quote import make_quote
from relayclear.usecases.quote_values import QuoteRequest
from relayclear.usecases.wallet_keys import add_wallet_key
from tests.localnet import txs
from tests.localnet.rpc import Rpc, fields, message, number, packed, wait_for

CHANNEL, PORT = "channel-0", "transfer"
CHAIN, DENOM = ALPHA.chain_id, ALPHA.gas_denom
# Seconds of the world's time in which a token can be paid; and nobody pays so near to the end of it.
SHORT, LONG, _SURE = 60, 86_400, 8


# The first is the usual one.
DEEDS = ("price", "price", "twice", "over", "halves", "again", "half", "half", "late", "nobody")


@dataclass(frozen=True)
class World:
    """A world that is served: its folder, and what its process wrote about itself."""

    folder: Path
    state: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point relayclear at it."""
        return {str(name): str(value) for name, value in self.state["environment"].items()}


@dataclass(frozen=True)
class Paid:
    """A payment as the world told of it: by whom, when by its block; `memo` empty for coins without one."""

    hash: str
    who: str
    amount: int
    memo: str
    at: datetime


@dataclass
class Ordered:
    """A token that was given away, and what was paid for it."""

    memo: str
    order_id: str
    price: int
    refund_fee: int
    sequences: tuple[int, ...]
    expires_at: datetime
    is_short: bool
    paid: list[Paid] = field(default_factory=list)

    @property
    def on_time(self) -> int:
        """How much came before it expired."""
        return sum(one.amount for one in self.paid if one.at <= self.expires_at)

    @property
    def is_covered(self) -> bool:
        """Whether enough was paid in time."""
        return self.on_time >= self.price

    @property
    def is_to_expire(self) -> bool:
        """Whether something was paid that goes back once the token expires, which is soon."""
        return self.is_short and bool(self.paid) and not self.is_covered

    def due(self) -> Iterator[tuple[Paid, int]]:
        """What has to go back of each payment, the fee still in it: all that the price didn't take, first come first.

        Of a token that can still be paid nothing is due.
        """
        left = self.price if self.is_covered else 0
        for one in self.paid if self.is_covered or self.is_short else ():
            taken = min(left, one.amount) if one.at <= self.expires_at else 0
            left -= taken
            if one.amount > taken:
                yield one, one.amount - taken


@dataclass(frozen=True)
class Spent:
    """A transaction of the payee that stands in a block: whether it worked, and what it sent to whom."""

    hash: str
    worked: bool
    memo: str
    to: str
    amount: int
    fee: int


@dataclass
class Stall:
    """The world and its truth."""

    world: World
    desk: Desk
    chance: Random
    loop: asyncio.AbstractEventLoop
    opening: int = 0
    background: frozenset[int] = frozenset()
    orders: list[Ordered] = field(default_factory=list)
    payments: list[Paid] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """The wallet has its key, and the reading of payments begins before anything is sold."""
        add_wallet_key(self.desk, CHAIN, PHRASE, None, "the stall")
        self.loop.run_until_complete(begin_reading(self.desk, CHAIN))
        self.opening, self.background = self.balance(), frozenset(self.committed())

    # What users do

    def sell(self) -> Ordered:
        """A transfer of one to three packets gets stuck, and a token for them is given away."""
        one = txs.transfer_message(
            sender=address(ALPHA, "alice"),
            receiver=address(BETA, "bob"),
            port=PORT,
            channel=CHANNEL,
            amount=1000,
            denom="token",
            memo="",
            timeout_seconds=86_400,
        )
        sequences = tuple(txs.sequences(self._act("alice", [one] * self.chance.randint(1, 3))))
        expires = self.chance.choice([SHORT, LONG])
        request = QuoteRequest(CHAIN, CHANNEL, PORT, SequenceRanges.of(sequences), "the stall", expires=expires)
        token = self.loop.run_until_complete(make_quote(self.desk, request)).token
        order = Ordered(
            token.memo,
            token.ref.order_id.hex(),
            token.price.amount,
            token.quote.refund_fee(DENOM) or 0,
            sequences,
            token.expires_at,
            expires == SHORT,
        )
        self.orders.append(order)
        return order

    def pay(self, order: Ordered, amount: int) -> None:
        """Somebody pays so much for it, unless it is just expiring: then nobody knows which it will be."""
        left = (order.expires_at - self.now()).total_seconds()
        if not -_SURE <= left <= _SURE:
            order.paid.append(self._send(amount, order.memo))

    def pay_nobody(self) -> None:
        """Coins without a memo."""
        self._send(self.chance.randint(1, 10**6), "")

    def somebody_pays(self) -> None:
        """One of the things that payers do."""
        order = self.sell()
        deed = self.chance.choice(
            ["price", "price", "twice", "over", "halves", "again", "half", "half", "late", "nobody"]
        )
        match deed:
            case "price":
                self.pay(order, order.price)
            case "twice":
                self.pay(order, 2 * order.price)
            case "over":
                self.pay(order, order.price + self.chance.randint(100_000, 10**6))
            case "again":
                self.pay(order, order.price)
                self.pay(order, order.price)
            case "halves":
                self.pay(order, order.price // 2)
                self.pay(order, order.price - order.price // 2)
            case "half":
                self.pay(order, order.price // 2)
            case "late":
                self._somebody_else_pays(order)
            case _:
                self.pay_nobody()

    def _somebody_else_pays(self, order: Ordered) -> None:
        """The new token waits; what is still missing of an older one is paid, where it has expired too late."""
        waiting = [one for one in self.orders if one is not order and not one.is_covered]
        if waiting:
            chosen = self.chance.choice(waiting)
            self.pay(chosen, chosen.price - chosen.on_time)

    # What the world says

    def balance(self) -> int:
        """What the payee holds now, by the chain."""
        asked = message((1, address(ALPHA, "payee")), (2, DENOM))
        coin = fields(self._node(CHAIN).read("/cosmos.bank.v1beta1.Query/Balance", asked), 1)[0]
        return int(fields(coin, 2)[0])

    def balances_lately(self) -> set[int]:
        """What it holds now, and held whenever this was asked before."""
        self.held.add(self.balance())
        return self.held

    def height(self) -> int:
        """The newest block's."""
        return int(self._node(CHAIN).call("status")["sync_info"]["latest_block_height"])

    def now(self) -> datetime:
        """The time of the newest block."""
        return datetime.fromisoformat(self._node(CHAIN).call("status")["sync_info"]["latest_block_time"])

    def spent(self) -> list[Spent]:
        """Every transaction of the payee, one for each sequence that it used."""
        payee, node = address(ALPHA, "payee"), self._node(CHAIN)
        info = fields(node.read("/cosmos.auth.v1beta1.Query/AccountInfo", message((1, payee))), 1)[0]
        found = []
        for sequence in range(number(info, 4)):
            [one] = node.call("tx_search", query=f"tx.acc_seq='{payee}/{sequence}'", per_page="100")["txs"]
            found.append(_spent(one))
        return found

    def committed(self) -> list[int]:
        """The packets of the channel that still wait."""
        return self.committed_on(CHAIN)

    def committed_on(self, chain: str) -> list[int]:
        """Those that a chain sent over the channel and that still wait."""
        asked = message((1, PORT), (2, CHANNEL), (3, message((3, 100_000))))
        raw = self._node(chain).read("/ibc.core.channel.v1.Query/PacketCommitments", asked)
        return sorted(number(one, 3) for one in fields(raw, 1))

    def unreceived(self, sequences: Collection[int]) -> set[int]:
        """Which of these have not arrived on the other side."""
        return self.unreceived_by(BETA.chain_id, sequences)

    def unreceived_by(self, chain: str, sequences: Collection[int]) -> set[int]:
        """Which of these have not arrived on a chain, over the channel."""
        asked = message((1, PORT), (2, CHANNEL), (3, packed(sorted(sequences))))
        left = fields(self._node(chain).read("/ibc.core.channel.v1.Query/UnreceivedPackets", asked), 1)
        return {one for one in sequences if packed([one]) in _cut(left[0] if left else b"")}

    def _send(self, amount: int, memo: str) -> Paid:
        payee, who = address(ALPHA, "payee"), self.chance.choice(["alice", "bob"])
        one = txs.send_message(sender=address(ALPHA, who), to=payee, amount=amount, denom=DENOM)
        done = self._act(who, [one], memo)
        header = self._node(CHAIN).call("block", height=str(done["height"]))["block"]["header"]
        paid = Paid(done["hash"], who, amount, memo, datetime.fromisoformat(header["time"]))
        self.payments.append(paid)
        return paid

    def _act(self, who: str, messages: list[dict[str, Any]], memo: str = "") -> dict[str, Any]:
        asked = {"chain": CHAIN, "who": who, "messages": messages, "memo": memo}
        body = json.dumps({**asked, "gas": 200_000 + 200_000 * len(messages)}).encode()
        with urllib.request.urlopen(f"{self.world.state['control']}/act", body, timeout=30) as reply:  # noqa: S310  http, by the demo
            result: dict[str, Any] = json.load(reply)
        assert result["code"] == 0, result["log"]
        return result

    def _node(self, chain: str) -> Rpc:
        return Rpc(self.world.state["chains"][chain][0])


def _spent(found: dict[str, Any]) -> Spent:
    """A transaction by its own bytes, read here without relayclear's decoder."""
    body, auth = (fields(base64.b64decode(found["tx"]), place)[0] for place in (1, 2))
    memo = next(iter(fields(body, 2)), b"").decode()
    fee = sum(int(fields(one, 2)[0]) for one in fields(fields(auth, 2)[0], 1))
    [sent] = fields(body, 1)
    to, coin = (fields(fields(sent, 2)[0], place)[0] for place in (2, 3))
    return Spent(found["hash"], found["tx_result"]["code"] == 0, memo, to.decode(), int(fields(coin, 2)[0]), fee)


@contextmanager
def standing(folder: Path, seed: int, speed: float) -> Iterator[Stall]:
    """A stall for the length of the block, out of a new folder; the world's time runs `speed` times as fast as ours."""
    with served(folder, speed) as world:
        settings = load(config_path=None, env=world.environment, flags={})
        loop = asyncio.new_event_loop()
        desk = opened(settings, load_hermes(settings))
        try:
            yield Stall(world, loop.run_until_complete(desk.__aenter__()), Random(seed), loop)
        finally:
            loop.run_until_complete(desk.__aexit__(None, None, None))
            loop.close()


@contextmanager
def served(folder: Path, speed: float) -> Iterator[World]:
    """Serve the demo's world out of a new folder for the length of the block."""
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "relayclear.rehearsal", "--dir", str(folder), "--parent-pipe", "--speed", str(speed)]
    with (folder / "world.log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        # Written in one piece when everything listens.
        state = folder / "world.json"
        wait_for(lambda: state.exists() or process.poll() is not None or None, "the world", timeout=60, every=0.02)
        _make_impatient(folder / "relayclear.toml")
        yield World(folder, json.loads(state.read_text(encoding="utf-8")))
    finally:
        process.communicate(timeout=60)


def _cut(numbers: bytes) -> list[bytes]:
    """Packed numbers apart: each ends with the first byte below 128."""
    found, start = [], 0
    for place, byte in enumerate(numbers):
        if byte < 128:
            found.append(numbers[start : place + 1])
            start = place + 1
    return found


def _make_impatient(config: Path) -> None:
    """Let packets count as stuck at once, and refunds go at once and by themselves; what is late isn't honoured."""
    written = tomllib.loads(config.read_text(encoding="utf-8"))
    written["scan"]["stuck_after"] = "0s"
    written["sell"] = {"max_open_per_wallet": 10_000, "max_per_hour": 100_000, "late_grace": 1}
    written["refunds"] = {"mode": "auto", "max_each": [f"{10**12}{DENOM}"], "refund_check_interval": 1}
    config.write_text(tomli_w.dumps(written), encoding="utf-8")
