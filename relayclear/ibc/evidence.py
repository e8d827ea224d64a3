"""What a chain shows of a transaction that somebody names: evidence for or against a claim."""

from __future__ import annotations

from typing import NamedTuple

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.readings import RelayStep


class StepClaim(NamedTuple):
    """The claim that a transaction did one step of a packet, at a height of the chain that it stands on.

    `destination` is the end that the packet was sent to; `hash` is upper-case hex.
    """

    key: PacketKey
    destination: ChannelEnd
    step: RelayStep
    hash: str
    height: int

    @property
    def chain(self) -> str:
        """The chain that the step happens on: a delivery on the receiving one, the others on the sending one."""
        return self.destination.chain if self.step is RelayStep.RECV else self.key.chain


class StepEvidence(NamedTuple):
    """The transaction as it stands in a block.

    `code` is 0 for success; `did_step` tells whether its events hold the step of the packet; `relayer` is the signer
    of the message that did it, empty where none did; `commitment` is the hash of the packet in that message, which
    the chain checked against the other chain's store.
    """

    height: int
    code: int
    did_step: bool
    relayer: str
    commitment: bytes | None
