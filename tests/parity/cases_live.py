"""Subscriptions: what a node sends by itself over its websocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.side import Side

_SECONDS = 20
_TXS = "tm.event='Tx'"


class _Wire:
    """An open websocket: JSON out, JSON in."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def ask(self, method: str, number: object = 1, **params: object) -> Any:
        """Call and take the next message, whatever it is."""
        self._socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        return self.next()

    def next(self) -> Any:
        """The next message."""
        return json.loads(self._socket.recv(timeout=_SECONDS))


@contextmanager
def _wire(side: Side, chain: str = ALPHA) -> Iterator[_Wire]:
    with connect(side.rpc[chain].replace("http:", "ws:") + "/websocket", proxy=None) as socket:
        yield _Wire(socket)


def _told_of_a_payment(side: Side, chain: str) -> Any:
    purse = side.purse()
    query = f"{_TXS} AND transfer.sender='{purse.address}'"
    with _wire(side, chain) as wire:
        agreed = wire.ask("subscribe", query=query)
        side.commit(chain, purse, wires.send(purse.address, wires.STRANGER, wires.coin(5)), memo="live")
        told = wire.next()
    told["result"]["events"]["tx.height"] = len(told["result"]["events"]["tx.height"])
    return {"agreed": agreed, "told": told}


@case
def subscriber_is_told_of_a_payment(side: Side) -> Any:
    return _told_of_a_payment(side, ALPHA)


@case
def subscriber_of_a_newer_chain_is_told_of_a_payment(side: Side) -> Any:
    return _told_of_a_payment(side, BETA)


@case
def subscriber_is_told_of_blocks(side: Side) -> Any:
    with _wire(side) as wire:
        wire.ask("subscribe", query="tm.event='NewBlockHeader'")
        told = wire.next()["result"]
    return {"query": told["query"], "type": told["data"]["type"], "keys": sorted(told["data"]["value"]["header"])}


@case
def subscriber_asks_twice(side: Side) -> Any:
    with _wire(side) as wire:
        wire.ask("subscribe", query=_TXS)
        return wire.ask("subscribe", 2, query=_TXS)


@case
def subscriber_asks_for_what_makes_no_sense(side: Side) -> Any:
    with _wire(side) as wire:
        return wire.ask("subscribe", query="nonsense")


@case
def subscriber_leaves(side: Side) -> Any:
    with _wire(side) as wire:
        wire.ask("subscribe", query=_TXS)
        return [wire.ask("unsubscribe", 2, query=_TXS), wire.ask("unsubscribe", 3, query=_TXS)]


@case
def subscriber_leaves_all(side: Side) -> Any:
    with _wire(side) as wire:
        wire.ask("subscribe", query=_TXS)
        return [wire.ask("unsubscribe_all", 2), wire.ask("unsubscribe_all", 3)]


@case
def call_over_a_websocket(side: Side) -> Any:
    with _wire(side) as wire:
        return [wire.ask("health"), wire.ask("nothing", 2), wire.ask("tx", 3, hash="AAAA")]


@case
def websocket_without_an_upgrade(side: Side) -> Any:
    return side.get(ALPHA, "/websocket")
