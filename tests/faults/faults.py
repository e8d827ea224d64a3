"""The faults: what each does to a world, and what ends it.

Those of a node fail every node of the paying chain at once, so that no other stands in, unless it says otherwise.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from relayclear.rehearsal.faults import NodeFaults, RelayerFaults
from relayclear.rehearsal.staging import ALPHA, BETA, address
from tests.long.stall import CHAIN, DENOM, Stall

Body = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One way to fail.

    `begin` sets it and `end` heals it, around each command, so that the truth can be read in between.  `lasting`
    ones stay, and what they leave undone stays undone: such a world never comes to rest.
    """

    name: str
    begin: Callable[[Stall], None]
    end: Callable[[Stall], None]
    lasting: bool = False

    @contextmanager
    def on(self, stall: Stall) -> Iterator[None]:
        """The fault for the length of the block."""
        self.begin(stall)
        try:
            yield
        finally:
            self.end(stall)


def ask(stall: Stall, path: str, body: Body) -> None:
    """Ask something of the control port."""
    url = f"{stall.world.state['control']}/{path}"
    urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10).close()  # noqa: S310  loopback


def _node(name: str, *, nodes: tuple[str, ...] = (CHAIN, f"{CHAIN}-second"), said: str = "", **body: Any) -> Fault:
    def begin(stall: Stall) -> None:
        """Set it at each of the nodes."""
        given = {key: value(stall) if callable(value) else value for key, value in body.items()}
        for node in nodes:
            ask(stall, f"nodes/{node}/faults", given)

    def end(stall: Stall) -> None:
        """Heal them."""
        for node in nodes:
            ask(stall, f"nodes/{node}/heal", {})

    return Fault(f"node: {said or name}", begin, end)


def _hermes(name: str, **body: Any) -> Fault:
    return Fault(
        f"hermes: {name}",
        lambda stall: ask(stall, "relayer/faults", body),
        lambda stall: ask(stall, "relayer/heal", {}),
    )


def _nothing(_: Stall) -> None:
    """What can't be undone."""


def _paid_hash(stall: Stall) -> list[str]:
    return [stall.payments[0].hash]


FAULTS: tuple[Fault, ...] = (
    Fault("none", _nothing, _nothing),
    _node("refuse", refuse=True),
    _node("refuse", nodes=(CHAIN,), said="refuse, the first one alone", refuse=True),
    _node("delay_seconds", delay_seconds=1.0),
    _node("hang", hang=True),
    _node("http_status 503", http_status=503),
    _node("http_status 401", http_status=401),
    _node("retry_after_seconds", http_status=429, retry_after_seconds=60),
    _node("html", html=True),
    _node("truncate", truncate=True),
    _node("lose_answers", lose_answers=1),
    _node("behind", behind=200),
    _node("catching_up", catching_up=True),
    _node("tx_index off", tx_index=False),
    _node("index_lag", index_lag=1000),
    _node("pruned_below", pruned_below=lambda stall: stall.height() - 1),
    _node("chain_id", chain_id="gamma-9"),
    _node("hidden_txs", hidden_txs=_paid_hash),
    _node("balances", balances={f"{address(ALPHA, 'payee')}/{DENOM}": 1}),
    _node("max_batch", max_batch=1),
    _node("max_body_bytes", max_body_bytes=150),
    _hermes("hang", hang=True),
    _hermes("do_nothing", do_nothing=True),
    _hermes("die_after recv", die_after="recv"),
    _hermes("garbage", garbage=True),
    _hermes("version", version="1.7.0"),
    Fault(
        "another relayer is first",
        lambda stall: ask(stall, "rival", {"armed": True}),
        lambda stall: ask(stall, "rival", {"armed": False}),
        lasting=True,
    ),
    Fault("a transaction is dropped", lambda stall: ask(stall, f"chains/{CHAIN}/drop", {"count": 1}), _nothing),
    Fault(
        "a payment's bytes stand in a block again",
        lambda stall: ask(stall, f"chains/{CHAIN}/replay", {"hash": stall.payments[0].hash}),
        _nothing,
    ),
    Fault(
        "a client is expired",
        lambda stall: ask(stall, f"chains/{BETA.chain_id}/client", {"client": "07-tendermint-0", "status": "expired"}),
        _nothing,
        lasting=True,
    ),
    Fault(
        "a channel is closed",
        lambda stall: ask(stall, f"chains/{CHAIN}/channel", {"channel": "channel-0", "state": "closed"}),
        lambda stall: ask(stall, f"chains/{CHAIN}/channel", {"channel": "channel-0", "state": "open"}),
    ),
    Fault(
        "the chain's clock is slow",
        lambda stall: ask(stall, f"chains/{CHAIN}/skew", {"seconds": -40}),
        lambda stall: ask(stall, f"chains/{CHAIN}/skew", {"seconds": 0}),
    ),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def not_tried() -> set[str]:
    """The faults that the rehearsal network has and this list doesn't."""
    named = {one.name for kind in (NodeFaults, RelayerFaults) for one in fields(kind)}
    return {name for name in named if not any(name in fault.name for fault in FAULTS)}
