"""Memos: whatever a wallet does to one, it names its token, several, or none; never another."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relayclear.money import base32
from relayclear.money.memo import (
    AmbiguousMemo,
    MemoKey,
    MemoPlace,
    MemoRef,
    make_ref,
    nearest,
    parse_memo,
    verify,
)
from tests.money.build import KEY

PLACE = MemoPlace("alpha-1", "cosmos1payee", "stake")
REF = make_ref(KEY, b"order--1", PLACE)
OTHER = make_ref(KEY, b"order--2", PLACE)
MEMO = REF.text

order_ids = st.binary(min_size=8, max_size=8)
kids = st.integers(0, 255)
secrets = st.binary(min_size=32, max_size=32)
keys = st.builds(MemoKey, kids, secrets)
places = st.builds(MemoPlace, st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))


def test_a_memo_is_34_plain_characters_that_stay_the_same_for_ever() -> None:
    said = b"relayclear/memo/1\0alpha-1\0cosmos1payee\0stake\0\x07order--1"
    body = b"\x07order--1" + hmac.digest(KEY.secret, said, "sha256")[:10]
    usual, crockford = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz"
    letters = base64.b32encode(body).decode().rstrip("=").translate(str.maketrans(usual, crockford))
    assert MEMO == f"rc1{letters}" == "rc10xqq4s35e8pjtcdr3ptc0kmbknqqvk0"
    assert len(MEMO) == 34


@given(st.binary(max_size=40))
def test_base32_reads_back_as_it_was_written(data: bytes) -> None:
    assert base32.decode(base32.encode(data)) == data


@given(keys, order_ids, places)
def test_a_memo_reads_back_and_verifies(key: MemoKey, order_id: bytes, place: MemoPlace) -> None:
    ref = make_ref(key, order_id, place)
    assert parse_memo(ref.text) == ref
    assert verify(ref, place, key)
    assert (ref.kid, ref.order_id) == (key.kid, order_id)


@given(st.integers(0, 33), st.characters())
def test_a_single_changed_character_is_the_same_token_or_an_unknown_one_never_another(place: int, char: str) -> None:
    read = parse_memo(MEMO[:place] + char + MEMO[place + 1 :])
    assert read is None or read == REF or (isinstance(read, MemoRef) and not verify(read, PLACE, KEY))


@given(st.integers(0, 33), st.sampled_from(base32.ALPHABET))
def test_a_typo_within_the_alphabet_is_found_by_the_tag(place: int, char: str) -> None:
    assume(char != MEMO[place])
    read = parse_memo(MEMO[:place] + char + MEMO[place + 1 :])
    assert read is None or (isinstance(read, MemoRef) and not verify(read, PLACE, KEY))


@given(st.integers(0, 33))
def test_a_memo_that_a_wallet_cut_short_names_no_token(length: int) -> None:
    assert parse_memo(MEMO[:length]) is None


@given(st.integers(0, 32))
def test_two_letters_changed_round_are_another_unknown_token(place: int) -> None:
    swapped = MEMO[:place] + MEMO[place + 1] + MEMO[place] + MEMO[place + 2 :]
    read = parse_memo(swapped)
    assert swapped == MEMO or read is None or (isinstance(read, MemoRef) and not verify(read, PLACE, KEY))


@pytest.mark.parametrize(
    "text",
    [
        MEMO.upper(),
        f"  {MEMO}\n",
        f"{MEMO.upper()} ",
        f"\t{MEMO}\r\n",
        f'"{MEMO}"',
        f"' {MEMO} '",
        f"\u201c{MEMO}\u201d",
        f"`{MEMO}`",
        f"_{MEMO}_",
        f"memo:{MEMO}",
        f"Memo: {MEMO}",
        f"memo={MEMO}.",
        f"please clear {MEMO}, thanks",
        f"{MEMO}\n{MEMO.upper()}",
        f"\ufeff{MEMO}\u200b",
        "\u200d".join(MEMO),
        "\u00ad".join(MEMO),
        "\ufe0f".join(MEMO),
        f"\u202e{MEMO}\u202c",
        f"\x00{MEMO}\x00",
        f"\u00a0{MEMO}\u2028",
        f"\u2800{MEMO}\u2800",
        "".join(chr(ord(char) + 0xFEE0) for char in MEMO),
        MEMO.replace("1", "l").replace("0", "o"),
        MEMO.replace("1", "I").replace("0", "O"),
        f"{MEMO[:10]} {MEMO[10:20]}\n{MEMO[20:]}",
        f"{{{MEMO}}}",
        f"[{MEMO}]",
    ],
    ids=[
        "capitals",
        "spaces and a newline",
        "capitals with a trailing space",
        "tabs",
        "quotes",
        "spaces inside quotes",
        "curly quotes",
        "code quotes",
        "italics",
        "memo prefix",
        "memo prefix with a capital",
        "memo equals",
        "within a sentence",
        "the same twice",
        "byte order mark",
        "zero-width joiners",
        "soft hyphens",
        "variation selectors",
        "bidirectional marks",
        "zero bytes",
        "odd spaces",
        "blank braille",
        "full-width letters",
        "l and o",
        "I and O",
        "broken over lines",
        "braces of a template",
        "brackets of a template",
    ],
)
def test_what_wallets_and_people_do_to_a_memo_loses_no_payment(text: str) -> None:
    assert parse_memo(text) == REF


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"memo": MEMO}),
        json.dumps({"forward": {"receiver": "x", "memo": MEMO}}, indent=1),
        json.dumps([MEMO]),
        json.dumps([[MEMO]]),
        json.dumps(json.dumps({"memo": MEMO})),
        f"{{'memo': '{MEMO}'}}",
        f'{{"memo":"{MEMO}"',
        f'{MEMO} {{"memo":1}}',
    ],
)
def test_a_memo_inside_json_is_another_programs(text: str) -> None:
    assert parse_memo(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "rc1",
        "thanks",
        f"{MEMO}x",
        f"x{MEMO}",
        f"{MEMO[:-1]}u",
        f"rc1r:{MEMO[3:29]} late",
        f"rc2{MEMO[3:]}",
        f"{MEMO[:-1]}\u00e9",
        MEMO[:-1] + base32.ALPHABET[base32.ALPHABET.index(MEMO[-1]) + 1],
    ],
    ids=[
        "nothing",
        "a space",
        "the prefix",
        "a word",
        "a letter too many",
        "a letter before it",
        "a letter outside the alphabet",
        "the memo of a refund",
        "another prefix",
        "an accent",
        "spare bits set",
    ],
)
def test_what_is_no_memo_of_ours_names_no_token(text: str) -> None:
    assert parse_memo(text) is None


def test_two_tokens_in_one_memo_pay_neither() -> None:
    assert parse_memo(f"{MEMO} {OTHER.text}") == AmbiguousMemo((REF, OTHER))
    assert parse_memo(f"{MEMO}/{OTHER.text.upper()}/{MEMO}") == AmbiguousMemo((REF, OTHER))


def test_two_tokens_without_anything_between_are_no_token() -> None:
    assert parse_memo(MEMO + OTHER.text) is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read = parse_memo(text)
    assert read is None or isinstance(read, MemoRef | AmbiguousMemo)


def test_a_flood_of_long_memos_is_read_in_time() -> None:
    assert parse_memo("rc1" * 11_000) is None
    assert parse_memo("{[" * 16_000) is None
    assert parse_memo(" \\" * 16_000) is None


@pytest.mark.parametrize(
    "place",
    [PLACE._replace(chain="beta-1"), PLACE._replace(payee="cosmos1mallory"), PLACE._replace(denom="uatom")],
    ids=["another chain", "another address", "another denom"],
)
def test_a_memo_is_bound_to_where_it_may_be_paid(place: MemoPlace) -> None:
    assert not verify(REF, place, KEY)


def test_the_parts_of_a_place_can_not_run_into_each_other() -> None:
    left, right = MemoPlace("alpha-1", "a", "bc"), MemoPlace("alpha-1", "ab", "c")
    assert make_ref(KEY, b"order--1", left) != make_ref(KEY, b"order--1", right)


def test_a_forged_tag_another_key_and_another_key_id_do_not_verify() -> None:
    assert not verify(REF._replace(tag=bytes(10)), PLACE, KEY)
    assert not verify(REF, PLACE, replace(KEY, secret=b"x" * 32))
    assert not verify(REF, PLACE, replace(KEY, kid=8))


def test_a_key_never_shows_its_secret() -> None:
    assert "secret" not in repr(KEY)


@pytest.mark.parametrize(("kid", "size"), [(256, 32), (-1, 32), (0, 31), (0, 0)])
def test_a_key_of_another_size_is_refused(kid: int, size: int) -> None:
    with pytest.raises(ValueError, match="memo key"):
        MemoKey(kid, bytes(size))


def test_an_order_id_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="order id"):
        make_ref(KEY, b"short", PLACE)


def test_the_nearest_token_is_suggested_for_a_typo_and_for_one_cut_short() -> None:
    typo = MEMO[:9] + ("2" if MEMO[9] != "2" else "3") + MEMO[10:]
    assert nearest(typo, [OTHER, REF]) == REF
    assert nearest(f" {MEMO[:28].upper()}", [OTHER, REF]) == REF


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert nearest("thank you for the fish", [OTHER, REF]) is None
    assert nearest(MEMO, []) is None
