"""Sentences about payments: what each is for, or why it is nobody's and what can be done."""

from __future__ import annotations

from collections.abc import Iterator

from relayclear.ibc.coin import Coin
from relayclear.ibc.text import visible
from relayclear.money.recognition import Why
from relayclear.money.settlement import Flaw
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.payments import How, Orphan
from relayclear.usecases.payments_acts import Found, Rechecked
from relayclear.usecases.payments_view import PaymentView
from relayclear.wording import Word, coin, moment

MATCHED = Word("matched", "✓", "green", "it is for a token")
OTHERWISE = Word("booked", "-", "cyan", "it was booked as something else")
ORPHANS = {
    Orphan.ORPHAN: Word("orphan", "?", "yellow", "it is for no token"),
    Orphan.OURS_LOST: Word("ours, lost", "!", "red", "its token was made here and isn't known any more"),
    Orphan.OWN: Word("own", "-", "cyan", "our own coins"),
    Orphan.RETURNED: Word("returned", "↩", "cyan", "coins of ours that came back"),
}

HOWS = {How.MEMO: "by its memo", How.ASSIGNED: "assigned by hand", How.IMPORTED: "with a token brought back"}

WHYS = {
    Why.NO_MEMO: "it has no memo",
    Why.NAMES_NONE: "its memo names no token",
    Why.SEVERAL_NAMED: "its memo names several tokens: none of them is paid by it",
    Why.UNKNOWN_MEMO: "its memo looks like a token's, and no such token was made here",
    Why.WRONG_TAG: "its memo names a token, and the token's key denies it",
    Why.OTHER_CHAIN: "its token is paid on another chain",
    Why.MEMO_OUTSIDE_PACKET: (
        "the wallet sent it over IBC, and the memo isn't in the packet, where alone it would be the payer's own"
    ),
    Why.RETURNED: "a packet of ours came back",
    Why.REFUND_CAME_BACK: "its memo is that of a refund of ours",
    Why.FROM_OURSELVES: "an account of ours sent it",
    Why.LOST: "its token was made here and isn't known any more: relayclear tokens import quotes.jsonl",
}

FOUNDS = {
    Found.KNOWN: "is known already; it was counted once",
    Found.NEW: "was read just now",
    Found.NOT_YET: "stands in a block that can't be read yet: try again in a moment",
    Found.NOTHING: "brought the payee nothing: it failed, or paid somebody else",
}


def word_of(view: PaymentView) -> Word:
    """What a payment is, in a word."""
    if view.token is not None:
        return MATCHED
    return ORPHANS[view.orphan] if view.orphan is not None else OTHERWISE


def why_line(view: PaymentView) -> str:
    """Why a payment is for its token, or for none."""
    if view.stored.match is not None:
        match = view.stored.match
        return HOWS[match.how] + (f", {match.who}: {match.why}" if match.why else "")
    return WHYS[view.recognition.why] if view.recognition and view.recognition.why else ""


def flaws_words(view: PaymentView) -> str:
    """What is wrong with a payment of a token; nothing where it is as quoted."""
    return ", ".join(flaw.value.replace("_", " ") for flaw in Flaw if view.paid and flaw in view.paid.flaws)


def next_step(view: PaymentView) -> str | None:
    """The command by which a person says what a payment of no token is for; None where nothing is to be said."""
    name = f"{view.stored.arrival.tx_hash[:12]}/{view.stored.arrival.ordinal}"
    if view.orphan is Orphan.OURS_LOST:
        return "relayclear tokens import quotes.jsonl"
    if view.orphan is Orphan.OWN:
        tx_hash, ordinal = view.stored.arrival.tx_hash[:12], view.stored.arrival.ordinal
        return f'relayclear books assign --tx {tx_hash} --output {ordinal} --as deposit --reason "…"'
    if view.orphan is Orphan.ORPHAN:
        return f'relayclear payments assign {name} {view.suggested or "TOKEN"} --reason "…"'
    return None


def payment_lines(view: PaymentView) -> Iterator[tuple[str, str]]:
    """Everything that arrived, and what it is for: each line with its label."""
    found, because = view.stored.arrival, why_line(view)
    if because:
        yield "because", visible(because, 400)
    if view.booked is not None:
        said = view.booked
        word = said.word.value.replace("_", " ")
        yield "booked", visible(f"{word}, by {said.who} at {moment(said.at)}: {said.why}", 400)
    if view.token is not None:
        yield "token", view.token
    if view.suggested is not None:
        yield "meant", f"{view.suggested}? relayclear payments assign {found.tx_hash[:12]}/{found.ordinal} …"
    if view.paid is not None:
        flaws = flaws_words(view)
        yield "counts", coin(Coin(found.coin.denom, view.paid.applied)) + (f" ({flaws})" if flaws else "")
    yield "transaction", f"{found.tx_hash}/{found.ordinal} on {found.chain}"
    yield "at", f"{moment(found.at)}, block {found.height}"
    yield "to", view.stored.payee
    senders = f" and {found.senders - 1} others" if found.senders > 1 else ""
    yield "from", f"{visible(found.sender or 'not told', 90)}{senders}, by {found.kind.value.replace('_', ' ')}"
    if found.packet is not None:
        yield "packet", visible(f"{found.packet} over {found.channel}", 200)
    yield "memo", visible(found.memo, 300) or "none"
    if found.outer_memo:
        yield "outer memo", f"{visible(found.outer_memo, 300)} (the relayer's: it doesn't count)"


def payment_page(view: PaymentView) -> str:
    """Everything about a payment, and what a person may do."""
    word, step = word_of(view), next_step(view)
    lines = [f"{word.glyph} {coin(view.stored.arrival.coin)} {word.word}: {word.meaning}", ""]
    lines += [f"{label:<12}{text}" for label, text in payment_lines(view)]
    return "\n".join([*lines, *(["", f"try: {step}"] if step else [])])


def rechecked_line(found: Rechecked) -> str:
    """What became of looking at a transaction again."""
    return f"{found.tx_hash[:16]}… on {found.chain} {FOUNDS[found.found]}"


def reading_line(cursor: Cursor) -> str:
    """How far a payee's chain was read, and what stops it."""
    line = f"{cursor.chain} is read through block {cursor.read_through}, {moment(cursor.read_through_time)}"
    return f"{line}; since {moment(cursor.failed_at)}: {cursor.error}" if cursor.error else line


def gap_state(gap: Gap, *, is_open: bool) -> Word:
    """Whether a gap still stops the reading."""
    if gap.accepted is not None:
        return Word("accepted", "-", "cyan", "the reading may pass it")
    if is_open:
        return Word("open", "!", "red", "the reading stops before it")
    return Word("read", "✓", "green", "a node could serve it after all")
