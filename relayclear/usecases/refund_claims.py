"""Claims: asking a payer where a refund should go, and taking the signed answer (`money.md` 7).

Nothing is asked of a network: a signature is checked against the accounts as Hermes' config describes them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from relayclear.errors import ConfigError, RefusedError, UsageError
from relayclear.ibc.address import read_address, same_account
from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.text import clean
from relayclear.money.adr36 import ArbitrarySignature, SignatureFault, fault_of, read_signature
from relayclear.money.claims import ClaimTerms, Refusal, Role, claim_text
from relayclear.money.refund_state import Said
from relayclear.money.refunds import refund_id
from relayclear.store import claims, history, refunds
from relayclear.store.claims import Claim, ClaimText
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.identity import instance_id
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund, SaidOf
from relayclear.usecases.claimants import Claimant, Moving, claimants, moving
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.refund_acts import require_refund
from relayclear.usecases.refund_dues import OwedRefund, list_owed, next_number, owed_again
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.tokens_view import revoked_keys

_NONCE_BYTES = 16
_MAY_SIGN = {None, Refusal.TOO_EARLY}
_FAULTS = {
    SignatureFault.PUBLIC_KEY: "its public key is none",
    SignatureFault.FORM: "it has not the form that chains take",
    SignatureFault.PREFIX: "the account it should be of has another prefix by Hermes' config",
    SignatureFault.ACCOUNT: "its key is of none of the accounts that may claim",
    SignatureFault.SIGNATURE: "it is not under this very text: sign exactly what was printed",
}
_REFUSALS = {
    Refusal.CLAIMED: "another claim came first, and it stands; this one is kept for whoever approves to see",
    Refusal.PAYER_CAN_SIGN: "only the paying account may claim this refund",
    Refusal.ASSIGNED: "the payment was assigned by hand: only the paying account may claim it",
    Refusal.ADDRESS_KNOWN: "the refund goes somewhere already, and only the paying account may change that",
    Refusal.TOO_EARLY: "the packets' account may claim seven days after the refund became due",
}


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """A text to be signed, and the accounts that may sign it, some of them only later."""

    text: ClaimText
    signers: tuple[Claimant, ...]


def ask_claim(desk: Desk, name: str, to: str, to_chain: str = "", once: Once = ANEW) -> AskedClaim:
    """Make and keep the text that says that a refund goes to an address.

    `to_chain` is the paying chain, or the one that the payment came from over IBC; empty: the paying
    one.  Raises UsageError for an unknown refund and an address that can't be, ConfigError for a chain
    of which nothing is known, RefusedError for a refund that nobody may send elsewhere (any more).
    """
    seen, now = require_refund(desk, name), desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        found = _movable(desk, tx, seen)
        chain = to_chain or found.stored.arrival.chain
        over = _over(found.stored, chain)
        _refuse_address(desk, found.stored, chain, to)
        signers = tuple(one for one in claimants(desk, tx, found) if one.why_not in _MAY_SIGN)
        if not signers:
            raise _nobody(desk, tx, found)
        paid_on, nonce = found.stored.arrival.chain, secrets.token_hex(_NONCE_BYTES)
        terms = ClaimTerms(found.id, found.net, paid_on, chain, to, instance_id(tx), nonce)
        text = ClaimText(terms, over, claim_text(terms), now)
        claims.add_text(tx, text)
        done = AskedClaim(text, signers)
        once.keep(tx, done, now)
        return done


def claim(desk: Desk, name: str, nonce: str, signature: str, who: str, once: Once = ANEW) -> Claim:
    """Take a signed text: the refund goes where it says from now on.  The same signature again changes nothing.

    A refund that was approved and not signed is taken back, and owed again as the next one of its
    payment.  Raises UsageError for an unknown refund or text and for what is no signature, RefusedError
    for a signature that doesn't count, for a text whose refund has changed, and where another claim
    came first: that one is kept all the same.
    """
    given = _signature(signature)
    database = desk.journal.database
    known = claims.of_nonce(database, nonce.strip())
    seen = require_refund(desk, name) if known is None else None
    with database.atomic() as tx:
        once.begin(tx)
        known = claims.of_nonce(tx, nonce.strip())
        if known is not None:
            done = _known(known, name, given)
        else:
            done = _take(desk, tx, seen or require_refund(desk, name), nonce.strip(), given, who)
        first = claims.standing(tx, done.refund, done.text.terms.coin)
        late = first is not None and first.text.terms.nonce != done.text.terms.nonce
        if not late:
            once.keep(tx, done, desk.clock.now())
    if late:
        raise _refused(Refusal.CLAIMED, done.refund)
    return done


def claims_of(desk: Desk, refund: str) -> list[Claim]:
    """All claims of a refund as they came: the first for its amount counts, the others are there to be looked at."""
    return claims.of_refund(desk.journal.database, refund)


def _known(known: Claim, name: str, given: ArbitrarySignature) -> Claim:
    """A text that was signed before: the same signature for the same refund asks for nothing new."""
    start = name.strip().lower()
    of_it = {known.refund, known.text.terms.refund}
    if known.signature == given and start and any(one.startswith(start) for one in of_it):
        return known
    raise RefusedError("this text was signed before: each is good once", hint=_ask(known.refund), code="nonce_used")


def _take(
    desk: Desk, tx: Transaction, seen: OwedRefund | Refund, nonce: str, given: ArbitrarySignature, who: str
) -> Claim:
    """Check a signature of a text, and keep it as a claim, a later one too."""
    text = claims.text_of(tx, nonce)
    if text is None or text.terms.refund != seen.id:
        raise UsageError(f"no text with this nonce was made for refund {seen.id}", hint=_ask(seen.id), code="no_text")
    found = _movable(desk, tx, seen)
    if found.net != text.terms.coin:
        raise _changed(found.id)
    signer = _signer(desk, tx, found, text, given)
    if signer.why_not not in {None, Refusal.CLAIMED}:
        raise _refused(signer.why_not, found.id)
    now = desk.clock.now()
    moved = _freed(desk, tx, found, text, who) if signer.why_not is None else found.id
    done = Claim(moved, text, signer.address, signer.role, given, who, now)
    claims.add(tx, done)
    what = "refund_claimed" if signer.why_not is None else "refund_claimed_late"
    terms = text.terms
    detail = {"role": signer.role.value, "signer": signer.address, "to_chain": terms.to_chain, "nonce": nonce}
    history.add(tx, Event(now, who, what, found.order_id, None, terms.to, f"refund {moved}", detail))
    return done


def _movable(desk: Desk, tx: Transaction, seen: OwedRefund | Refund) -> Moving:
    """A refund as it stands now.  Raises RefusedError where what it is can't be changed (any more)."""
    again = refunds.get(tx, seen.id) or (owed_again(desk, tx, seen) if isinstance(seen, OwedRefund) else None)
    if again is None:
        raise _changed(seen.id)
    return moving(tx, again)


def _freed(desk: Desk, tx: Transaction, found: Moving, text: ClaimText, who: str) -> str:
    """The id of the refund that goes to the new address.

    What was approved says for ever where it goes, so it is taken back, and the next one of the payment is owed.
    """
    if not found.decided:
        return found.id
    now = desk.clock.now()
    refunds.say(tx, found.id, SaidOf(Said.WITHDRAWN, who, "its payer claimed it for another address", now))
    history.add(tx, Event(now, who, "refund_withdrawn", found.order_id, subject=f"refund {found.id}"))
    restate(tx, found.order_id, now, revoked_keys(desk))
    following = refund_id(found.stored.id, next_number(refunds.of_payment(tx, found.stored.id)))
    owed = next((one for one in list_owed(desk, tx, order_id=found.order_id) if one.id == following), None)
    if owed is None or owed.due.net != text.terms.coin:
        raise _changed(found.id)
    return following


# Whose signature it is


def _signature(text: str) -> ArbitrarySignature:
    try:
        return read_signature(text)
    except ValueError as error:
        raise UsageError(
            str(error), hint='what signArbitrary gives: {"pub_key": …, "signature": …}', code="no_signature"
        ) from None


def _signer(desk: Desk, reads: Reads, found: Moving, text: ClaimText, given: ArbitrarySignature) -> Claimant:
    """The account whose key signed the text; how it signs is for the config to say, never for the signature."""
    faults = []
    for one in claimants(desk, reads, found):
        account = desk.accounts[one.chain]
        fault = fault_of(given, one.address, account.prefix, text.text.encode(), account.kind)
        if fault is None:
            return one
        faults.append(fault)
    if not faults:
        raise _nobody(desk, reads, found)
    # That the key is another's is true of all accounts but one: what else is wrong says more.
    fault = next((one for one in faults if one is not SignatureFault.ACCOUNT), SignatureFault.ACCOUNT)
    raise RefusedError(
        f"the signature doesn't count: {_FAULTS[fault]}", hint=_ask(found.id), code=f"signature_{fault.value}"
    )


# Where it may go


def _over(stored: StoredPayment, chain: str) -> ChannelEnd | None:
    """Our end of the channel that the coins came over, None on the paying chain itself."""
    came = stored.arrival
    if chain == came.chain:
        return None
    back = came.packet.chain if came.kind is ArrivalKind.IBC and came.packet is not None else ""
    if chain == back and came.channel is not None:
        return came.channel
    raise UsageError(
        f"the coins can go back on {came.chain}" + (f", or on {back} where they came from" if back else " alone"),
        hint=f"--to-chain {back or came.chain}",
        code="bad_to_chain",
    )


def _refuse_address(desk: Desk, stored: StoredPayment, chain: str, to: str) -> None:
    account = desk.accounts.get(chain)
    if account is None:
        raise ConfigError(
            f"no Hermes config has {chain}: nobody can tell what its addresses are like",
            hint="let the payer name an address on the chain where it was paid",
            code="unknown_accounts",
        )
    found = read_address(to)
    if found is None or found.prefix != account.prefix or to != to.lower():
        raise UsageError(
            f"{clean(to, 90)!r} is no address of {chain} ({account.prefix}1…)",
            hint="copy it out of the payer's wallet",
            code="bad_address",
        )
    if chain == stored.arrival.chain and same_account(to, stored.payee):
        raise UsageError(f"{to} is the account that was paid", hint="name the payer's own address", code="bad_address")


# What is refused


def _ask(refund: str) -> str:
    return f"relayclear refunds claim {refund} --to ADDRESS"


def _changed(refund: str) -> RefusedError:
    return RefusedError(f"what is owed by refund {refund} has changed", hint=_ask(refund), code="changed")


def _refused(why: Refusal, refund: str) -> RefusedError:
    return RefusedError(_REFUSALS[why], hint=f"relayclear refunds show {refund}", code=f"claim_{why.value}")


def _nobody(desk: Desk, reads: Reads, found: Moving) -> RefusedError:
    """Why no account at all may claim: the paying account's reason, where it has one."""
    there = claimants(desk, reads, found)
    why = next((one.why_not for one in sorted(there, key=lambda one: one.role is Role.PACKET) if one.why_not), None)
    if why is not None:
        return _refused(why, found.id)
    return RefusedError(
        "no account is known whose signature could be checked: the chain doesn't tell who paid, or no Hermes config "
        "has the payer's chain",
        hint="relayclear refunds show " + found.id,
        code="nobody_can_claim",
    )
