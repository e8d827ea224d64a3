"""Sentences about tokens: what a payer reads, what an operator is told, a word for every state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from relayclear.clearing.operation import went_back
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.text import visible
from relayclear.money.document import DocumentFault
from relayclear.money.earned import Reason, Result
from relayclear.money.issuer import KeyState
from relayclear.money.refund_state import RefundState
from relayclear.money.refunds import Cause
from relayclear.money.settlement import Flaw
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.usecases.shop import Operator
from relayclear.usecases.tokens_view import TokenView
from relayclear.wording import Word, moment
from relayclear.wording.offering import WHOLE, filled, for_payer, money, packets_text, signed_by

if TYPE_CHECKING:
    from relayclear.usecases.refund_view import RefundView

TOKENS = {
    TokenState.OPEN: Word("open", "○", "cyan", "it can be paid"),
    TokenState.PARTLY_PAID: Word("partly paid", "◔", "yellow", "a part of the price has come"),
    TokenState.PAID: Word("paid", "●", "cyan", "clearing begins now"),
    TokenState.CLEARING: Word("clearing", "…", "cyan", "the packets are being cleared, or their end is still open"),
    TokenState.CLEARED: Word("cleared", "✓", "green", "every packet is earned"),
    TokenState.PARTLY_CLEARED: Word("partly cleared", "◐", "yellow", "some packets are earned, some are owed back"),
    TokenState.NOT_CLEARED: Word("not cleared", "✗", "red", "no packet is earned: all is owed back"),
    TokenState.EXPIRED: Word("expired", "◷", "yellow", "it was not paid in time"),
    TokenState.REVOKED: Word("revoked", "-", "yellow", "the operator took it back"),
}

KEYS = {
    KeyState.CURRENT: Word("current", "●", "green", "quotes are made with it"),
    KeyState.ROTATED: Word("rotated", "○", "cyan", "its quotes are good until they end"),
    KeyState.REVOKED: Word("revoked", "✗", "red", "its open quotes are void"),
}

RESULTS = {
    Result.EARNED: Word("earned", "✓", "green", "the share is ours"),
    Result.OWED_BACK: Word("owed back", "↩", "yellow", "the share goes back"),
    Result.HELD: Word("held", "…", "cyan", "not decided yet"),
    Result.APPROVE: Word("needs approval", "?", "yellow", "a person has to decide"),
}

VERDICT_REASONS = {
    Reason.CLEARED_BY_US: "cleared by us",
    Reason.FINAL_OUTCOME_OPEN: "delivered by us, final outcome open",
    Reason.BEFORE_PAYMENT: "cleared before the payment",
    Reason.OTHERS_FIRST: "another relayer was first",
    Reason.EARNED_ELSEWHERE: "earned by another token",
    Reason.ERROR_ACK_OPEN: "delivered with an error that is not back yet",
    Reason.DOER_UNKNOWN: "done, but nobody can tell by whom",
    Reason.TIME_UNKNOWN: "done, but nobody can tell when",
    Reason.PENDING: "still pending",
    Reason.ATTEMPT_OPEN: "an attempt is under way",
    Reason.CANCELLED: "called off",
    Reason.NOT_CLEARED: "not cleared in time",
    Reason.AFTER_DEADLINE: "cleared after the deadline",
    Reason.UNREADABLE: "a chain can't be read",
    Reason.MAY_LAND: "a run was cut short and may still land",
}

CAUSES = {
    Cause.WRONG_DENOM: "wrong denom",
    Cause.SECOND_PAYMENT: "second payment",
    Cause.LATE: "late",
    Cause.UNDERPAID: "underpaid",
    Cause.EXCESS: "too much",
    Cause.REVOKED: "quote revoked",
    Cause.OTHERS_FIRST: "others were first",
    Cause.CLEARED_BEFORE: "cleared before the payment",
    Cause.CANCELLED: "called off",
    Cause.NOT_CLEARED: "not cleared",
}

DOCUMENT_FAULTS = {
    DocumentFault.NOT_A_QUOTE: "this is no quote of relayclear",
    DocumentFault.NEWER_VERSION: "a newer relayclear made this quote, and this one can't check it",
    DocumentFault.TAMPERED: "its signature doesn't hold: something was changed after it was signed, don't pay",
    DocumentFault.OTHER_SIGNER: "another key than the one you named signed it: don't pay",
    DocumentFault.BAD_TERMS: "its terms make no sense together: don't pay",
}

OVER = "over since {expires}: don't pay; what comes now may only be sent back. Ask for a new quote."

_WAITING = (TokenState.OPEN, TokenState.PARTLY_PAID)
_WORKING = (TokenState.PAID, TokenState.CLEARING)
_DONE = (TokenState.CLEARED, TokenState.PARTLY_CLEARED, TokenState.NOT_CLEARED)

STATE_SENTENCES = {
    TokenState.OPEN: "{nothing}: send {missing} with the memo, until {expires}.",
    TokenState.PARTLY_PAID: "{missing} was still missing {read}: send it with the same memo until {expires};"
    " after that what came is owed back, less {fee}.",
    TokenState.PAID: "The price is paid: clearing begins now, and what is not cleared by {deadline} is owed back.",
    TokenState.CLEARING: "The packets are being cleared; what is not cleared by {deadline} is owed back.",
    TokenState.CLEARED: "Everything is cleared: nothing more is to be done.",
    TokenState.PARTLY_CLEARED: "A part is cleared; the share of the rest is owed back in full, without any fee.",
    TokenState.NOT_CLEARED: "Nothing was cleared by us: the price is owed back in full, without any fee.",
    TokenState.EXPIRED: "The time to pay ended at {expires}: don't pay any more; ask for a new quote.",
    TokenState.REVOKED: "The operator took this quote back: don't pay; whatever came is owed back in full.",
}

# Cleared tells of packets, not of who has the coins: whose transfer came back is told that instead.
NONE_HANGS = "Nothing hangs any more, and nothing more is to be done."
TIMED_OUT = (
    "{packets} not delivered before the time ran out: the receiver got nothing, and the sender has the coins back."
)
REFUSED = "{packets} refused by the receiving chain: the receiver got nothing, and the sender has the coins back."

# That none is known says something only of the blocks that were read: who paid after them must not pay again.
NOTHING_YET = "Nothing was paid {read}"
NOT_LOOKED = "Whether it was paid is not known, for payments have not been read since this quote was made; if it wasn't"
READ_THROUGH = "as of block height {height}, {through}"

FLAW_SENTENCES: dict[tuple[TokenState, Flaw], str] = {
    **dict.fromkeys(
        ((state, Flaw.UNDERPAID) for state in _WAITING),
        "Less than the price came: {missing} is missing, and can be added with the same memo until {expires}.",
    ),
    **dict.fromkeys(
        ((state, Flaw.UNDERPAID) for state in (*_WORKING, *_DONE)),
        "A payment came in parts; they add up, and nothing more is to be sent.",
    ),
    (TokenState.EXPIRED, Flaw.UNDERPAID): "Less than the price came until {expires}: it is owed back, less {fee} for"
    " each payment.",
    # Once its refund is decided, a payment of the whole price counts with nothing too: the flaw doesn't say that too
    # little came, nor whether it came before the quote was taken back.
    **dict.fromkeys(
        ((TokenState.REVOKED, flaw) for flaw in (Flaw.UNDERPAID, Flaw.OVERPAID)),
        "{came} came for this quote: all of it is owed back in full.",
    ),
    **dict.fromkeys(
        ((state, Flaw.OVERPAID) for state in (*_WAITING, *_WORKING, *_DONE, TokenState.EXPIRED)),
        "More than the price came: {excess} too much is owed back, less {fee} for each payment.",
    ),
    **dict.fromkeys(
        ((state, Flaw.LATE) for state in _WAITING),
        "A payment came after {expires}: if the packets are still stuck it counts until {grace}, else it is owed back,"
        " less {fee}.",
    ),
    **dict.fromkeys(
        ((state, Flaw.LATE) for state in (*_WORKING, *_DONE)),
        "A payment came after {expires}: what of it counts was taken at the quoted price, the rest is owed back, less"
        " {fee}.",
    ),
    (TokenState.EXPIRED, Flaw.LATE): "A payment came after {expires}: if the packets are still stuck it counts until"
    " {grace}, else it is owed back, less {fee}.",
    (TokenState.REVOKED, Flaw.LATE): "A payment came late, and the quote was taken back: it is owed back in full.",
    **dict.fromkeys(
        ((state, Flaw.WRONG_DENOM) for state in _WAITING),
        "A payment came in another coin than {denom}: it doesn't count and is owed back; send {missing} until"
        " {expires}.",
    ),
    **dict.fromkeys(
        ((state, Flaw.WRONG_DENOM) for state in (*_WORKING, *_DONE, TokenState.EXPIRED, TokenState.REVOKED)),
        "A payment came in another coin than {denom}: it doesn't count and is owed back; nothing more is to be sent.",
    ),
    **dict.fromkeys(
        ((state, Flaw.SECOND_PAYMENT) for state in (*_WAITING, *_WORKING, *_DONE, TokenState.EXPIRED)),
        "The price was paid already when another payment came: that one is owed back, less {fee}.",
    ),
    (TokenState.REVOKED, Flaw.SECOND_PAYMENT): "Another payment came after the price was paid, and the quote was taken"
    " back: all is owed back in full.",
}


# The fee is taken from what goes back, and never more than it.
KEPT_WHOLE = "More than the price came: {excess} too much; it is kept, for sending it back costs a fee of {fee}."

GIVEN_BACK = {
    RefundState.APPROVED: "{amount} is being sent back to {to}, with the memo rc1r:{id}.",
    RefundState.SIGNED: "{amount} is being sent back to {to}, with the memo rc1r:{id}.",
    RefundState.BROADCAST: "{amount} is being sent back to {to}, with the memo rc1r:{id}.",
    RefundState.EXPORTED: "{amount} is being sent back to {to}, with the memo rc1r:{id}.",
    RefundState.IN_TRANSIT: "{amount} was sent back over IBC to {to}, and has not arrived yet.",
    RefundState.CONFIRMED: "{amount} was sent back to {to}, with the memo rc1r:{id}.",
    RefundState.PAID_BY_HAND: "{amount} was sent back to {to}.",
    RefundState.WAIVED: "{amount} is not sent back: the operator has been released from it.",
    RefundState.WRITTEN_OFF: "{amount} was too little to be sent back.",
    RefundState.RETURNED: "{amount} could not reach {to} over IBC and came back: it is owed again.",
    RefundState.WITHDRAWN: "{amount} could not be sent to {to}: what is owed is decided anew.",
}


def payers_news(view: TokenView, operator: Operator, fingerprint: str, given_back: Iterable[RefundView] = ()) -> str:
    """What a payer should know now: how to pay while that is possible, else what happened and what comes next.

    `given_back` are the refunds that were decided of the token's payments.
    """
    refunds = list(given_back)
    news = "\n".join(filled(sentence) for sentence in [*token_sentences(view), *refund_sentences(view, refunds)])
    if view.state in _WAITING:
        return f"{news}\n\n{for_payer(view.token, view.sold, operator, fingerprint)}"
    about = filled(f"About {packets_text(view.token)}, token\n{view.token.memo}")
    return "\n\n".join([about, news, signed_by(operator, fingerprint)])


def token_sentences(view: TokenView) -> list[str]:
    """What happened, what comes next and until when: one sentence for the state, one for each flaw and way back."""
    words = _fields(view)
    back = _back_sentences(view)
    state = NONE_HANGS if back and view.state is TokenState.CLEARED else STATE_SENTENCES[view.state]
    flaws = [_flaw_sentence(view, flaw).format_map(words) for flaw in view.flaws]
    return [state.format_map(words), *back, *flaws]


def _flaw_sentence(view: TokenView, flaw: Flaw) -> str:
    fee, excess = view.token.quote.refund_fee(view.token.price.denom) or 0, view.settlement.excess.amount
    little = flaw is Flaw.OVERPAID and view.state is not TokenState.REVOKED and 0 < excess <= fee
    return KEPT_WHOLE if little else FLAW_SENTENCES[view.state, flaw]


def _back_sentences(view: TokenView) -> list[str]:
    """Of whose packets the receiver got nothing, with why; nothing while a packet may still be delivered."""
    back = [(key.sequence, one.fate) for key, one in view.results.items() if went_back(one)]
    timed_out = [sequence for sequence, fate in back if fate is Fate.RETURNED_TO_SENDER]
    refused = [sequence for sequence, fate in back if fate is not Fate.RETURNED_TO_SENDER]
    told = ((TIMED_OUT, timed_out), (REFUSED, refused))
    return [sentence.format(packets=_were(sequences)) for sentence, sequences in told if sequences]


def _were(sequences: Collection[int]) -> str:
    listed = visible(str(SequenceRanges.of(sequences)), 30)
    return f"Sequence {listed} was" if len(sequences) == 1 else f"Sequences {listed} were"


def over_line(token: ClearingToken) -> str:
    """What is said of a quote whose signature is good, and whose time to pay is over."""
    return OVER.format(expires=moment(token.expires_at))


def refund_sentences(view: TokenView, given_back: Iterable[RefundView]) -> list[str]:
    """What became of what was owed back: one sentence for each refund that was decided."""
    return [
        GIVEN_BACK[one.state].format(amount=_in_words(view, one.net), to=one.to or "nobody", id=one.id)
        for one in given_back
        if one.state in GIVEN_BACK
    ]


def _in_words(view: TokenView, coin: Coin) -> str:
    if coin.denom == view.token.price.denom:
        return money(coin.amount, coin.denom, view.sold)
    return f"{coin.amount} {visible(coin.denom, WHOLE)}"


def _fields(view: TokenView) -> dict[str, str]:
    token, settlement = view.token, view.settlement
    denom = token.price.denom
    fee = token.quote.refund_fee(denom) or 0
    read = READ_THROUGH.format(height=view.scanned_height, through=moment(view.scanned_through))
    return {
        "read": read,
        "nothing": NOTHING_YET.format(read=read) if view.was_looked_for else NOT_LOOKED,
        "missing": money(settlement.missing.amount, denom, view.sold),
        "came": money(settlement.paid.amount, denom, view.sold),
        "excess": money(settlement.excess.amount, denom, view.sold),
        "fee": money(fee, denom, view.sold) if fee else "nothing",
        "denom": visible(denom, WHOLE) if view.sold.unit is None else view.sold.unit.symbol,
        "expires": moment(token.expires_at),
        "grace": moment(token.grace_ends_at),
        "deadline": moment(settlement.deadline),
    }
