"""Rows of tokens for `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relayclear.cli.output import rfc3339
from relayclear.cli.rows import coin_row, key_row, operation_row
from relayclear.ibc.coin import Coin
from relayclear.money.document import SignedQuote, fingerprint, terms_of
from relayclear.money.token import ClearingToken
from relayclear.usecases.quote_values import Issued, PayerCheck
from relayclear.wording.offering import gas_basis, note_line, pay_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relayclear.money.refunds import RefundDue
    from relayclear.money.settlement import AppliedPayment
    from relayclear.store.payments import StoredPayment
    from relayclear.usecases.refund_view import RefundView
    from relayclear.usecases.tokens_view import TokenView


def terms_row(token: ClearingToken) -> dict[str, Any]:
    """What was sold: price, breakdown, packets with their shares."""
    quote = token.quote
    return {
        "pay": {"chain": quote.chain, "to": token.payee, "amount": coin_row(token.price)},
        "breakdown": {
            "service_fee": coin_row(Coin(quote.denom, quote.service_fee)),
            "packet_fee": coin_row(Coin(quote.denom, quote.packet_fee)),
            "packets": len(quote.packets),
            "gas": coin_row(Coin(quote.denom, quote.gas_fee)),
            "gas_basis": gas_basis(quote.gas_basis),
            "waived": quote.waived,
        },
        "refund_fee": coin_row(Coin(quote.denom, quote.refund_fee(quote.denom) or 0)),
        "expires_at": rfc3339(token.expires_at),
        "deadline_after_payment_seconds": token.deadline,
        "packets": [
            {
                **key_row(term.key),
                "share": coin_row(Coin(quote.denom, term.share)),
                "expected": term.expected.value,
                "otherwise": term.otherwise.value if term.otherwise else None,
            }
            for term in quote.packets
        ],
    }


def issued_row(issued: Issued, for_payer: str) -> dict[str, Any]:
    """A new token, with what the operator and the payer are told."""
    token = issued.token
    return {
        "token": token.memo,
        "memo": token.memo,
        # A clearing for nothing has no price to wait for.
        "state": "open" if token.price.amount else "paid",
        **terms_row(token),
        "for_payer": for_payer,
        "pay_command": pay_command(token, issued.sold),
        "notes": [
            {"code": note.code.value, "sequences": list(note.sequences), "message": note_line(note)}
            for note in issued.notes
        ],
        "payer": payer_row(issued.payer),
    }


def payer_row(check: PayerCheck | None) -> dict[str, Any] | None:
    """Whether an account can pay."""
    if check is None:
        return None
    return {
        "address": check.address,
        "can_pay": not check.missing,
        "balance": coin_row(check.balance),
        "gas": coin_row(check.gas),
        "missing": [coin_row(coin) for coin in check.missing],
    }


def token_row(view: TokenView) -> dict[str, Any]:
    """A token of a list."""
    token = view.token
    return {
        "token": token.memo,
        "state": view.state.value,
        "flaws": [flaw.value for flaw in view.flaws],
        "chain": token.quote.chain,
        "price": coin_row(token.price),
        "packets": [key_row(term.key) for term in token.quote.packets],
        "wallet": view.stored.wallet or None,
        "made_at": rfc3339(view.stored.made_at),
        "expires_at": rfc3339(token.expires_at),
        "operation": view.operation.id if view.operation else None,
    }


def view_row(
    view: TokenView, for_payer: str, sentences: list[str], refunds: Iterable[RefundView] = ()
) -> dict[str, Any]:
    """A token with everything that is known of it; `refunds` are those decided of its payments."""
    token, settlement, revocation = view.token, view.settlement, view.stored.revocation
    terms = terms_row(token)
    for row, term in zip(terms["packets"], token.quote.packets, strict=True):
        verdict = view.verdicts.get(term.key)
        row["result"] = verdict.result.value if verdict else None
        row["reason"] = verdict.reason.value if verdict else None
        after = view.results.get(term.key)
        row["fate"] = after.fate.value if after else None
    revoked = None
    if revocation is not None:
        revoked = {"at": rfc3339(revocation.at), "who": revocation.who, "reason": revocation.why}
    return {
        "token": token.memo,
        "memo": token.memo,
        **terms,
        "state": view.state.value,
        "flaws": [flaw.value for flaw in view.flaws],
        "sentences": sentences,
        "revoked": revoked,
        "key_revoked": view.key_revoked,
        "refund_to": token.refund_to,
        "read_through": rfc3339(view.scanned_through),
        "read_height": view.scanned_height,
        "credited_at": rfc3339(settlement.credited_at),
        "deadline_at": rfc3339(settlement.deadline),
        "paid": coin_row(settlement.paid),
        "missing": coin_row(settlement.missing),
        "excess": coin_row(settlement.excess),
        "payments": payment_rows(view),
        "operation": operation_row(view.operation) if view.operation else None,
        "owed_back": [owed_row(due) for due in view.owed],
        "refunds": [refund_row(refund) for refund in refunds],
        "for_payer": for_payer,
        "pay_command": pay_command(token, view.sold),
    }


def payment_rows(view: TokenView) -> list[dict[str, Any]]:
    """The payments of a token, in the order of their arrival."""
    arrived = {stored.id: stored for stored in view.arrivals}
    return [_payment_row(paid, arrived[paid.payment.id]) for paid in view.settlement.payments]


def _payment_row(paid: AppliedPayment, stored: StoredPayment) -> dict[str, Any]:
    from relayclear.money.settlement import Flaw

    payment = paid.payment
    return {
        "chain": payment.id.chain,
        "tx_hash": payment.id.tx,
        "ordinal": payment.id.k,
        "amount": coin_row(payment.coin),
        "height": payment.height,
        "at": rfc3339(payment.at),
        "from": payment.sender,
        "arrived_by": stored.arrival.kind.value,
        "applied": coin_row(Coin(payment.id.denom, paid.applied)),
        "flaws": [flaw.value for flaw in Flaw if flaw in paid.flaws],
        "matched_by": stored.match.how.value if stored.match else None,
    }


def refund_row(view: RefundView) -> dict[str, Any]:
    """A refund beside its token."""
    return {
        "id": view.id,
        "state": view.state.value,
        "amount": coin_row(view.net),
        "to": view.to,
        "tx_hash": view.tx_hash,
    }


def owed_row(due: RefundDue) -> dict[str, Any]:
    """What is owed back of one payment; `to` is null where a claim must name the address."""
    return {
        "to": due.to,
        "amount": coin_row(due.net),
        "cause": due.cause.value,
        "fee_kept": coin_row(Coin(due.payment.denom, due.fee)),
        "payment": due.payment.tx,
        "needs_approval": sorted(need.value for need in due.approve),
    }


def verified_row(signed: SignedQuote, *, known: bool, over: bool) -> dict[str, Any]:
    """A checked quote: what it says, who signed it, and whether the time to pay is over."""
    return {
        "valid": True,
        "expired": over,
        "signer": "known" if known else "not_known",
        "fingerprint": fingerprint(signed.public_key),
        "terms": terms_of(signed.token),
    }
