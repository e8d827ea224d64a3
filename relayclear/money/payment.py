"""A payment: coins that reached the payee once, who sent them, and whether they may go back there."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.coin import Coin


class PaymentId(NamedTuple):
    """What names a payment for ever: the `k`-th `coin_received` of the payee in a transaction, and the denom.

    Not the index of the message, which older chains don't tell, nor one among all events, which a
    patch release of a chain may shift.
    """

    chain: str
    tx: str
    k: int
    denom: str


class Arrival(StrEnum):
    """How coins came."""

    SEND = "send"
    MULTI_SEND = "multi_send"
    EXEC = "exec"
    CONTRACT = "contract"
    MODULE = "module"
    INTERCHAIN_ACCOUNT = "interchain_account"
    IBC = "ibc"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Payment:
    """One arrival of coins; `at` is its block's time on the paying chain.

    `sender` is whose coins they were: the signer of a send (not who paid its fee), the one input of
    a multi-send, the granter of an authz exec, the contract, the packet's sender of an IBC transfer
    (an address of another chain).  `inputs` counts a multi-send's; `channel` is where an IBC
    transfer arrived.  `assigned`: the operator gave an orphan to the token by hand.  Raises
    ValueError for a negative amount and for a time without a zone.
    """

    id: PaymentId
    amount: int
    height: int
    at: datetime
    sender: str | None
    arrival: Arrival = Arrival.SEND
    inputs: int = 1
    channel: str | None = None
    assigned: bool = False

    def __post_init__(self) -> None:
        """Refuse what no chain says."""
        if self.amount < 0 or self.at.tzinfo is None:
            raise ValueError("a payment has an amount of zero or more and a time in UTC")

    @property
    def coin(self) -> Coin:
        """What came."""
        return Coin(self.id.denom, self.amount)

    @property
    def may_refund_to(self) -> str | None:
        """The address on the paying chain that coins may go back to unasked, None where a claim must name one.

        | arrival | inputs | may go back to |
        |---|---|---|
        | `send` | 1 | the sender, a multisig or vesting account too |
        | `exec` | 1 | the granter |
        | `multi_send` | 1 | the one input |
        | `multi_send` | several | nobody: whose coins they were can't be told |
        | `contract`, `module`, `interchain_account` | - | nobody: it may have no way to take or pass them on |
        | `ibc` | - | nobody: the sender lives on another chain |
        | `unknown` | - | nobody |
        """
        signed = self.arrival in {Arrival.SEND, Arrival.EXEC, Arrival.MULTI_SEND}
        return self.sender if signed and self.inputs == 1 else None


def is_our_own(payment: Payment, wallets: AbstractSet[str]) -> bool:
    """Whether coins only came back from accounts of ours on that chain: it is no payment then.

    A refund over IBC that bounced isn't among these: its sender is a module, and it is matched by
    packet sequence.
    """
    return payment.arrival is not Arrival.IBC and payment.sender in wallets
