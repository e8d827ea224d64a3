"""A till whose payers come over IBC, and sign where their coins should go back to."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.money.adr36 import sign_doc
from relayclear.money.claims import Role
from relayclear.money.token import ClearingToken
from relayclear.rehearsal.keys import Key
from relayclear.store import signings
from relayclear.store.claims import Claim, ClaimText
from relayclear.usecases.refund_claims import ask_claim, claim
from relayclear.usecases.refund_dues import OwedRefund
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver

BETA = "beta-1"
WEEK = 7 * 86_400


def signed(text: str, name: str, chain: str = BETA, *, forged: Callable[[bytes], bytes] = lambda one: one) -> str:
    """What the wallet of a name gives for a text; `forged` touches the 64 bytes."""
    key = Key.of_name(name)
    signature = forged(key.sign(sign_doc(address(name, chain), text.encode())))
    encoded = [base64.b64encode(part).decode() for part in (key.public, signature)]
    return json.dumps({"pub_key": {"type": "tendermint/PubKeySecp256k1", "value": encoded[0]}, "signature": encoded[1]})


class Claimer(Giver):
    """A `Giver` that is paid over IBC in the denom of its price: coins of alpha-1 that were on beta-1."""

    def pay_from_beta(self, token: ClearingToken, amount: int, who: str = "alice") -> None:
        """Coins that went to beta-1 come back to the payee, with the token's memo in the packet."""
        world = self.rig.world
        out = world.send(
            self.rig.source, coin=Coin("stake", amount), sender=address(who, ALPHA), receiver=address(who, BETA)
        )
        assert world.relay(out) == ["recv", "ack"]
        world.fund(BETA, address(who, BETA), "ubeta")
        home = world.send(
            self.rig.far,
            coin=Coin(f"transfer/{self.rig.far.channel}/stake", amount),
            sender=address(who, BETA),
            receiver=self.payee,
            memo=token.memo,
        )
        assert world.relay(home) == ["recv", "ack"]

    def underpaid(self, amount: int = 50_000, who: str = "alice") -> OwedRefund:
        """What is owed of a token that was underpaid over IBC and has expired."""
        token = self.quote(self.rig.stuck())
        self.pay_from_beta(token, amount, who)
        self.expire(token)
        (owed,) = self.owed()
        return owed

    def underpaid_here(self, who: str = "alice", **wanted: Any) -> OwedRefund:
        """The same, paid on alpha-1 by an account that may simply have it back."""
        token = self.quote(self.rig.stuck(), **wanted)
        self.pay(token, 50_000, who)
        self.expire(token)
        (owed,) = self.owed()
        return owed

    def asked(self, refund: str, to: str, to_chain: str = "") -> ClaimText:
        """The text for a payer."""
        return ask_claim(self.desk, refund, to, to_chain).text

    def claimed(self, refund: str, to: str, to_chain: str = "", who: str = "alice", at: str = BETA) -> Claim:
        """A payer names an address, and signs."""
        text = self.asked(refund, to, to_chain)
        return self.take(text, who, at)

    def take(self, text: ClaimText, who: str = "alice", at: str = BETA) -> Claim:
        """A signature comes back."""
        return claim(self.desk, text.terms.refund, text.terms.nonce, signed(text.text, who, at), "ada")

    def packet(self) -> PacketKey:
        """The packet of the last refund that was sent over IBC."""
        found = signings.last_use(self.rig.journal.database, ALPHA, self.payee)
        assert found is not None
        (key,) = found.packets
        return key

    def role_of(self, refund: str) -> Role | None:
        """Whose claim counts for what is owed."""
        (owed,) = [one for one in self.owed() if one.id == refund]
        return owed.claim.role if owed.claim else None
