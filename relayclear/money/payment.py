"""A payment: coins that reached the payee once, who sent them, and whether they may go back there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.arrivals import ArrivalKind
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


@dataclass(frozen=True, slots=True)
class Payment:
    """One arrival of coins; `at` is its block's time on the paying chain.

    `sender` is whose coins they were: the signer of a send (not who paid its fee), the one input of
    a multi-send, the granter of an authz exec, the contract, the packet's sender of an IBC transfer
    (an address of another chain).  `signed`: that is an account with a key, which moved the coins
    itself or granted it.  `inputs` counts a multi-send's; `channel` is where an IBC transfer arrived.
    `assigned`: the operator gave an orphan to the token by hand.  Raises ValueError for a negative
    amount and for a time without a zone.
    """

    id: PaymentId
    amount: int
    height: int
    at: datetime
    sender: str | None
    kind: ArrivalKind = ArrivalKind.SEND
    signed: bool = True
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

        | kind | signed | inputs | may go back to |
        |---|---|---|---|
        | `send`, `exec`, `multi_send` | yes | 1 | the sender, granter or one input; a multisig or vesting account too |
        | `send`, `exec`, `multi_send` | yes | several | nobody: whose coins they were can't be told |
        | `send`, `exec`, `multi_send` | no | - | nobody: a module or interchain account may not be able to take them |
        | `contract` | - | - | nobody: it may have no way to pass them on |
        | `ibc` | - | - | nobody: the sender lives on another chain |
        | `returned`, `other` | - | - | nobody |
        """
        moved = self.kind in {ArrivalKind.SEND, ArrivalKind.EXEC, ArrivalKind.MULTI_SEND}
        return self.sender if moved and self.signed and self.inputs == 1 else None
