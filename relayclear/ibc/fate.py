"""What became of a packet, judged from both chains after the run and from its class before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from hashlib import sha256

from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.triage import RETURNING, PacketClass

SUCCESS_ACK = b'{"result":"AQ=="}'
SUCCESS_ACK_HASH = sha256(SUCCESS_ACK).digest()


class Fate(StrEnum):
    """The end of a packet's story, or how far it has come."""

    ACKNOWLEDGED = "acknowledged"
    DELIVERED = "delivered"
    DELIVERED_WITH_ERROR = "delivered_with_error"
    RETURNED_TO_SENDER = "returned_to_sender"
    DELIVERED_ACK_OPEN = "delivered_ack_open"
    STILL_PENDING = "still_pending"
    UNKNOWN = "unknown"


class Ack(StrEnum):
    """What the receiving end wrote as acknowledgement.

    `other` is one whose meaning can't be told from its hash: an application that isn't ICS-20.
    """

    NONE = "none"
    SUCCESS = "success"
    ERROR = "error"
    OTHER = "other"


class Doer(StrEnum):
    """Who ended a packet's wait."""

    US = "us"
    OTHER = "other"
    UNKNOWN = "unknown"


def read_ack(commitment: bytes | None, *, ics20: bool) -> Ack:
    """Tell success from error by the stored hash; only ICS-20 has one known success."""
    if commitment is None:
        return Ack.NONE
    if commitment == SUCCESS_ACK_HASH:
        return Ack.SUCCESS
    return Ack.ERROR if ics20 else Ack.OTHER


def fate_of(before: PacketClass, *, committed: bool | None, received: bool | None, ack: Ack) -> Fate:
    """The total table of fates; None is a side that can't be read.

    | commitment on the source | received | acknowledgement | class before | fate |
    |---|---|---|---|---|
    | a side can't be read | | | | `unknown` |
    | gone | - | - | `ack_missing`, `async_ack` | `acknowledged` |
    | gone | yes | error | other | `delivered_with_error` |
    | gone | yes | success, other, none | other | `delivered` |
    | gone | no | - | other | `returned_to_sender` |
    | there | yes | - | `ack_missing`, `async_ack` | `still_pending` |
    | there | yes | none | other | `delivered_ack_open` |
    | there | yes | error | other | `delivered_with_error` |
    | there | yes | success, other | other | `delivered` |
    | there | no | - | - | `still_pending` |

    Gone and received without a readable acknowledgement is `delivered`: an ordered channel on an
    old ibc-go may have pruned it.  Whether the sender's side knows is `acknowledged` = gone.
    """
    if committed is None or received is None:
        return Fate.UNKNOWN
    if before in {PacketClass.ACK_MISSING, PacketClass.ASYNC_ACK}:
        return Fate.STILL_PENDING if committed else Fate.ACKNOWLEDGED
    if not received:
        return Fate.STILL_PENDING if committed else Fate.RETURNED_TO_SENDER
    if ack is Ack.ERROR:
        return Fate.DELIVERED_WITH_ERROR
    if committed and ack is Ack.NONE:
        return Fate.DELIVERED_ACK_OPEN
    return Fate.DELIVERED


def deciding_steps(before: PacketClass) -> tuple[RelayStep, ...]:
    """The steps whose doer ended the wait of a packet of this class, the likelier first."""
    if before in RETURNING:
        return (RelayStep.TIMEOUT, RelayStep.RECV)
    if before in {PacketClass.ACK_MISSING, PacketClass.ASYNC_ACK}:
        return (RelayStep.ACK,)
    return (RelayStep.RECV, RelayStep.TIMEOUT)


def doer_of(before: PacketClass, txs: Iterable[RelayTx], ours: Mapping[str, AbstractSet[str]]) -> Doer:
    """Who ended the wait: `us` when the deciding transaction was signed by one of our addresses.

    `ours` maps chain id to addresses.  Without a deciding transaction found it stays `unknown`:
    an index that shows nothing proves nothing.
    """
    found = {tx.step: tx for tx in txs}
    for step in deciding_steps(before):
        tx = found.get(step)
        if tx is not None:
            return Doer.US if tx.relayer in ours.get(tx.chain, ()) else Doer.OTHER
    return Doer.UNKNOWN
