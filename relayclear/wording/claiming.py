"""Sentences about claims: how a payer signs where a refund should go, and what came of it."""

from __future__ import annotations

import json

from relayclear.money.claims import Refusal, Role
from relayclear.store.claims import Claim, ClaimText
from relayclear.usecases.claimants import Claimant

ROLES = {
    Role.PAYER: "the account that paid",
    Role.PACKET: "the account that sent the packets",
}

LATER = {
    None: "",
    Refusal.CLAIMED: ", but another claim came first",
    Refusal.PAYER_CAN_SIGN: ", but only the account that paid may",
    Refusal.ASSIGNED: ", but the payment was assigned by hand, so only the account that paid may",
    Refusal.ADDRESS_KNOWN: ", but the refund goes somewhere already",
    Refusal.TOO_EARLY: ", but only seven days after the refund became due",
}

HOW = (
    "The text has to be signed as it stands above, to the letter. With Keplr or Leap: open any page that the wallet is "
    "connected to, paste this into the browser's console, and save what it gives, without the quotes around it, as "
    "answer.json:"
)
BACK = "Then bring the answer back:"
# What the payer should know before signing: a signature that moves nothing else.
HARMLESS = "Signing costs nothing and moves no other coins: this is no transaction, and no chain can take it."


def signer_line(one: Claimant) -> str:
    """Who may sign, and why not yet."""
    return f"{ROLES[one.role]}, {one.address} on {one.chain}{LATER[one.why_not]}"


def keplr_call(text: ClaimText, one: Claimant) -> str:
    """What a payer pastes into a browser's console."""
    said = ", ".join(json.dumps(part) for part in (one.chain, one.address, text.text))
    return f"JSON.stringify(await keplr.signArbitrary({said}))"


def answer_command(text: ClaimText) -> str:
    """How the signature is brought back."""
    terms = text.terms
    return f"relayclear refunds claim {terms.refund} --nonce {terms.nonce} --signature answer.json"


def way_line(text: ClaimText) -> str:
    """Where the coins would go, and over what."""
    terms = text.terms
    over = f", over {text.over}" if text.over is not None else ""
    return f"{terms.to} on {terms.to_chain}{over}"


def claimed_lines(claim: Claim, *, wait: str) -> list[str]:
    """What a claim has come to: where the refund goes, who says so, what comes next; `wait` is why it waits, if so."""
    asked = claim.text.terms.refund
    lines = [f"refund {claim.refund} goes to {way_line(claim.text)}"]
    if claim.refund != asked:
        lines.append(f"refund {asked} was approved for another address: it is taken back, and this one takes its place")
    lines.append(f"{ROLES[claim.role]} says so: {claim.signer}")
    if wait:
        lines.append(f"it waits for a person ({wait}): relayclear refunds approve {claim.refund}")
    return lines
