"""What a transaction's events say of the coins of an address, and which message each event belongs to.  Pure.

SDK 0.50 and later mark every event of a message with `msg_index` (and inside an authz execution with
`authz_msg_index`); before, the events of a message follow its `message.action`.  Events outside every message are the
fee's.  Measured on SDK 0.50 and 0.53: `coin_received` is followed by the `transfer` that tells its sender, which a
multi-send of 0.50 leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from relayclear.chains.wire_events import Attributes, attributes
from relayclear.ibc.coin import Coin

Scope = tuple[int, int]
"""The place of the message in the transaction, and of the one in the authz execution that it is, -1 for none."""

UNSURE: Final[Scope] = (-1, -1)
"""Inside some message, but nothing tells which."""

PACKET_EVENTS: Final = frozenset(
    {"recv_packet", "acknowledge_packet", "timeout_packet", "timeout_on_close_packet"},
)
RECEIVED, SPENT = "coin_received", "coin_spent"

# An attribute by which each is known, whatever the encoding; channel v2 has the packet's sequence too.
_KNOWN: Final = {
    RECEIVED: "receiver",
    SPENT: "spender",
    "transfer": "recipient",
    "message": "action",
    "fungible_token_packet": "receiver",
    "tx": "acc_seq",
    **dict.fromkeys(PACKET_EVENTS, "packet_sequence"),
}


class Told(NamedTuple):
    """One event of those that matter here; `scope` is None outside every message."""

    kind: str
    attributes: Attributes
    scope: Scope | None


class Flow(NamedTuple):
    """One `coin_received` (`incoming`) or `coin_spent` of an address.

    `place` is its place among the told events, `ordinal` the number of its direction; `sender` is None where no
    `transfer` stands beside it, and so is `receiver` of coins that went out; both are None for the other
    direction, `receiver` for fees too.  Coins that don't read as coins, and amounts of 0, are left out.
    """

    place: int
    ordinal: int
    incoming: bool
    coins: tuple[Coin, ...]
    scope: Scope | None
    sender: str | None
    receiver: str | None = None


def told(events: Any, urls: Sequence[str] = ()) -> list[Told]:
    """The events that matter, with their messages; `urls` are the types of the transaction's messages, in order."""
    found = list(_known(events))
    if any("msg_index" in row for _, row in found):
        return [Told(kind, row, _scope(row)) for kind, row in found]
    pairs = zip(found, _by_position(found, urls), strict=True)
    return [Told(kind, row, scope) for (kind, row), scope in pairs]


def flows(events: Sequence[Told], address: str) -> Iterator[Flow]:
    """Every movement of the address's coins, in the order of the events."""
    counted = {RECEIVED: 0, SPENT: 0}
    for place, event in enumerate(events):
        if event.kind in counted and event.attributes[_KNOWN[event.kind]] == address:
            incoming = event.kind == RECEIVED
            sender = _sender(events, place, address) if incoming else None
            receiver = None if incoming else _receiver(events, place, address)
            coins = _coins(event.attributes.get("amount", ""))
            yield Flow(place, counted[event.kind], incoming, coins, event.scope, sender, receiver)
            counted[event.kind] += 1


def signers(events: Sequence[Told]) -> set[str]:
    """The accounts whose signatures the chain checked and counted."""
    return {event.attributes["acc_seq"].rpartition("/")[0] for event in events if event.kind == "tx"}


def _known(events: Any) -> Iterator[tuple[str, Attributes]]:
    for event in events if isinstance(events, list) else ():
        kind = event.get("type") if isinstance(event, dict) else None
        if kind in _KNOWN:
            row = attributes(event, _KNOWN[kind])
            if row is not None:
                yield kind, row


def _scope(row: Attributes) -> Scope | None:
    """The message by its mark.  Executions in executions are marked once for each; the outermost mark comes last."""
    message = row.get("msg_index")
    if message is None:
        return None
    inner = row.get("authz_msg_index", "")
    return (int(message), int(inner) if inner.isdecimal() else -1) if message.isdecimal() else UNSURE


def _by_position(found: Sequence[tuple[str, Attributes]], urls: Sequence[str]) -> list[Scope | None]:
    """The message by what stands before it; all are unsure where the actions are not those of the messages."""
    scopes: list[Scope | None] = []
    current: Scope | None = None
    following = 0
    for kind, row in found:
        if kind == "message":
            # Some modules tell of actions of their own in between; a message's is its type.
            if following < len(urls) and row["action"] == urls[following]:
                current = (following, -1)
                following += 1
            current = current or UNSURE
        scopes.append(current)
    if following and following == len(urls):
        return scopes
    return [scope and UNSURE for scope in scopes]


def _sender(events: Sequence[Told], place: int, address: str) -> str | None:
    amount = events[place].attributes.get("amount")
    for event in events[place + 1 :]:
        if event.kind == RECEIVED and event.attributes["receiver"] == address:
            return None
        # A multi-send's recipient is written as its message writes it, which may be in capitals.
        is_beside = event.kind == "transfer" and event.attributes["recipient"].lower() == address
        if is_beside and event.attributes.get("amount") == amount:
            return event.attributes.get("sender", "").lower() or None
    return None


def _receiver(events: Sequence[Told], place: int, address: str) -> str | None:
    """Who got what was spent: only a `transfer` that names the spender and the very coins, in the same message."""
    spent = events[place]
    for event in events[place + 1 :] if spent.scope is not None else ():
        if event.scope != spent.scope or (event.kind == SPENT and event.attributes["spender"] == address):
            return None
        row = event.attributes
        if event.kind == "transfer" and row.get("sender", "").lower() == address:
            return row["recipient"].lower() if row.get("amount") == spent.attributes.get("amount") else None
    return None


def _coins(text: str) -> tuple[Coin, ...]:
    sums: dict[str, int] = {}
    for part in text.split(","):
        with suppress(ValueError):
            coin = Coin.parse(part)
            sums[coin.denom] = sums.get(coin.denom, 0) + coin.amount
    return tuple(Coin(denom, amount) for denom, amount in sums.items() if amount)
