"""A thousand payments on a real chain, caught up with from a database that has seen none of them."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import shutil
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cosmpy.aerial.tx import SigningCfg, Transaction, TxFee
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.crypto.keypairs import PrivateKey
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2

from relayclear.bootstrap.desk import SystemClock
from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.config.keyfiles import KeyFiles
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import write_document
from relayclear.money.fees import FeeSchedule, PriceList, promise, quote
from relayclear.money.token import ClearingToken, SaleRules, issue
from relayclear.store import cursors, tokens
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import read_payments
from relayclear.usecases.shop import Operator, SellRules, Shop
from tests.bench.measure import BenchError
from tests.localnet import txs
from tests.localnet.network import Network
from tests.localnet.node import ALPHA
from tests.localnet.rpc import wait_for

COUNT = 1000
PRICE, FEE, GAS = 5, 1000, 100_000
_PAGE = 100
# What a node's operator allows by default; the catch-up must be fast enough with it.
_BUDGET = 20


class CatchUp:
    """The payments, made once; every measurement reads them into a fresh copy of the same database."""

    def __init__(self, network: Network, folder: Path) -> None:
        """Sell a thousand tokens, begin the reading, and have each token paid."""
        self._node = network.chains[ALPHA]
        self._folder = folder / "payments"
        self._folder.mkdir()
        self._payee = LocalWallet(PrivateKey(), prefix="cosmos").address()
        self._keys = KeyFiles(self._folder / "keys")
        self._loop = asyncio.new_event_loop()
        self._rounds = 0
        self._memos = self._sell()
        self._first = self._node.height()
        self._pay(network)
        self._last = self._node.height()

    def ours(self) -> float:
        """Payments a second of one catch-up, all matched and booked."""
        self._rounds += 1
        path = shutil.copy(self._folder / "sold.db", self._folder / f"round-{self._rounds}.db")
        return self._loop.run_until_complete(self._read(Path(path)))

    def bare(self) -> float:
        """Transactions a second of a bare search for the same ones, its answers thrown away."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self._node.ports.host, self._node.ports.rpc, timeout=60)
        query = f"coin_received.receiver='{self._payee}' AND tx.height>={self._first} AND tx.height<={self._last}"
        for page in range(1, COUNT // _PAGE + 1):
            asked = {"query": query, "page": str(page), "per_page": str(_PAGE), "order_by": "asc"}
            connection.request("POST", "/", *_call("tx_search", asked))
            connection.getresponse().read()
        connection.close()
        return COUNT / (time.perf_counter() - started)

    def close(self) -> None:
        """Nothing is open between measurements but the loop."""
        self._loop.close()

    async def _read(self, path: Path) -> float:
        hosts = Hosts()
        chain = CometChain(ALPHA, [self._node.rpc], hosts=hosts, rpc_budget=_BUDGET)
        with open_database(path) as database:
            journal, clock = Journal(database), SystemClock()
            counting = Breakers(database, clock)
            desk = Desk(journal, {ALPHA: chain}, (), clock, 300, {}, {}, {}, shop=self._shop(), breakers=counting)
            started = time.perf_counter()
            reading = await read_payments(desk, ALPHA)
            took = time.perf_counter() - started
        await chain.aclose()
        await hosts.aclose()
        matched = sum(stored.match is not None for stored in reading.payments)
        if reading.error is not None or matched != COUNT:
            raise BenchError(f"{matched} payments were read, not {COUNT}: {reading.error}")
        return COUNT / took

    def _shop(self) -> Shop:
        prices = PriceList(ALPHA, (FeeSchedule("stake", PRICE, 0, 0, 0),), Decimal("1.5"))
        payees, prefixes = {ALPHA: str(self._payee)}, {ALPHA: "cosmos"}
        quotes = self._folder / "quotes.jsonl"
        return Shop(payees, {ALPHA: prices}, prefixes, SellRules(), Operator(), self._keys, quotes)

    def _sell(self) -> list[str]:
        at, height = self._node.block_time(), self._node.height() - 1
        key = self._keys.create(datetime.now(UTC))
        with open_database(self._folder / "sold.db") as database, database.atomic() as tx:
            cursors.begin(tx, ALPHA, str(self._payee), height, at, {}, at)
            sold = [self._token(number, at) for number in range(1, COUNT + 1)]
            for token in sold:
                tokens.add(tx, token, write_document(token, key.signing_key), "cosmos1sender", at)
        return [token.memo for token in sold]

    def _token(self, number: int, at: datetime) -> ClearingToken:
        key = self._keys.current()
        if key is None:
            raise BenchError("there is no key")
        packet = promise(PacketKey(ALPHA, "transfer", "channel-0", number), PacketClass.STUCK)
        terms = quote(self._shop().prices[ALPHA], "stake", [packet], [], None)
        rules = SaleRules("bench", 3600, 0, 0)
        return issue(terms, str(self._payee), key.memo_key, number.to_bytes(8), at, rules)

    def _pay(self, network: Network) -> None:
        """One signed transaction a payment, from an account of its own."""
        wallet = LocalWallet(PrivateKey(), prefix="cosmos")
        network.send(ALPHA, user="alice", to=str(wallet.address()), amount=COUNT * (FEE + PRICE), denom="stake")
        number, sequence = txs.account_numbers(self._node, str(wallet.address()))
        for offset, memo in enumerate(self._memos):
            raw = _signed(wallet, str(self._payee), memo, number, sequence + offset)
            sent = self._node.ask.call("broadcast_tx_sync", tx=base64.b64encode(raw).decode())
            if sent["code"]:
                raise BenchError(f"payment {offset} was refused: {sent['log']}")
        self._await(str(wallet.address()), sequence + COUNT)

    def _await(self, payer: str, sequence: int) -> None:
        """Until all are in blocks, with a few blocks on top and an index that has come as far."""
        wait_for(lambda: txs.account_numbers(self._node, payer)[1] == sequence or None, "the payments", timeout=120)
        height = self._node.height() + 3
        wait_for(lambda: self._node.height() >= height or None, "three blocks more", timeout=60)


def _signed(wallet: LocalWallet, payee: str, memo: str, number: int, sequence: int) -> bytes:
    message = bank_tx.MsgSend(from_address=str(wallet.address()), to_address=payee)
    message.amount.append(coin_pb2.Coin(denom="stake", amount=str(PRICE)))
    made = Transaction()
    made.add_message(message)
    made.seal(SigningCfg.direct(wallet.public_key(), sequence), fee=TxFee(f"{FEE}stake", GAS), memo=memo)
    made.sign(wallet.signer(), ALPHA, number, deterministic=True)
    made.complete()
    raw: bytes = made.tx.SerializeToString()
    return raw


def _call(method: str, params: dict[str, str]) -> tuple[str, dict[str, str]]:
    body = json.dumps({"jsonrpc": "2.0", "id": 0, "method": method, "params": params})
    return body, {"Content-Type": "application/json"}
