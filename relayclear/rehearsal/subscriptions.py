"""What subscribers of a node are told of new blocks (CometBFT 0.38.11, rpc/core/events.go, types/event_bus.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from relayclear.rehearsal import answering, arguments, wire
from relayclear.rehearsal.chain import Block, Chain
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.go_text import GoError
from relayclear.rehearsal.query_language import Condition, QueryError, matches, parse
from relayclear.rehearsal.routes import ROUTES
from relayclear.rehearsal.rpc import Node, RpcError
from relayclear.rehearsal.transactions import hash_of
from relayclear.rehearsal.wire import Answer, Request

MOST_PER_CLIENT = 5
MOST_CLIENTS = 100
_LONGEST_QUERY = 512

Identity = int | str | None
Query = Sequence[Condition]
Attributes = dict[str, list[str]]
"""What queries are matched against: `type.key` and its values."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened: its attributes, and its data as an event shows them."""

    attributes: Attributes
    data: dict[str, Any]


@dataclass(eq=False)
class Client:
    """One connection and what it is subscribed to: the query, the id of its request, its text."""

    send: Callable[[Answer], None]
    wanted: list[tuple[Query, Identity, str]] = field(default_factory=list)

    def tell(self, told: Told) -> None:
        """Send what happened once for each query that it fits."""
        for query, identity, text in self.wanted:
            if matches(query, told.attributes):
                result = {"query": text, "data": told.data, "events": told.attributes}
                self.send(wire.answer(identity, result))


class Subscriptions:
    """The subscribers of one node; they are told of every block that the node knows, in order, once."""

    def __init__(self, node: Node) -> None:
        """Nobody listens yet."""
        self.node = node
        self.clients: list[Client] = []
        self._told = 0
        node.chain.after_block.append(self._on_block)

    def answer(self, client: Client, asked: Request) -> Answer:
        """The answer to any request over a websocket, where bad parameters are internal errors too."""
        route = ROUTES.get(asked.method)
        try:
            if route is not None and route.subscribers:
                given = arguments.read(route, answering.params_of(route, asked))
                self._change(client, asked, given.get("query", ""))
                return wire.answer(asked.id, {})
            said = answering.answer(self.node, asked)
        except answering.TooFewArgumentsError:
            return wire.failure(answering.URI_ID, wire.INTERNAL_ERROR, f"WSJSONRPC: {wire.TOO_FEW}")
        except GoError as bad:
            return wire.failure(asked.id, wire.INTERNAL_ERROR, f"error converting json params to arguments: {bad}")
        except RpcError as refused:
            return wire.failure(asked.id, wire.INTERNAL_ERROR, refused.data)
        if said.get("error", {}).get("code") == wire.INVALID_PARAMS:
            return wire.failure(asked.id, wire.INTERNAL_ERROR, said["error"]["data"])
        return said

    def _change(self, client: Client, asked: Request, text: str) -> None:
        match asked.method:
            case "subscribe":
                self._subscribe(client, asked.id, text)
            case "unsubscribe":
                query = _parsed(text)
                self._keep(client, [one for one in client.wanted if one[0] != query])
            case _:
                self._keep(client, [])

    def forget(self, client: Client) -> None:
        """The connection is gone."""
        if client in self.clients:
            self.clients.remove(client)

    def _subscribe(self, client: Client, identity: Identity, text: str) -> None:
        if len(self.clients) >= MOST_CLIENTS:
            raise RpcError.internal(f"max_subscription_clients {MOST_CLIENTS} reached")
        if len(client.wanted) >= MOST_PER_CLIENT:
            raise RpcError.internal(f"max_subscriptions_per_client {MOST_PER_CLIENT} reached")
        if len(text.encode()) > _LONGEST_QUERY:
            raise RpcError.internal("maximum query length exceeded")
        query = _parsed(text)
        if any(query == known for known, _, _ in client.wanted):
            raise RpcError.internal("already subscribed")
        if not self.clients:
            self._told = self.node.height
        if client not in self.clients:
            self.clients.append(client)
        client.wanted.append((query, identity, text))

    def _keep(self, client: Client, kept: list[tuple[Query, Identity, str]]) -> None:
        if len(kept) == len(client.wanted):
            raise RpcError.internal("subscription not found")
        client.wanted = kept
        if not kept:
            self.forget(client)

    def _on_block(self, chain: Chain) -> None:
        if not self.clients:
            return
        for height in range(self._told + 1, self.node.height + 1):
            self._told = height
            for told in happenings(self.node, chain.blocks[height - 1]):
                for client in [*self.clients]:
                    client.tell(told)


def happenings(node: Node, block: Block) -> Iterator[Told]:
    """What a node tells of a block: the block, its header, its events, each of its transactions."""
    documents, results = node.documents, node.documents.results(block)
    events = results["finalize_block_events"]
    found = attributes_of(documents.events(block))
    finished = {**documents.block(block), "result_finalize_block": _finalized(results)}
    yield _told("NewBlock", finished, found)
    yield _told("NewBlockHeader", {"header": documents.header(block)}, {})
    counted = str(len(documents.shown(block)))
    yield _told("NewBlockEvents", {"height": str(block.height), "events": events, "num_txs": counted}, found)
    for place in documents.shown(block):
        keys = attributes_of(block.results[place].events)
        added = {"tm.event": "Tx", "tx.hash": hash_of(block.txs[place]), "tx.height": str(block.height)}
        for key, value in added.items():
            keys.setdefault(key, []).append(value)
        yield Told(keys, {"type": "tendermint/event/Tx", "value": node.event_of_tx(block.height, place)})


def attributes_of(events: Sequence[Event]) -> Attributes:
    """The attributes of events as queries see them."""
    found: Attributes = {}
    for one in events:
        for key, value in one.attributes:
            found.setdefault(f"{one.type}.{key}", []).append(value)
    return found


def _told(kind: str, value: dict[str, Any], attributes: Attributes) -> Told:
    return Told({**attributes, "tm.event": [kind]}, {"type": f"tendermint/event/{kind}", "value": value})


def _finalized(results: dict[str, Any]) -> dict[str, Any]:
    """Block results by the names that the event has for them, without what is empty."""
    named = {"tx_results": results["txs_results"], "events": results["finalize_block_events"]}
    kept = {key: results[key] for key in ("consensus_param_updates", "app_hash")}
    return {**{key: value for key, value in named.items() if value}, "validator_updates": [], **kept}


def _parsed(text: str) -> Query:
    try:
        return parse(text)
    except QueryError as bad:
        raise RpcError.internal(f"failed to parse query: {bad}") from bad
