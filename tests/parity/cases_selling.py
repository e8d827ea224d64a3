"""What relayclear makes of payments: sold, paid in every way, cleared; and of coins that nobody asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.localnet.channels import Channel
from tests.localnet.commands import Outcome, Relayclear
from tests.localnet.node import ALPHA
from tests.localnet.rpc import attributes
from tests.parity import wires
from tests.parity.normal import without
from tests.parity.registry import case
from tests.parity.side import Purse, Side, outcome

# How far the reading is just now, and which of the shared channel's packets it is.
_MOMENT = (
    "sequence",
    "read_through",
    "read_height",
    "task",
    "standing",
    "held_since",
    "through",
    "through_time",
    "first_seen",
    "for_payer",
)


def market(side: Side) -> Channel:
    """The channel whose packets are sold, all cases' together."""
    return side.fresh_channel()


@dataclass
class Sale:
    """A shop with a token for one packet that nobody relays, and a wallet that pays it."""

    side: Side
    purse: Purse
    shop: Relayclear
    sequence: str
    token: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, side: Side, folder: Path | None = None, **settings: Any) -> Self:
        """Send a packet that nobody relays, and sell its clearing."""
        channel, purse = side.scene(market), side.purse()
        sent = side.commit(ALPHA, purse, wires.transfer(purse.address, channel.alpha, wires.STRANGER))
        [sequence] = attributes(sent["tx_result"], "send_packet", "packet_sequence")
        made = cls(side, purse, side.relayclear(folder or side.new_folder(), sells=True, **settings), sequence)
        where = ("--chain", ALPHA, "--channel", channel.alpha.channel, "--packet-sequences", sequence)
        made.token = made.shop.run("tokens", "create", *where).document
        return made

    def pay(self, amount: int, denom: str = "stake", memo: str | None = None) -> None:
        """Send coins to the payee, with the token's memo unless said."""
        to = self.side.addresses[ALPHA][self.shop.payee]
        message = wires.send(self.purse.address, to, wires.coin(amount, denom))
        self.side.commit(ALPHA, self.purse, message, memo=self.token["memo"] if memo is None else memo)
        self.side.next_block(ALPHA)

    @property
    def price(self) -> int:
        """What it costs, in stake."""
        return int(self.token["pay"]["amount"]["amount"])

    def said(self, *argv: str) -> Any:
        """What a command of the shop says."""
        return _settled(self.shop.run(*argv))

    def cleared(self) -> Any:
        """The work, carried out; what it and the token's page say."""
        ran = self.said("clear", "--token", self.token["memo"], "--wait", "--yes")
        return {"clear": ran, "show": self.said("tokens", "show", self.token["memo"])}


def _settled(done: Outcome) -> Any:
    # Fees are told with the operation, which counts its run; what is left are the shop's own sums.
    return without(outcome(done), "operation", *_MOMENT)


@case
def quote_of_a_stuck_packet(side: Side) -> Any:
    sale = Sale.of(side)
    return without(sale.token, *_MOMENT)


@case
def token_paid_exactly(side: Side) -> Any:
    sale = Sale.of(side)
    sale.pay(sale.price)
    return sale.cleared()


@case
def token_paid_twice_over(side: Side) -> Any:
    sale = Sale.of(side)
    sale.pay(2 * sale.price)
    return sale.cleared()


@case
def token_paid_with_a_memo_in_capitals_and_a_space(side: Side) -> Any:
    sale = Sale.of(side)
    sale.pay(sale.price, memo=sale.token["memo"].upper() + " ")
    return sale.cleared()


@case
def token_paid_half(side: Side) -> Any:
    sale = Sale.of(side)
    sale.pay(sale.price // 2)
    return {
        "watch": sale.shop.run("watch", "--once", as_json=False).code,
        "clear": sale.said("clear", "--token", sale.token["memo"], "--yes"),
        "show": sale.said("tokens", "show", sale.token["memo"]),
    }


@case
def coins_without_a_memo_are_nobodys(side: Side) -> Any:
    sale = Sale.of(side)
    sale.pay(777, memo="")
    once = sale.shop.run("watch", "--once", as_json=False).code
    [mine] = [
        row
        for row in sale.shop.run("payments", "list", "--orphans").document["payments"]
        if row["from"] == sale.purse.address
    ]
    return {"watch": once, "orphan": without(mine, *_MOMENT)}
