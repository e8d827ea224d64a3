"""Signed quotes: every term is covered, and nothing that was touched is read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.triage import PacketClass
from relayclear.money.document import (
    DocumentError,
    DocumentFault,
    canonical,
    fingerprint,
    is_fingerprint_of,
    public_key_of,
    read_document,
    terms_of,
    write_document,
)
from relayclear.money.fees import FeeSchedule, GasBasis, GasEstimate, GasSource, PriceList, Rate, promise, quote
from relayclear.money.token import ClearingToken, issue
from tests.money.build import KEY, NOW, PAYEE, RULES, SIGNING_KEY, keys, refunded_to, token

PUBLIC = public_key_of(SIGNING_KEY)
MEDIAN = GasBasis(GasSource.MEDIAN, 12)


def rich(amount: int = 10**18, waived: str | None = None) -> ClearingToken:
    """A token with something in every field."""
    rates = {("beta-1", "ubeta"): Rate(3, 2, "stake")}
    prices = PriceList("alpha-1", (FeeSchedule("stake", amount, 7, 5, 3),), Decimal("1.50"), rates)
    gas = [
        GasEstimate("alpha-1", "stake", 250_000, Decimal("0.025"), MEDIAN),
        GasEstimate("beta-1", "ubeta", 250_000, Decimal("1E-7"), MEDIAN),
        GasEstimate("beta-1", "uother", 1, Decimal(1), GasBasis(GasSource.CONFIGURED, 0)),
    ]
    classes = [PacketClass.STUCK, PacketClass.TIMED_OUT, PacketClass.ACK_MISSING]
    promises = [promise(key, kind) for key, kind in zip(keys(3), classes, strict=True)]
    found = quote(prices, "stake", promises, gas, waived)
    return issue(found, PAYEE, KEY, b"order--1", NOW, RULES, refund_to="cosmos1me", from_exchange=True)


def fault(text: str, public_key: bytes | None = None) -> DocumentFault:
    with pytest.raises(DocumentError) as caught:
        read_document(text, public_key)
    return caught.value.fault


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every plain value in a JSON document."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))
    else:
        yield path


def changed(document: Any, path: tuple[str | int, ...], value: object) -> str:
    """The document with another value at a path."""
    copy = json.loads(json.dumps(document))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(copy)


def signed(terms: object, private_key: bytes = SIGNING_KEY) -> str:
    """A document whose signature is right, whatever its terms are."""
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(b"relayclear/quote/1\0" + canonical(terms))
    document = json.loads(write_document(token(), private_key))
    return json.dumps(document | {"terms": terms, "signature": base64.b64encode(signature).decode()})


TERMS = terms_of(rich())
DOCUMENT = json.loads(write_document(rich(), SIGNING_KEY))
PLACES = list(places(TERMS))


@pytest.mark.parametrize(
    "sold", [token(), rich(), rich(2**255), rich(waived="grant"), refunded_to("cosmos1me")], ids=range(5)
)
def test_a_document_reads_back_as_the_token_it_was_written_from(sold: ClearingToken) -> None:
    assert read_document(write_document(sold, SIGNING_KEY)) == (sold, PUBLIC)
    assert read_document(write_document(sold, SIGNING_KEY), PUBLIC) == (sold, PUBLIC)


def test_a_document_laid_out_by_hand_is_still_the_same() -> None:
    assert read_document(json.dumps(DOCUMENT, indent=4)).token == rich()


def test_the_signed_form_is_canonical() -> None:
    assert canonical({"b": 1, "a": "\u00e9 "}) == b'{"a":"\\u00e9 ","b":1}'
    assert (
        write_document(token(), SIGNING_KEY)
        == canonical(json.loads(write_document(token(), SIGNING_KEY))).decode() + "\n"
    )


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_no_term_can_be_changed(path: tuple[str | int, ...]) -> None:
    assert fault(changed(DOCUMENT, ("terms", *path), "cosmos1mallory")) is DocumentFault.TAMPERED


def read_or_fault(text: str) -> ClearingToken | DocumentFault:
    try:
        return read_document(text).token
    except DocumentError as error:
        return error.fault


WRONG = [True, 1.0, -1, [], {}, "-1", "01", "NaN", "1e3", "x", "2026-11-22T12:00:00", None]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_signed_term_of_the_wrong_kind_is_not_read_as_another(path: tuple[str | int, ...]) -> None:
    for value in WRONG:
        terms = json.loads(changed(TERMS, path, value))
        read = read_or_fault(signed(terms))
        if isinstance(read, ClearingToken):
            assert canonical(terms_of(read)) == canonical(terms)
        else:
            assert read is DocumentFault.BAD_TERMS


def test_a_term_that_nobody_reads_is_refused() -> None:
    assert fault(signed(TERMS | {"discount": "50"})) is DocumentFault.BAD_TERMS
    assert fault(signed({})) is DocumentFault.BAD_TERMS
    assert fault(signed([1])) is DocumentFault.BAD_TERMS
    assert fault(signed(None)) is DocumentFault.BAD_TERMS


def test_shares_that_do_not_add_up_are_refused_though_signed() -> None:
    assert fault(signed(json.loads(changed(TERMS, ("packets", 0, "share", "amount"), "1")))) is DocumentFault.BAD_TERMS


def test_another_signers_document_is_told_apart() -> None:
    theirs = write_document(rich(), b"m" * 32)
    assert read_document(theirs).public_key == public_key_of(b"m" * 32) != PUBLIC
    assert fault(theirs, PUBLIC) is DocumentFault.OTHER_SIGNER


def test_another_signers_key_over_our_signature_is_tampered_with() -> None:
    theirs = json.loads(write_document(rich(), b"m" * 32))
    assert fault(json.dumps(DOCUMENT | {"public_key": theirs["public_key"]})) is DocumentFault.TAMPERED


@pytest.mark.parametrize("text", ["AAAA", ""], ids=["three bytes", "none"])
def test_a_key_or_signature_of_the_wrong_size_is_refused(text: str) -> None:
    assert fault(json.dumps(DOCUMENT | {"public_key": text})) is DocumentFault.TAMPERED
    assert fault(json.dumps(DOCUMENT | {"signature": text})) is DocumentFault.TAMPERED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rc1",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        json.dumps({name: value for name, value in DOCUMENT.items() if name != "signature"}),
        json.dumps(DOCUMENT | {"note": "not signed"}),
        json.dumps(DOCUMENT | {"signature": "!"}),
        json.dumps(DOCUMENT | {"signature": 1}),
        json.dumps(DOCUMENT | {"schema_version": 0}),
        json.dumps(DOCUMENT | {"schema_version": True}),
        json.dumps(DOCUMENT | {"schema_version": "1"}),
        write_document(rich(), SIGNING_KEY).replace('"terms":{', '"terms":{"key_id":9,', 1),
    ],
    ids=[
        "nothing",
        "a memo",
        "a list",
        "no parts",
        "null",
        "endless brackets",
        "no signature",
        "an unsigned part",
        "no base64",
        "a number for a signature",
        "version zero",
        "a flag for a version",
        "text for a version",
        "a key twice",
    ],
)
def test_what_is_no_quote_is_called_so(text: str) -> None:
    assert fault(text) is DocumentFault.NOT_A_QUOTE


def test_a_newer_document_is_not_guessed_at() -> None:
    assert fault(json.dumps(DOCUMENT | {"schema_version": 2, "more": 1})) is DocumentFault.NEWER_VERSION


@given(st.text())
def test_any_text_is_a_fault_and_never_a_crash(text: str) -> None:
    fault(text)


def test_a_fingerprint_is_short_and_survives_being_typed() -> None:
    name = fingerprint(PUBLIC)
    assert len(name) == 19
    for typed in (
        name,
        name.upper(),
        name.replace("-", ""),
        name.replace("-", " ").replace("1", "l").replace("0", "O"),
    ):
        assert is_fingerprint_of(f" {typed}\n", PUBLIC)
    assert not is_fingerprint_of(name[:-1], PUBLIC)
    assert not is_fingerprint_of("", PUBLIC)
    assert not is_fingerprint_of(name, public_key_of(b"m" * 32))


def test_the_signature_is_ed25519s_own() -> None:
    # RFC 8032, 7.1, test 1: secret key and public key.
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert public_key_of(secret).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_a_signing_key_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        write_document(replace(token(), from_exchange=False), b"short")
