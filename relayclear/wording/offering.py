"""Sentences about a new token: what the payer is told, and what the operator should know before giving it away.

Apart from `selling`, which knows every state that a token comes to: a quote needs none of that.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Sequence

from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.text import clean, visible
from relayclear.ibc.units import in_units
from relayclear.money.fees import GasBasis, GasSource, PacketTerm
from relayclear.money.token import ClearingToken
from relayclear.usecases.quote_values import Note, NoteCode, PayerCheck, Sold
from relayclear.usecases.shop import Operator
from relayclear.wording import coin, long_age, moment

WIDTH = 78
# Room for what others choose: the whole text stays under 1,800 characters.
_FEW, _SHORT, _NAME, _URL, _LONG, WHOLE = 16, 30, 40, 80, 90, 128

NOTES = {
    NoteCode.DAEMON_MAY_CLEAR: "your own daemon relays this channel and looks for what it missed:"
    " it may clear these for nothing before anybody pays",
    NoteCode.DAEMON_AS_THEY_COME: "your own daemon relays this channel, but only what comes while it runs:"
    " a restart may clear these for nothing",
    NoteCode.IN_FLIGHT: "{packets} sent a moment ago: it may still arrive by itself",
    NoteCode.ACK_CANT_RETURN: "{packets}: {detail}",
    NoteCode.ARRIVED_ALREADY: "{packets}: the coins have arrived; this only brings the acknowledgement back",
    NoteCode.FORWARDED: "{packets} passed on by another chain: this moves hop 1 of {detail}",
    NoteCode.GAS_NOT_CHARGED: "gas in {detail} has no rate under [rates], so it is not charged",
    NoteCode.NOT_READ: "not all channels could be read: packets on {detail} are not in this token",
    NoteCode.FIRST_KEY: "the first signing key was made, key {detail}: keep a copy of the keys folder"
    " (relayclear keys publish says what to put on your page)",
    NoteCode.REPEATED: "this token was made before and is still open: it is the same one",
}

_EXPECTED = {
    (Fate.DELIVERED, Fate.RETURNED_TO_SENDER): "the receiver gets the coins; if the time runs out first, the sender"
    " gets them back.",
    (Fate.RETURNED_TO_SENDER, None): "the time has run out, so the sender gets the coins back, not the receiver.",
    (Fate.ACKNOWLEDGED, None): "the missing acknowledgement is brought back; the receiver has the coins, or, if they"
    " were refused, the sender gets them back.",
}


def money(amount: int, denom: str, sold: Sold, width: int = _SHORT) -> str:
    """An amount of the token's denom in the unit that wallets show, in base units where none is known."""
    if sold.unit is None:
        return f"{amount} {visible(denom, width)}"
    return f"{in_units(amount, sold.unit)} {sold.unit.symbol}"


def for_payer(token: ClearingToken, sold: Sold, operator: Operator, fingerprint: str) -> str:
    """Everything a payer needs, to be pasted anywhere: under 1,800 characters, nothing that a terminal obeys."""
    parts = [_offer(token, operator), *(_how_to_pay(token, sold) if token.price.amount else _free(token))]
    parts += [_outcome(token, sold), *(_back(token, sold) if token.price.amount else [])]
    return "\n\n".join([*parts, signed_by(operator, fingerprint)])


def _offer(token: ClearingToken, operator: Operator) -> str:
    who = clean(operator.name, _NAME) or "The operator of this relayer"
    return filled(f"{who} offers to clear {packets_text(token)}.")


def packets_text(token: ClearingToken) -> str:
    """Which packets a token is for, in words."""
    terms = token.quote.packets
    many = "a stuck IBC packet" if len(terms) == 1 else f"{len(terms)} stuck IBC packets"
    return f"{many}: {visible(str(terms[0].key.end), _NAME)}, sequence {_numbers(terms)}"


def _numbers(terms: Iterable[PacketTerm], width: int = _SHORT) -> str:
    return visible(str(SequenceRanges.of(term.key.sequence for term in terms)), width)


def _how_to_pay(token: ClearingToken, sold: Sold) -> list[str]:
    price, chain = token.price, visible(token.quote.chain, _NAME)
    shown = money(price.amount, price.denom, sold, WHOLE)
    units = (
        f"(in base units: {price.amount} {visible(price.denom, WHOLE)})"
        if sold.unit
        else "THIS AMOUNT IS IN BASE UNITS, NOT IN THE UNIT THAT YOUR WALLET SHOWS."
    )
    return [
        f"Send on {chain}, from your account there, to:\n{visible(token.payee, _LONG)}",
        f"exactly:\n{shown}\n{units}",
        f"with this memo, and nothing else in it:\n{token.memo}",
        filled(
            f"Pay until {moment(token.expires_at)}. Once paid, we clear within {long_age(token.deadline)};"
            " what isn't cleared by then is owed back."
        ),
    ]


def _free(token: ClearingToken) -> list[str]:
    return [filled(f"Nothing is to be paid. To ask about it, name\n{token.memo}")]


def _outcome(token: ClearingToken, sold: Sold) -> str:
    kinds: dict[tuple[Fate, Fate | None], list[PacketTerm]] = {}
    for term in token.quote.packets:
        kinds.setdefault((term.expected, term.otherwise), []).append(term)
    lines = ["What you get:"] if len(kinds) > 1 else []
    for kind, terms in kinds.items():
        subject = f"Sequence {_numbers(terms, _FEW)}" if len(kinds) > 1 else "What you get"
        lines.append(filled(f"{subject}: {_EXPECTED[kind]}"))
    if sold.hops:
        numbers = visible(str(SequenceRanges.of(sold.hops)), _SHORT)
        lines.append(
            filled(f"Another chain passes on sequence {numbers}: this moves hop 1 of {max(sold.hops.values())}.")
        )
    return "\n".join(lines)


def _back(token: ClearingToken, sold: Sold) -> list[str]:
    denom = token.price.denom
    where = "the account that you pay from" if token.refund_to is None else visible(token.refund_to, _LONG)
    fee, dust = token.quote.refund_fee(denom) or 0, token.quote.dust
    kept = f", less {money(fee, denom, sold)}" if fee else ""
    small = f" Up to {money(dust, denom, sold)} alone isn't sent back." if dust else ""
    exchange = "" if token.from_exchange else " Don't pay from an exchange: it can't take coins back."
    return [
        filled(
            "What comes back: all of it if we don't clear, or somebody else does before us; and what is too late,"
            f" too little, too much or sent twice{kept}.{small} It goes to {where}.{exchange}"
        )
    ]


def signed_by(operator: Operator, fingerprint: str) -> str:
    """How a payer finds out that the text is the operator's: their key, and where to look it up."""
    place = (
        f"Check the address and our key {fingerprint} at {clean(operator.url, _URL)}."
        if operator.url
        else (f"Our signing key is {fingerprint}: ask for it on a way that you trust.")
    )
    return filled(f"We never ask for your seed phrase or keys, or that you sign anything else. {place}")


def filled(text: str) -> str:
    """The text in lines of `WIDTH`; its own line ends stay."""
    lines = (textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in text.split("\n"))
    return "\n".join(lines)


def note_line(note: Note) -> str:
    """One thing that the operator should know before giving a quote away."""
    listed = visible(str(SequenceRanges.of(note.sequences)), _SHORT) if note.sequences else ""
    packets = f"#{listed} was" if len(note.sequences) == 1 else f"#{listed} were"
    if note.code in {NoteCode.ACK_CANT_RETURN, NoteCode.ARRIVED_ALREADY}:
        packets = f"#{listed}"
    elif note.code is NoteCode.FORWARDED:
        packets = f"#{listed} {'is' if len(note.sequences) == 1 else 'are'}"
    return NOTES[note.code].format(packets=packets, detail=clean(note.detail, 200))


def payer_line(check: PayerCheck) -> str:
    """Whether the payer's account can pay."""
    if not check.missing:
        return f"{check.address} holds {coin(check.balance)}: it can pay price and gas"
    return f"{check.address} can't pay: {_coins(check.missing)} is missing for price and gas ({coin(check.gas)})"


def gas_basis(basis: GasBasis) -> str:
    """What the gas in a price rests on."""
    if basis.source is GasSource.CONFIGURED:
        return "gas_per_message of the config"
    return f"median of {basis.relays} relay{'' if basis.relays == 1 else 's'}"


def _coins(coins: Iterable[Coin]) -> str:
    return " and ".join(coin(item) for item in coins)


def pay_command(token: ClearingToken, sold: Sold) -> str | None:
    """The payment as a command of the chain's own program, ready to paste; None where nothing is to be paid."""
    if not token.price.amount:
        return None
    words: Sequence[str] = (sold.program or "CHAIN_BINARY", "tx", "bank", "send", "YOUR_KEY", token.payee)
    flags = ["--note", token.memo, "--chain-id", token.quote.chain, "--gas", "auto", "--gas-adjustment", "1.5"]
    prices = ["--gas-prices", sold.gas_price] if sold.gas_price else []
    return shlex.join([*words, str(token.price), *flags, *prices])
