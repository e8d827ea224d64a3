"""What payers and operators read about tokens: whole, exact, short enough to paste, nothing that a terminal obeys."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import bech32
import pytest

from relayclear.clearing.operation import Attempt, Operation, PacketAfter
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.triage import PacketClass
from relayclear.ibc.units import Unit, from_units
from relayclear.money.document import DocumentFault, fingerprint, public_key_of, write_document
from relayclear.money.earned import Reason, Result
from relayclear.money.fees import FeeSchedule, GasBasis, GasSource, PriceList, promise, quote
from relayclear.money.issuer import KeyState
from relayclear.money.refund_state import RefundState
from relayclear.money.refunds import Cause
from relayclear.money.settlement import Flaw, settle
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken, issue
from relayclear.store.tokens import StoredToken
from relayclear.usecases.quote_values import Note, NoteCode, PayerCheck, Sold
from relayclear.usecases.shop import Operator
from relayclear.usecases.tokens_view import TokenView
from relayclear.wording import offering, selling
from tests.money.build import KEY, NOW, RULES, SIGNING_KEY, pay, prices, refunded_to, token

LONGEST_PAYEE = bech32.bech32_encode("averyverylongprefix", bech32.convertbits(bytes(32), 8, 5))
ADA = Operator("Ada", "https://relay.example")
FINGERPRINT = fingerprint(public_key_of(SIGNING_KEY))
STAKE = Sold(Unit("STAKE", 6), "simd", "0.01stake")


def test_every_state_there_is_has_words() -> None:
    assert set(selling.TOKENS) == set(selling.STATE_SENTENCES) == set(TokenState)
    assert set(selling.KEYS) == set(KeyState)
    assert set(selling.RESULTS) == set(Result)
    assert set(selling.VERDICT_REASONS) == set(Reason)
    assert set(selling.CAUSES) == set(Cause)
    assert set(selling.DOCUMENT_FAULTS) == set(DocumentFault)
    assert set(offering.NOTES) == set(NoteCode)
    assert set(selling.FLAW_SENTENCES) == set(product(TokenState, Flaw))


def test_meaning_does_not_hang_on_colour() -> None:
    for table in (selling.TOKENS, selling.KEYS, selling.RESULTS):
        assert len({word.word for word in table.values()}) == len(table)
        assert all(word.glyph for word in table.values())


# The payer's text


def text_of(sold: ClearingToken, shown: Sold = STAKE, operator: Operator = ADA) -> str:
    return offering.for_payer(sold, shown, operator, FINGERPRINT)


def test_address_amount_and_memo_stand_alone_on_their_lines() -> None:
    sold = token(1_250_000)
    lines = text_of(sold).splitlines()
    assert sold.payee in lines
    assert sold.memo in lines
    assert "1.25 STAKE" in lines
    assert lines[lines.index("1.25 STAKE") + 1] == "(in base units: 1250000 stake)"


def test_the_amount_that_a_wallet_is_told_is_the_price_to_the_last_unit() -> None:
    unit = Unit("INJ", 18)
    sold = token(2**64 + 1)
    lines = text_of(sold, Sold(unit)).splitlines()
    line = lines[lines.index("exactly:") + 1]
    assert from_units(line.removesuffix(" INJ"), unit) == 2**64 + 1


def test_without_a_unit_the_text_says_in_capitals_that_these_are_base_units() -> None:
    lines = text_of(token(1_250_000), Sold()).splitlines()
    assert "1250000 stake" in lines
    assert "THIS AMOUNT IS IN BASE UNITS, NOT IN THE UNIT THAT YOUR WALLET SHOWS." in lines


def test_the_text_says_until_when_what_comes_back_and_what_is_never_asked_for() -> None:
    text = " ".join(text_of(token(1_250_000)).split())
    assert "Send on alpha-1, from your account there, to:" in text
    assert "Pay until 2026-11-22 13:00:00Z. Once paid, we clear within 2 h" in text
    assert "less 0.000002 STAKE" in text
    assert "It goes to the account that you pay from. Don't pay from an exchange" in text
    assert "We never ask for your seed phrase" in text
    assert f"Check the address and our key {FINGERPRINT} at https://relay.example." in text


def test_a_refund_address_is_named_where_there_is_one() -> None:
    text = " ".join(text_of(replace(refunded_to("cosmos1back"), from_exchange=True)).split())
    assert "It goes to cosmos1back." in text
    assert "Don't pay from an exchange" not in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            PacketClass.STUCK,
            "What you get: the receiver gets the coins; if the time runs out first, the sender",
        ),
        (PacketClass.TIMED_OUT, "so the sender gets the coins back, not the receiver."),
        (PacketClass.ACK_MISSING, "the missing acknowledgement is brought back"),
    ],
)
def test_who_ends_up_with_the_coins_is_said(found: PacketClass, words: str) -> None:
    promises = [promise(PacketKey("alpha-1", "transfer", "channel-0", 1), found)]
    sold = issue(quote(prices(100), "stake", promises, []), "cosmos1payee", KEY, b"order--1", NOW, RULES)
    assert words in " ".join(text_of(sold).split())


def test_a_forwarded_packet_is_said_to_move_one_hop_of_several() -> None:
    text = " ".join(text_of(token(), replace(STAKE, hops={2: 3})).split())
    assert "Another chain passes on sequence 2: this moves hop 1 of 3." in text


def test_a_clearing_for_nothing_asks_for_nothing() -> None:
    text = text_of(token(waived="our own mistake"))
    assert "Nothing is to be paid." in text
    assert "Send on" not in text
    assert "STAKE" not in text
    assert offering.pay_command(token(waived="our own mistake"), STAKE) is None


def longest() -> ClearingToken:
    """All that others choose as long as it may be: many packets of three kinds, addresses, denoms, amounts."""
    denom, chain = "factory/" + "d" * 120, "chain-with-a-very-long-name-indeed-1"
    listed = PriceList(chain, (FeeSchedule(denom, 10**40, 0, 10**25, 10**25),), RATIO)
    kinds = (PacketClass.STUCK, PacketClass.TIMED_OUT, PacketClass.ACK_MISSING)
    promises = [
        promise(
            PacketKey("chain-with-a-very-long-name-indeed-1", "transfer", "channel-18446744073709551615", 2 * one), kind
        )
        for one, kind in zip(range(10**18, 10**18 + 300), kinds * 100, strict=True)
    ]
    sold = issue(quote(listed, denom, promises, []), LONGEST_PAYEE, KEY, b"order--1", NOW, RULES)
    return replace(sold, refund_to=LONGEST_PAYEE)


RATIO = prices(1).gas_margin


def test_the_longest_text_there_can_be_can_still_be_pasted() -> None:
    operator = Operator("N" * 500, "https://" + "u" * 500)
    for shown in (Sold(), Sold(Unit("S" * 20, 36), hops=dict.fromkeys(range(1, 4000, 2), 33))):
        text = text_of(longest(), shown, operator)
        assert len(text) < 1800
        assert LONGEST_PAYEE in text.splitlines()


def test_nothing_in_the_text_is_obeyed_by_a_terminal() -> None:
    operator = Operator("\x1b[2JAda\u202e\n", "https://user:secret@relay.example/\x07")
    text = text_of(token(), STAKE, operator)
    assert not {char for char in text.replace("\n", "") if unicodedata.category(char) in {"Cc", "Cf"}}
    assert "secret" not in text


def test_the_command_pays_exactly_this_token() -> None:
    sold = token(1_250_000)
    assert offering.pay_command(sold, STAKE) == (
        f"simd tx bank send YOUR_KEY cosmos1payee 1250000stake --note {sold.memo} --chain-id alpha-1"
        " --gas auto --gas-adjustment 1.5 --gas-prices 0.01stake"
    )
    assert (offering.pay_command(sold, Sold()) or "").startswith("CHAIN_BINARY tx bank send")


# State and flaws


def view(state: TokenState, flaws: frozenset[Flaw] = frozenset(), read: int | None = 60) -> TokenView:
    """A token whose chain was read so many seconds after it was made."""
    sold = token(1_250_000)
    settled = settle(sold, [], {}, NOW)

    class Flawed(type(settled)):  # type: ignore[misc]
        """A settlement with the flaws that the test wants."""

        @property
        def flaws(self) -> frozenset[Flaw]:
            """The flaws."""
            return flaws

    stored = StoredToken(sold, write_document(sold, SIGNING_KEY), "", "issued", NOW, None)
    found = Flawed(sold, (), settled.allocation)
    at, height = (None, None) if read is None else (NOW + timedelta(seconds=read), 17)
    return TokenView(stored, STAKE, state, found, (), {}, (), None, None, at, height, key_revoked=False)


@pytest.mark.parametrize("state", list(TokenState))
@pytest.mark.parametrize("flaw", [None, *Flaw])
def test_each_state_and_each_flaw_is_one_whole_sentence(state: TokenState, flaw: Flaw | None) -> None:
    sentences = selling.token_sentences(view(state, frozenset({flaw} if flaw else ())))
    assert len(sentences) == (2 if flaw else 1)
    for sentence in sentences:
        assert sentence.endswith(".")
        assert ". " not in sentence
        assert "{" not in sentence
        assert "unknown" not in sentence or state in {TokenState.PAID, TokenState.CLEARING}


@pytest.mark.parametrize(
    ("paid", "words"),
    [
        (102, "0.000002 STAKE too much; it is kept, for sending it back costs a fee of 0.000002 STAKE."),
        (103, "0.000003 STAKE too much is owed back, less 0.000002 STAKE for each payment."),
    ],
)
def test_nobody_is_promised_a_rest_that_the_fee_eats_up(paid: int, words: str) -> None:
    sold = token(100, refund_fee=2)
    payment = pay(paid)
    found = settle(sold, [payment], {}, payment.at)
    seen = replace(view(TokenState.PAID), stored=StoredToken(sold, "", "", "issued", NOW, None), settlement=found)
    assert selling.token_sentences(seen)[-1] == f"More than the price came: {words}"


def test_what_is_missing_is_said_in_the_wallets_unit_with_its_time() -> None:
    (sentence,) = selling.token_sentences(view(TokenState.OPEN))
    assert sentence == (
        "Nothing was paid as of block height 17, 2026-11-22 12:01:00Z: send 1.25 STAKE with the memo, until"
        " 2026-11-22 13:00:00Z."
    )


@pytest.mark.parametrize("read", [None, -1])
def test_who_paid_what_nobody_has_read_is_not_told_to_pay_again(read: int | None) -> None:
    """A reading from before the quote knows of its payments as little as none."""
    (sentence,) = selling.token_sentences(view(TokenState.OPEN, read=read))
    assert sentence == (
        "Whether it was paid is not known, for payments have not been read since this quote was made; if it wasn't:"
        " send 1.25 STAKE with the memo, until 2026-11-22 13:00:00Z."
    )
    text = selling.payers_news(view(TokenState.OPEN, read=read), ADA, FINGERPRINT)
    assert "payments have not been read since this quote was made" in " ".join(text.split())


@pytest.mark.parametrize(
    "state", [state for state in TokenState if state not in {TokenState.OPEN, TokenState.PARTLY_PAID}]
)
def test_nobody_is_told_to_pay_what_can_no_longer_be_paid(state: TokenState) -> None:
    text = selling.payers_news(view(state), ADA, FINGERPRINT)
    assert "Send on" not in text
    assert selling.token_sentences(view(state))[0].split(":")[0] in " ".join(text.split())
    assert len(text) < 1800


def test_who_paid_a_part_reads_what_is_missing_before_all_else() -> None:
    text = selling.payers_news(view(TokenState.PARTLY_PAID), ADA, FINGERPRINT)
    assert text.startswith("1.25 STAKE was still missing as of block height 17")
    assert "Send on alpha-1" in text
    assert selling.payers_news(view(TokenState.OPEN), ADA, FINGERPRINT).endswith(text_of(token(1_250_000)))


def cleared(packets: Mapping[int, PacketAfter]) -> TokenView:
    """A token whose packets are all judged, with what became of each."""
    source, destination = ChannelEnd("alpha-1", "transfer", "channel-0"), ChannelEnd("beta-1", "transfer", "channel-9")
    attempt = Attempt(1, NOW, (), after=tuple(packets.values()), ended_at=NOW)
    asked = SequenceRanges.of(packets)
    return replace(
        view(TokenState.CLEARED), operation=Operation("op-1", NOW, source, destination, asked, attempts=(attempt,))
    )


def became(sequence: int, fate: Fate, *, committed: bool = False, ack_success: bool | None = None) -> PacketAfter:
    return PacketAfter(sequence, fate, Doer.US, committed, True, ack_success, {})


NOBODY_GOT = "the receiver got nothing, and the sender has the coins back."


@pytest.mark.parametrize(
    ("packets", "said"),
    [
        ([became(1, Fate.RETURNED_TO_SENDER)], ["Sequence 1 was not delivered before the time ran out"]),
        ([became(1, Fate.DELIVERED_WITH_ERROR)], ["Sequence 1 was refused by the receiving chain"]),
        ([became(1, Fate.ACKNOWLEDGED, ack_success=False)], ["Sequence 1 was refused by the receiving chain"]),
        (
            [became(1, Fate.RETURNED_TO_SENDER), became(2, Fate.RETURNED_TO_SENDER)],
            ["Sequences 1..2 were not delivered before the time ran out"],
        ),
        (
            [became(1, Fate.DELIVERED_WITH_ERROR), became(2, Fate.RETURNED_TO_SENDER), became(3, Fate.DELIVERED)],
            ["Sequence 2 was not delivered before the time ran out", "Sequence 1 was refused by the receiving chain"],
        ),
    ],
)
def test_who_paid_for_what_went_back_is_not_told_that_all_is_well(packets: list[PacketAfter], said: list[str]) -> None:
    """The receiver waits for coins that won't come: the payer reads who has them, and the operator too."""
    sold = cleared({one.sequence: one for one in packets})
    sentences = selling.token_sentences(sold)
    expected = [f"{one}: {NOBODY_GOT}" for one in said]
    assert sentences == ["Nothing hangs any more, and nothing more is to be done.", *expected]
    told = " ".join(selling.payers_news(sold, ADA, FINGERPRINT).split())
    assert all(sentence in told for sentence in sentences)
    assert "Everything is cleared" not in told


@pytest.mark.parametrize(
    "packet",
    [
        became(1, Fate.DELIVERED),
        became(1, Fate.ACKNOWLEDGED, ack_success=True),
        became(1, Fate.ACKNOWLEDGED),
        became(1, Fate.DELIVERED_ACK_OPEN, committed=True),
        became(1, Fate.DELIVERED_WITH_ERROR, committed=True),
    ],
)
def test_nobody_is_told_that_coins_are_back_which_are_not(packet: PacketAfter) -> None:
    assert selling.token_sentences(cleared({1: packet})) == ["Everything is cleared: nothing more is to be done."]


# Notes for the operator


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note(NoteCode.IN_FLIGHT, (1,)), "#1 was sent a moment ago"),
        (Note(NoteCode.IN_FLIGHT, (1, 2, 3)), "#1..3 were sent a moment ago"),
        (Note(NoteCode.FORWARDED, (4,), "3"), "#4 is passed on by another chain: this moves hop 1 of 3"),
        (Note(NoteCode.ARRIVED_ALREADY, (4, 6)), "#4,6: the coins have arrived"),
        (Note(NoteCode.GAS_NOT_CHARGED, (), "ubeta on beta-1"), "gas in ubeta on beta-1 has no rate"),
        (Note(NoteCode.FIRST_KEY, (), "1"), "the first signing key was made, key 1"),
    ],
)
def test_a_note_is_one_line(note: Note, words: str) -> None:
    assert offering.note_line(note).startswith(words)


def test_whether_the_payer_can_pay_is_said() -> None:
    check = PayerCheck("alpha1x", Coin("stake", 5), Coin("stake", 2), ())
    assert offering.payer_line(check) == "alpha1x holds 5 stake: it can pay price and gas"
    poor = check._replace(missing=(Coin("stake", 7), Coin("token", 1)))
    assert "7 stake and 1 token is missing" in offering.payer_line(poor)


def test_the_basis_of_the_gas_is_said() -> None:
    assert offering.gas_basis(GasBasis(GasSource.MEDIAN, 12)) == "median of 12 relays"
    assert offering.gas_basis(GasBasis(GasSource.MEDIAN, 1)) == "median of 1 relay"
    assert offering.gas_basis(GasBasis(GasSource.CONFIGURED, 0)) == "gas_per_message of the config"


def test_times_in_sentences_are_the_tokens_own() -> None:
    late = replace(token(1), expires_at=NOW + timedelta(days=1))
    assert late.quote.packets[0].expected is Fate.DELIVERED
    assert "2026-11-23 12:00:00Z" in text_of(late)


UNDECIDED = {RefundState.OWED, RefundState.DUST, RefundState.BELOW_COST, RefundState.NEEDS_CLAIM}


@pytest.mark.parametrize("state", [state for state in RefundState if state not in UNDECIDED])
def test_a_payer_reads_one_sentence_about_every_refund_that_was_decided(state: RefundState) -> None:
    given: Any = SimpleNamespace(state=state, net=Coin("stake", 395_000), to="cosmos1payer", id="bprrt4fyax5wrv4v")
    (sentence,) = selling.refund_sentences(view(TokenState.EXPIRED), [given])
    assert "0.395 STAKE" in sentence
    assert sentence.endswith(".")
    told = selling.payers_news(view(TokenState.EXPIRED), ADA, FINGERPRINT, [given])
    assert sentence in " ".join(told.split())
