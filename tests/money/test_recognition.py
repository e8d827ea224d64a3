"""What an arrival is for: memos as payers, wallets, relayers and strangers write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.money.memo import MemoKey, MemoRef, make_ref
from relayclear.money.recognition import Recognition, Standing, Why, recognise, suggestion
from tests.ibc.tables import table
from tests.money.build import KEY, NOW, PAYEE, token

SOLD = token()
OTHER = replace(SOLD, ref=make_ref(KEY, b"order--2", SOLD.place))
STORED = {SOLD.ref: SOLD, OTHER.ref: OTHER}
STRANGERS = MemoKey(7, b"x" * 32)
CLEARING = "cosmos1clearing"
PACKET = PacketKey("beta-1", "transfer", "channel-3", 9)


def arrived(memo: str = "", denom: str = "stake", amount: int = 100, **how: Any) -> Arrival:
    """Coins at the payee, by a plain send unless `how` says otherwise."""
    fields: dict[str, Any] = {
        "chain": "alpha-1",
        "tx_hash": "A" * 64,
        "ordinal": 0,
        "coin": Coin(denom, amount),
        "height": 9,
        "at": NOW,
        "kind": ArrivalKind.SEND,
        "sender": "cosmos1alice",
        "senders": 1,
        "memo": memo,
        "outer_memo": "",
        "packet": None,
        "signed": True,
        **how,
    }
    return Arrival(**fields)


def over_ibc(memo: str = "", outer: str = "", **how: Any) -> Arrival:
    """Coins that a packet brought, relayed by somebody."""
    end = ChannelEnd("alpha-1", "transfer", "channel-0")
    packet = {"kind": ArrivalKind.IBC, "sender": "beta1alice", "packet": PACKET, "channel": end, "signed": False}
    return arrived(memo, "ibc/27394F", outer_memo=outer, **{**packet, **how})


def found(arrival: Arrival, *keys: MemoKey) -> Recognition:
    """What it is, to an operator with these keys (one unless said) and two tokens."""
    return recognise(arrival, PAYEE, STORED.get, keys or (KEY,), {CLEARING})


def is_nobodys(arrival: Arrival, why: Why, ref: MemoRef | None = None) -> bool:
    """Whether it is an orphan for that reason."""
    return found(arrival) == Recognition(Standing.ORPHAN, ref, why)


PAID = Recognition(Standing.PAYMENT, SOLD.ref)
MEMO = SOLD.memo


@pytest.mark.parametrize(
    "memo",
    [MEMO, f"  {MEMO}\n", MEMO.upper(), f'"{MEMO}"', f"memo: {MEMO}", MEMO[:9] + "\u200b" + MEMO[9:], f"{MEMO} {MEMO}"],
)
def test_row_18_a_memo_that_a_wallet_dressed_up_still_pays_its_token(memo: str) -> None:
    assert found(arrived(memo)) == PAID


def test_row_17_coins_without_a_memo_are_never_guessed() -> None:
    assert is_nobodys(arrived(""), Why.NO_MEMO)
    assert is_nobodys(arrived(" \n"), Why.NAMES_NONE) or is_nobodys(arrived(" \n"), Why.NO_MEMO)
    assert suggestion(arrived(""), found(arrived("")), STORED) is None


def test_row_19_a_typo_pays_nobody_and_only_suggests_the_nearest_token() -> None:
    letter = "2" if MEMO[20] != "2" else "3"
    typo = arrived(MEMO[:20] + letter + MEMO[21:])
    assert found(typo).standing is Standing.ORPHAN
    assert found(typo).ref is None
    assert suggestion(typo, found(typo), STORED) == SOLD.ref


def test_row_20_a_memo_cut_short_pays_nobody_and_suggests_its_token() -> None:
    cut = arrived(MEMO[:-2])
    assert is_nobodys(cut, Why.NAMES_NONE)
    assert suggestion(cut, found(cut), STORED) == SOLD.ref
    assert suggestion(cut, found(cut), ()) is None


def test_row_21_two_tokens_in_one_memo_pay_neither() -> None:
    assert is_nobodys(arrived(f"{MEMO} {OTHER.memo}"), Why.SEVERAL_NAMED)


def test_row_22_a_token_inside_json_pays_nobody() -> None:
    assert is_nobodys(arrived(f'{{{{"forward":{{{{"memo":"{MEMO}"}}}}}}}}'), Why.NAMES_NONE)


def test_row_11_12_13_a_wrong_denom_is_still_known_for_its_tokens() -> None:
    for denom in ("uatom", "ibc/27394F", "ibc/0471F1"):
        assert found(arrived(MEMO, denom)) == PAID


def test_row_15_the_right_memo_on_another_chain_is_nobodys_and_names_its_token() -> None:
    elsewhere = arrived(MEMO, chain="beta-1")
    assert is_nobodys(elsewhere, Why.OTHER_CHAIN, SOLD.ref)
    assert suggestion(elsewhere, found(elsewhere), ()) == SOLD.ref


def test_row_26_only_the_packets_own_memo_counts_for_coins_over_ibc() -> None:
    assert found(over_ibc(MEMO, outer=OTHER.memo)) == PAID
    assert is_nobodys(over_ibc("", outer=MEMO), Why.MEMO_OUTSIDE_PACKET, SOLD.ref)
    assert is_nobodys(over_ibc("thanks", outer=MEMO), Why.NAMES_NONE)
    assert is_nobodys(over_ibc("", outer=f"{MEMO} {OTHER.memo}"), Why.NO_MEMO)
    assert is_nobodys(over_ibc("", outer=make_ref(STRANGERS, b"order--9", SOLD.place).text), Why.NO_MEMO)


def test_row_46_47_a_forged_token_and_another_operators_are_nobodys() -> None:
    forged = make_ref(STRANGERS, SOLD.ref.order_id, SOLD.place).text
    assert is_nobodys(arrived(forged), Why.UNKNOWN_MEMO)
    assert is_nobodys(arrived(make_ref(MemoKey(99, b"y" * 32), b"order--9", SOLD.place).text), Why.UNKNOWN_MEMO)


def test_a_token_that_verifies_and_is_not_there_was_ours_before_the_database_was_lost() -> None:
    lost = make_ref(KEY, b"order--9", SOLD.place)
    assert found(arrived(lost.text)) == Recognition(Standing.OURS_LOST, lost, Why.LOST)
    assert is_nobodys(arrived(lost.text, chain="beta-1"), Why.UNKNOWN_MEMO)


def test_row_49_a_token_of_a_rotated_key_is_known_by_that_key() -> None:
    assert found(arrived(MEMO), MemoKey(8, b"z" * 32), KEY) == PAID


def test_a_token_of_which_the_key_is_gone_is_known_by_what_was_stored() -> None:
    assert found(arrived(MEMO), MemoKey(8, b"z" * 32)) == PAID


def test_a_stored_token_that_its_own_key_denies_is_not_paid() -> None:
    assert found(arrived(MEMO), STRANGERS) == Recognition(Standing.ORPHAN, None, Why.WRONG_TAG)


def test_row_78_our_own_coins_and_our_own_refunds_pay_nothing() -> None:
    for sender in (PAYEE, CLEARING):
        assert found(arrived(MEMO, sender=sender)) == Recognition(Standing.OWN, None, Why.FROM_OURSELVES)
    assert is_nobodys(arrived("rc1r:0123456789abcdefghjkmnpq late"), Why.REFUND_CAME_BACK)
    assert is_nobodys(arrived(f"RC1R: {MEMO}"), Why.REFUND_CAME_BACK)
    # A name of another chain may be spelt like one of ours.
    assert found(over_ibc(MEMO, sender=CLEARING)) == PAID


def test_row_89_coins_of_our_own_packet_that_came_back_are_no_payment() -> None:
    assert is_nobodys(over_ibc(MEMO, kind=ArrivalKind.RETURNED), Why.RETURNED)


def test_every_reason_stands_in_the_table() -> None:
    said = {cell.strip("`") for row in table(recognise) for cell in row}
    assert {why.value for why in Why} <= said
