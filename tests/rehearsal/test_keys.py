"""Keys and addresses, against values that other wallets give."""

from __future__ import annotations

import pytest

from relayclear.rehearsal.keys import Key, decode_address, encode_address, escrow_address, module_address, verify
from relayclear.rehearsal.spec import KeyKind

ABANDON = " ".join(["abandon"] * 11 + ["about"])
JUNK = " ".join(["test"] * 11 + ["junk"])


def test_a_phrase_gives_the_address_that_every_cosmos_wallet_gives() -> None:
    assert Key.from_mnemonic(ABANDON).address("cosmos") == "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"


def test_an_ethereum_phrase_gives_the_address_that_every_ethereum_wallet_gives() -> None:
    address = Key.from_mnemonic(JUNK, KeyKind.ETH_SECP256K1).address("inj")
    assert decode_address(address, "inj").hex() == "f39fd6e51aad88f6f4ce6ab8827279cffFb92266".lower()


@pytest.mark.parametrize("kind", list(KeyKind))
def test_a_signature_is_the_same_every_time_and_stands_for_one_document_only(kind: KeyKind) -> None:
    key = Key.of_name("alice", kind)
    signature = key.sign(b"document")
    assert signature == key.sign(b"document")
    assert verify(key.public, kind, b"document", signature)
    assert not verify(key.public, kind, b"Document", signature)
    assert not verify(Key.of_name("bob", kind).public, kind, b"document", signature)
    assert not verify(key.public, kind, b"document", signature[:-1])


def test_the_higher_twin_of_a_signature_is_refused_as_chains_refuse_it() -> None:
    key = Key.of_name("alice")
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signature = key.sign(b"document")
    twin = signature[:32] + (order - int.from_bytes(signature[32:])).to_bytes(32)
    assert not verify(key.public, KeyKind.SECP256K1, b"document", twin)


def test_escrow_and_module_accounts_are_those_of_real_chains() -> None:
    assert escrow_address("transfer", "channel-0", "cosmos") == "cosmos1a53udazy8ayufvy0s434pfwjcedzqv34kvz9tw"
    assert module_address("fee_collector", "cosmos") == "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "empty address string is not allowed"),
        ("nobody", "decoding bech32 failed: invalid bech32 string length 6"),
        (
            "osmo1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqmcn030",
            "hrp does not match bech32 prefix: expected 'cosmos' got 'osmo': internal logic error",
        ),
        (
            "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal5",
            "decoding bech32 failed: invalid checksum (expected uqdal4 got uqdal5)",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_in_the_chains_words(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        decode_address(address, "cosmos")


def test_an_address_of_a_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="incorrect address length"):
        decode_address(encode_address("cosmos", bytes(10)), "cosmos")
