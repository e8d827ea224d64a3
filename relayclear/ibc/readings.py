"""What was read from a chain at one moment, with the height it was read at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block of a node.  `at` is the block's own time; `node_time` the node's clock."""

    chain: str
    height: int
    at: datetime
    catching_up: bool
    tx_index: bool
    comet_version: str
    endpoint: str
    node_time: datetime | None = None
    earliest_height: int = 1


@dataclass(frozen=True, slots=True)
class EndpointUse:
    """What this process asked of an endpoint so far, and how that went; `name` is without credentials.

    `seconds` is the time of all `requests` together, `latest` of the newest that was answered.
    `fit` is None where it was never asked; `error` says why it can't be used.
    """

    name: str
    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    latest: float | None = None
    fit: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Commitments:
    """Packets a channel end has sent and not yet seen finished: sequence -> 32-byte commitment."""

    height: int
    by_sequence: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Reception:
    """What the receiving end knows of the asked sequences.

    `unreceived` holds those never delivered; `acknowledgements` maps delivered ones to the hash of
    the acknowledgement written for them.  Delivered without an entry: none written yet.
    """

    height: int
    unreceived: frozenset[int]
    acknowledgements: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class ReceptionQuestion:
    """Which sequences to ask the receiving end about; ordered channels are asked differently."""

    end: ChannelEnd
    sequences: tuple[int, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """An account's number and sequence on its chain."""

    address: str
    number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Balances:
    """What an address held after a height: denom -> amount; a denom that isn't there is 0."""

    height: int
    by_denom: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GasPrice:
    """What one unit of gas costs at least, exactly, in base units of the denom."""

    denom: str
    price: Decimal


class RelayStep(StrEnum):
    """The three things that a relayer's transaction can do to a packet."""

    RECV = "recv"
    ACK = "ack"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class RelayTx:
    """A transaction that moved a packet one step, and who signed it.

    `relayer` is the signer of the message itself, not the fee payer.  `ack` holds the raw
    acknowledgement where the transaction wrote one.
    """

    chain: str
    step: RelayStep
    hash: str
    height: int
    at: datetime | None
    relayer: str
    fee: tuple[Coin, ...]
    gas_used: int
    ack: bytes | None = None


@dataclass(frozen=True, slots=True)
class RelayRules:
    """What the operator's Hermes will refuse to relay.

    `excluded` is keyed by the channel id on the chain the rules belong to; limits are in bytes,
    None where the check is off.
    """

    excluded: Mapping[str, SequenceRanges]
    max_memo: int | None
    max_receiver: int | None


@dataclass(frozen=True, slots=True)
class RelayQuestion:
    """Ask which transactions did `step` to the packets `sequences` sent by `source`.

    `destination` tells apart, on the receiving chain, two senders whose channels have the same id.
    """

    source: ChannelEnd
    step: RelayStep
    sequences: tuple[int, ...]
    destination: ChannelEnd | None = None

    def keys(self) -> tuple[PacketKey, ...]:
        """The packets asked about."""
        return tuple(PacketKey(*self.source, sequence) for sequence in self.sequences)
