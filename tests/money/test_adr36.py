"""Signed texts (ADR-36): what Keplr signs is taken, and nothing else is."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from relayclear.ibc.accounts import AccountKind
from relayclear.ibc.signing import ORDER, holds
from relayclear.money.adr36 import ArbitrarySignature, SignatureFault, fault_of, read_signature, sign_doc, verify
from relayclear.rehearsal.keys import Key, encode_address
from relayclear.rehearsal.spec import KeyKind

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("adr36_vectors.json").read_text(encoding="utf-8"))
KEPLR = VECTORS["keplr"]
GIVEN = read_signature(json.dumps(KEPLR["given"]))
SIGNER: str = KEPLR["signer"]
DATA: bytes = KEPLR["data"].encode()
COSMOS = ("cosmos", DATA, AccountKind.SECP256K1)


def test_the_signed_bytes_differ_from_those_of_wallets() -> None:
    vector = VECTORS["document"]
    assert sign_doc(vector["signer"], vector["data"].encode()).decode() == vector["bytes"]


def test_what_go_escapes_stands_bare_in_the_signed_bytes() -> None:
    assert rb'"signer":"a\u003cb\u003e\u0026"' in sign_doc("a<b>&", b"")


def test_a_signature_of_keplr_is_refused() -> None:
    assert verify(GIVEN.public_key, GIVEN.signature, SIGNER, *COSMOS)
    assert fault_of(GIVEN, SIGNER, *COSMOS) is None


def test_data_that_was_touched_is_taken() -> None:
    for data in (DATA + b" ", DATA[:-1], b""):
        assert fault_of(GIVEN, SIGNER, "cosmos", data, AccountKind.SECP256K1) is SignatureFault.SIGNATURE


def test_somebody_elses_key_speaks_for_an_account() -> None:
    other = Key.of_name("mallory")
    signed = ArbitrarySignature(other.public, other.sign(sign_doc(SIGNER, DATA)))
    assert fault_of(signed, SIGNER, *COSMOS) is SignatureFault.ACCOUNT
    assert not verify(signed.public_key, signed.signature, SIGNER, *COSMOS)


@pytest.mark.parametrize(
    "signer",
    [
        "",
        "nobody",
        SIGNER.upper(),
        SIGNER[:-1] + "q",
        encode_address("osmo", bytes(20)),
        encode_address("cosmo", bytes(20)),
    ],
)
def test_the_address_of_another_chain_is_taken(signer: str) -> None:
    assert fault_of(GIVEN, signer, *COSMOS) is SignatureFault.PREFIX


def test_an_account_of_32_bytes_has_a_key() -> None:
    assert fault_of(GIVEN, encode_address("cosmos", bytes(32)), *COSMOS) is SignatureFault.ACCOUNT


@pytest.mark.parametrize(
    "public_key", [b"", GIVEN.public_key[:-1], GIVEN.public_key + b"\0", b"\2" + b"\xff" * 32, bytes(33)]
)
def test_a_public_key_that_is_none_breaks_the_check(public_key: bytes) -> None:
    given = ArbitrarySignature(public_key, GIVEN.signature)
    assert fault_of(given, SIGNER, *COSMOS) is SignatureFault.PUBLIC_KEY


R, S = GIVEN.signature[:32], GIVEN.signature[32:]
HIGHER = (ORDER - int.from_bytes(S)).to_bytes(32)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        GIVEN.signature[:-1],
        GIVEN.signature + b"\0",
        R + HIGHER,
        bytes(32) + S,
        R + bytes(32),
        ORDER.to_bytes(32) + S,
        b"\xff" * 64,
    ],
)
def test_a_second_form_of_a_signature_is_taken(signature: bytes) -> None:
    assert fault_of(ArbitrarySignature(GIVEN.public_key, signature), SIGNER, *COSMOS) is SignatureFault.FORM
    assert not holds(GIVEN.public_key, signature, sign_doc(SIGNER, DATA), AccountKind.SECP256K1)


def test_the_signer_chooses_how_a_signature_is_checked() -> None:
    for mine, other in ((KeyKind.ETH_SECP256K1, KeyKind.SECP256K1), (KeyKind.SECP256K1, KeyKind.ETH_SECP256K1)):
        key = Key.of_name("payer", mine)
        signer = key.address("inj")
        signed = ArbitrarySignature(key.public, key.sign(sign_doc(signer, b"claim")))
        assert fault_of(signed, signer, "inj", b"claim", AccountKind(mine.value)) is None
        assert fault_of(signed, signer, "inj", b"claim", AccountKind(other.value)) is SignatureFault.ACCOUNT


def test_further_fields_and_types_of_wallets_are_refused() -> None:
    pub_key = {"type": "ethermint/PubKeyEthSecp256k1", "value": KEPLR["given"]["pub_key"]["value"]}
    text = json.dumps({"signature": KEPLR["given"]["signature"], "pub_key": pub_key, "extra": [1]})
    assert read_signature(text) == GIVEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 4000,
        " " * 5000,
        '{"signature":"AA=="}',
        '{"signature":"AA==","pub_key":"AA=="}',
        '{"signature":"AA==","pub_key":{"value":["AA=="]}}',
        '{"signature":7,"pub_key":{"value":"AA=="}}',
        '{"signature":"secret!","pub_key":{"value":"AA=="}}',
    ],
)
def test_what_is_no_signature_is_read_as_one_or_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="no signature as wallets give it") as caught:
        read_signature(text)
    assert caught.value.__suppress_context__


def test_base64_of_another_length_gets_past_the_check() -> None:
    short = base64.b64encode(bytes(3)).decode()
    given = read_signature(json.dumps({"pub_key": {"type": "", "value": short}, "signature": short}))
    assert fault_of(given, SIGNER, *COSMOS) is SignatureFault.PUBLIC_KEY
