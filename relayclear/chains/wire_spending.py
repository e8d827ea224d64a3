"""Where a transaction stands, and what it did with an account's sequence and coins.  Pure.

Measured on SDK 0.50 and 0.53: a transaction that passed the ante handler has its `tx` events (fee, `acc_seq`), and its
account's sequence and fee are gone, whatever its code; one that didn't, as landed bytes in a later block (code 32), has
no events at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from relayclear.chains.index import FoundTx
from relayclear.chains.wire_events import charged_fee, named
from relayclear.chains.wire_flows import Told, flows
from relayclear.chains.wire_tx import opened
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.spending import Landing, SequenceUse, SpentOutput
from relayclear.ibc.text import clean

MAX_LOG = 400
"""Characters kept of what a chain says to a transaction."""


def landing(tx: FoundTx, at: datetime) -> Landing:
    """What stands at the transaction's height; `at` is its block's time."""
    _, events = opened(tx)
    used = bool(_sequences(events))
    return Landing(tx.height, at, tx.code, clean(tx.log, MAX_LOG), charged_fee(tx.events), used)


def use(chain: str, tx: FoundTx, at: datetime, address: str) -> SequenceUse | None:
    """The account's sequence that a transaction used, None where it used none; `at` is its block's time."""
    body, events = opened(tx)
    sequence = _sequences(events).get(address)
    if sequence is None:
        return None
    return SequenceUse(
        address=address,
        sequence=sequence,
        tx_hash=tx.hash,
        height=tx.height,
        at=at,
        code=tx.code,
        memo=body.memo if body else "",
        fee=charged_fee(tx.events),
        # What a failed one moved was undone, whatever its events say.
        outputs=() if tx.code else _outputs(events, address),
        packets=() if tx.code else _packets(chain, tx.events),
    )


def _sequences(events: Sequence[Told]) -> dict[str, int]:
    """The sequence of every account that the ante handler counted a signature of; messages can't tell of any."""
    pairs = [event.attributes["acc_seq"].rpartition("/") for event in events if _is_count(event)]
    return {address: int(number) for address, _, number in pairs if number.isdecimal()}


def _is_count(event: Told) -> bool:
    return event.kind == "tx" and event.scope is None


def _outputs(events: Sequence[Told], address: str) -> tuple[SpentOutput, ...]:
    return tuple(
        SpentOutput(flow.ordinal, flow.receiver, coin)
        for flow in flows(events, address)
        if not flow.incoming and flow.scope is not None
        for coin in flow.coins
    )


def _packets(chain: str, events: Any) -> tuple[PacketKey, ...]:
    return tuple(
        PacketKey(chain, row.get("packet_src_port", ""), row["packet_src_channel"], int(row["packet_sequence"]))
        for row in named(events, ("send_packet",), "packet_src_channel")
        if row.get("packet_sequence", "").isdecimal()
    )
