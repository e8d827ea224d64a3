"""Everything about a token as text, for the screen and for `tokens show`: what the payer is told, and what we know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from relayclear.clearing.operation import PacketAfter
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.text import clean, visible
from relayclear.money.document import fingerprint_in
from relayclear.money.earned import PacketVerdict
from relayclear.money.refunds import RefundDue
from relayclear.money.settlement import AppliedPayment, Flaw
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.usecases.refund_view import RefundView
from relayclear.usecases.sales_view import TokenStory
from relayclear.usecases.shop import Operator
from relayclear.usecases.tokens_view import TokenView
from relayclear.wording import FATES, age, coin, moment
from relayclear.wording.offering import gas_basis, money, packets_text
from relayclear.wording.refunding import REFUNDS
from relayclear.wording.selling import CAUSES, RESULTS, TOKENS, VERDICT_REASONS, payers_news, token_sentences

_PAYABLE = (TokenState.OPEN, TokenState.PARTLY_PAID)


def left_words(view: TokenView, now: datetime) -> str:
    """How long it can be paid; nothing where that is over by its state."""
    if view.state not in _PAYABLE:
        return ""
    left = int((view.token.expires_at - now).total_seconds())
    # The paying chain's own time decides, so it stays open until its blocks are read past that.
    return age(left) if left > 0 else "over"


def payment_line(paid: AppliedPayment) -> str:
    """A payment of a token, with what is wrong with it."""
    flaws = [flaw.value.replace("_", " ") for flaw in Flaw if flaw in paid.flaws]
    payment = paid.payment
    who = f" from {clean(payment.sender, 64)}" if payment.sender else ""
    wrong = f" ({', '.join(flaws)})" if flaws else ""
    return f"{coin(payment.coin)}{who} at {moment(payment.at)}, {payment.id.tx[:12]}…{wrong}"


def owed_line(due: RefundDue) -> str:
    """What is owed back of a payment, to whom and why."""
    to = f"to {due.to}" if due.to else "to whom a claim names"
    fee = f", {due.fee} of it kept" if due.fee else ""
    return f"{coin(due.net)} {to}: {CAUSES[due.cause]}{fee}"


def refund_line(view: RefundView) -> str:
    """A refund that was decided, and how far it is."""
    word = REFUNDS[view.state]
    to = f" to {view.to}" if view.to else ""
    return f"{word.glyph} {word.word}: {coin(view.net)}{to}"


def term_lines(token: ClearingToken) -> Iterator[str]:
    """What it is for and what its price is made of."""
    quote = token.quote
    yield f"for          {packets_text(token)}"
    waived = f", waived: {clean(quote.waived, 60)}" if quote.waived is not None else ""
    yield f"price        {coin(token.price)} on {quote.chain}{waived}"
    yield f"  service    {coin(Coin(quote.denom, quote.service_fee))}"
    yield f"  packets    {coin(Coin(quote.denom, quote.packet_fee))} for {len(quote.packets)}"
    yield f"  gas        {coin(Coin(quote.denom, quote.gas_fee))}, {gas_basis(quote.gas_basis)}"
    refund_fee = coin(Coin(quote.denom, quote.refund_fee(quote.denom) or 0))
    yield f"refund fee   {refund_fee}, kept where the payer is the cause"
    yield f"payable      until {moment(token.expires_at)}"


def packet_lines(view: TokenView) -> Iterator[str]:
    """Each packet as the screen shows it."""
    yield from (f"{name:<12} {said}" for name, said in packets_said(view))


def packets_said(view: TokenView) -> Iterator[tuple[str, str]]:
    """Each packet by its number: what was judged of its share and became of it, else what is promised."""
    for term in view.token.quote.packets:
        verdict = view.verdicts.get(term.key)
        promised = FATES[term.expected].word + (f", else {FATES[term.otherwise].word}" if term.otherwise else "")
        said = _judged(verdict, view.results.get(term.key)) if verdict else promised
        share = money(term.share, view.token.price.denom, view.sold)
        yield f"#{term.key.sequence}", f"{said}; share {share}"


def _judged(verdict: PacketVerdict, after: PacketAfter | None) -> str:
    """What was judged of a share, and what became of the packet: earned doesn't say who has the coins."""
    done = after is not None and after.fate not in {Fate.STILL_PENDING, Fate.UNKNOWN}
    became = f", {FATES[after.fate].word}" if after is not None and done else ""
    return f"{RESULTS[verdict.result].word}: {VERDICT_REASONS[verdict.reason]}{became}"


def happened_lines(story: TokenStory) -> Iterator[str]:
    """What became of it so far: payments with their flaws, debts, refunds, the work."""
    view = story.view
    yield from (f"payment      {payment_line(paid)}" for paid in view.settlement.payments)
    yield from (f"owed back    {owed_line(due)}" for due in view.owed)
    yield from (f"refund       {refund_line(refund)}" for refund in story.refunds)
    if view.operation is not None:
        yield f"work         relayclear operations show {view.operation.id}"


def token_page(story: TokenStory, operator: Operator, now: datetime) -> str:
    """Everything about it."""
    return "\n".join(_page_lines(story, operator, now))


def _page_lines(story: TokenStory, operator: Operator, now: datetime) -> Iterator[str]:
    view, word = story.view, TOKENS[story.view.state]
    yield f"{word.glyph} {word.word}: {word.meaning}"
    yield from (f"  {sentence}" for sentence in token_sentences(view))
    yield from _revoked_lines(view)
    left = left_words(view, now)
    if left:
        yield f"  it can be paid for another {left}" if left != "over" else "  its time is over by our clock"
    yield ""
    yield f"token        {view.token.memo}"
    yield f"to           {view.token.payee}"
    yield from term_lines(view.token)
    yield f"read through {moment(view.scanned_through) if view.scanned_through else 'not yet: relayclear watch'}"
    yield from packet_lines(view)
    yield from happened_lines(story)
    yield ""
    yield "what the payer is told:"
    told = payers_news(view, operator, fingerprint_in(view.stored.document), story.refunds)
    yield from (f"  {line}" if line else "" for line in told.splitlines())


def _revoked_lines(view: TokenView) -> Iterator[str]:
    revocation = view.stored.revocation
    if revocation is not None:
        by = visible(revocation.who, 40)
        yield f"  revoked {moment(revocation.at)} by {by}: {clean(revocation.why, 200)}"
    elif view.key_revoked:
        yield f"  its signing key {view.token.ref.kid} was revoked"
