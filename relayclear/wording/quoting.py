"""Sentences of the quote wizard: what is chosen, the price and its parts, what to pay, what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from relayclear.errors import RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.text import clean, visible
from relayclear.ibc.triage import PacketClass
from relayclear.money.fees import GasCharge, Quote
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.usecases.board_rows import PacketRow
from relayclear.usecases.quote_values import Issued, Preview, QuoteRequest, Sold
from relayclear.usecases.sales_view import TokenStory
from relayclear.wording import CLASSES, REASONS, coin, counted, long_age
from relayclear.wording.offering import gas_basis, money, note_line, payer_line
from relayclear.wording.selling import TOKENS, token_sentences
from relayclear.wording.tokens import happened_lines, packet_lines
from relayclear.wording.working import step_word

OTHER_CHANNEL = "another channel: a token is for the packets of one"
_SHOWN = 8
_KEYS = {
    "--pay-denom": "d coin",
    "--pay-on": "c paid on",
    "--payer": "w payer",
    "--refund-to": "t refund to",
    "--from-exchange": "x exchange",
    "--expires": "e expires",
    "--anyway": "a anyway",
    "--waive": "f for free",
}
_FLAGS = re.compile("|".join(_KEYS))
_TRAIL = (TokenState.OPEN, TokenState.PAID, TokenState.CLEARING, TokenState.CLEARED)
_STAGES = {
    TokenState.PARTLY_PAID: TokenState.OPEN,
    TokenState.PARTLY_CLEARED: TokenState.CLEARED,
    TokenState.NOT_CLEARED: TokenState.CLEARED,
}


def unsellable(row: PacketRow) -> str | None:
    """Why nobody can be sold the clearing of a packet, as the last scan left it; None where it can be tried."""
    if row.blocked is not None:
        return clean(REASONS[row.blocked.reason].format(detail=row.blocked.detail), 200)
    if row.packet_class is PacketClass.ASYNC_ACK:
        return CLASSES[row.packet_class].meaning
    return None


def selected_lines(rows: Sequence[PacketRow], end: ChannelEnd) -> Iterator[str]:
    """What is marked: what would be sold, and of the rest why not."""
    here = [row for row in rows if row.path.source == end]
    sold = [row for row in here if unsellable(row) is None]
    yield f"of {end}:"
    for row in sold[:_SHOWN]:
        word = CLASSES[row.packet_class]
        yield f"  {word.glyph} #{row.sequence} {word.word}: {word.meaning}"
    if len(sold) > _SHOWN:
        yield f"  … and {len(sold) - _SHOWN} more"
    if not sold:
        yield "  nothing that could be sold"
    for row in [one for one in here if one not in sold][:_SHOWN]:
        yield f"  ✗ #{row.sequence} is left out: {unsellable(row)}"
    others = [row for row in rows if row.path.source != end]
    for row in others[:_SHOWN]:
        yield f"  ✗ {row.key} is left out: {OTHER_CHANNEL}"
    if len(others) > _SHOWN:
        yield f"  ✗ and {len(others) - _SHOWN} more of other channels"


def price_lines(preview: Preview) -> Iterator[str]:
    """The price with what it is made of, and what should be known before it is offered."""
    quote = preview.quote
    waived = f", waived: {clean(quote.waived, 60)}" if quote.waived is not None else ""
    yield f"price        {coin(quote.price)} on {quote.chain}{waived}"
    yield f"  service    {coin(Coin(quote.denom, quote.service_fee))}"
    each = quote.packet_fee // len(quote.packets)
    yield f"  packets    {coin(Coin(quote.denom, quote.packet_fee))}: {len(quote.packets)} at {each}"
    yield f"  gas        {coin(Coin(quote.denom, quote.gas_fee))}, {gas_basis(quote.gas_basis)}"
    yield from (f"             {_charge_line(quote, charge)}" for charge in quote.gas)
    yield f"paid to      {preview.payee}"
    yield f"holds        {long_age(preview.ttl)}"
    yield from (f"! {note_line(note)}" for note in preview.notes)
    if preview.payer is not None:
        yield ("! " if preview.payer.missing else "") + payer_line(preview.payer)


def _charge_line(quote: Quote, charge: GasCharge) -> str:
    one = charge.estimate
    rate = "" if charge.rate is None else f" x {charge.rate.num}/{charge.rate.den}"
    told = "not charged" if charge.charged is None else coin(Coin(quote.denom, charge.charged))
    return (
        f"{one.chain}: {one.units} x {one.price.normalize():f} {one.denom} x margin {quote.gas_margin}{rate} = {told}"
    )


def option_lines(request: QuoteRequest, preview: Preview | None, chains: Sequence[str]) -> Iterator[str]:
    """What may be chosen, each with its key."""
    accepted = preview.accepted if preview is not None else ()
    denom = request.pay_denom or (accepted[0] if accepted else "the usual one")
    several = f" (of {', '.join(visible(one, 30) for one in accepted)})" if len(accepted) > 1 else ""
    yield f"d coin       {visible(denom, 60)}{several}"
    on = request.pay_on or request.chain or ""
    yield f"c paid on    {on}" + (f" (of {', '.join(chains)})" if len(chains) > 1 else "")
    yield f"w payer      {visible(request.payer or 'not named: nobody looks whether they can pay', 90)}"
    yield f"t refund to  {visible(request.refund_to or 'whoever pays', 90)}"
    yield f"x exchange   {'yes: it is paid from one' if request.from_exchange else 'no'}"
    yield f"e expires    {'as configured' if request.expires is None else long_age(request.expires)}"
    yield f"a anyway     {'yes: also where the coins have arrived' if request.anyway else 'no'}"
    yield f"f for free   {'no' if request.waive is None else visible(request.waive, 80)}"


def confirm_lines(request: QuoteRequest, preview: Preview) -> Iterator[str]:
    """What saying yes makes."""
    quote = preview.quote
    yield f"This makes a quote for {counted(len(quote.packets), 'packet')} of {quote.packets[0].key.end}:"
    yield f"  #{request.sequences}"
    yield f"  {coin(quote.price)} on {quote.chain}, payable for {long_age(preview.ttl)}"
    yield ""
    yield "It is signed and kept. Nothing is cleared or sent before it is paid; then"
    yield "watch clears exactly these packets, and what isn't earned is owed back."
    yield "relayclear tokens revoke takes it back."


def error_lines(error: RelayclearError) -> list[str]:
    """Why a step can't be done now, and what helps: where a command has a flag, the wizard has a key."""
    lines = [f"✗ {clean(error.message, 600)}", *([f"  try: {clean(error.hint, 300)}"] if error.hint else [])]
    return [_FLAGS.sub(lambda found: f"[{_KEYS[found[0]]}]", line) for line in lines]


def pay_lines(token: ClearingToken, sold: Sold, left: str) -> Iterator[str]:
    """The three things that a payer needs, and how long they are good."""
    if not token.price.amount:
        yield "nothing is to be paid: the work begins now"
        yield f"token {token.memo}"
        return
    units = "" if sold.unit is None else f" ({money(token.price.amount, token.price.denom, sold)})"
    when = f"for another {left}" if left and left != "over" else "no more: its time is over" if left else "no more"
    yield f"pay   {coin(token.price)}{units} on {token.quote.chain}, {when}"
    yield f"to    {token.payee}"
    yield f"memo  {token.memo}"


def trail_line(state: TokenState) -> str:
    """Where it stands on its way."""
    if state in {TokenState.EXPIRED, TokenState.REVOKED}:
        return f"{TOKENS[state].glyph} {TOKENS[state].word}"
    at = _TRAIL.index(_STAGES.get(state, state))
    words = [TOKENS[one].word for one in _TRAIL]
    words[at] = TOKENS[state].word
    marked = [f"✓ {word}" if number < at else word for number, word in enumerate(words)]
    marked[at] = f"▸ {words[at]}" if at < len(_TRAIL) - 1 else f"{TOKENS[state].glyph} {words[at]}"
    return " → ".join(marked)


def follow_lines(story: TokenStory, steps: Mapping[int, str]) -> Iterator[str]:
    """What became of it so far, and what comes next."""
    view = story.view
    yield trail_line(view.state)
    yield from token_sentences(view)
    yield from (f"Hermes says: #{sequence} {step_word(step)}" for sequence, step in steps.items())
    if view.settlement.payments or view.operation is not None:
        yield ""
        yield from packet_lines(view)
    yield from happened_lines(story)


def issued_lines(issued: Issued, preview: Preview | None) -> Iterator[str]:
    """What should be known of a quote that was just made."""
    yield from (f"! {note_line(note)}" for note in issued.notes)
    if preview is not None and preview.quote.price != issued.token.price:
        yield f"! the price changed while it was made: {coin(preview.quote.price)} was shown"


def expires_words(token: ClearingToken, now: datetime) -> str:
    """The time that is left to pay, as long as there is some by our clock."""
    left = int((token.expires_at - now).total_seconds())
    return long_age(left) if left > 0 else "over"
