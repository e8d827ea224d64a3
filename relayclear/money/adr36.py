"""Texts signed with an account's key by ADR-36, as Keplr's `signArbitrary` does, and their check.

Signed is a transaction that no chain can take: empty chain id, no fee, one `sign/MsgSignData`, as
JSON with sorted keys and no spaces (Cosmos SDK ADR-36; the same bytes as cosmjs' `serializeSignDoc`).
"""

from __future__ import annotations

import base64
import json
from enum import StrEnum
from typing import Any, NamedTuple

from relayclear.ibc.accounts import AccountKind
from relayclear.ibc.address import read_address
from relayclear.ibc.signing import PUBLIC_KEY_BYTES, address_of, holds, in_range

_LARGEST = 4096


class SignatureFault(StrEnum):
    """Why a signature doesn't count."""

    PUBLIC_KEY = "public_key"
    """not 33 bytes, or no point of the curve"""
    FORM = "form"
    """not 64 bytes, out of range, or the higher of the two s"""
    PREFIX = "prefix"
    """the signer is no address of the chain"""
    ACCOUNT = "account"
    """the key is another account's"""
    SIGNATURE = "signature"
    """the key didn't sign this data"""


class ArbitrarySignature(NamedTuple):
    """What a wallet gives back: the signer's compressed public key, and r and s."""

    public_key: bytes
    signature: bytes


def sign_doc(signer: str, data: bytes) -> bytes:
    """The very bytes that a wallet signs of data for an account."""
    value = {"data": base64.b64encode(data).decode(), "signer": signer}
    document = {
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [{"type": "sign/MsgSignData", "value": value}],
        "sequence": "0",
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # As Go's encoder does, which amino's signing bytes come from.
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e").encode()


def verify(public_key: bytes, signature: bytes, signer: str, prefix: str, data: bytes, kind: AccountKind) -> bool:
    """Whether the account `signer` of a chain with `prefix` and `kind` signed the data."""
    return fault_of(ArbitrarySignature(public_key, signature), signer, prefix, data, kind) is None


def fault_of(
    given: ArbitrarySignature, signer: str, prefix: str, data: bytes, kind: AccountKind
) -> SignatureFault | None:
    """Why a signature doesn't count, None where it does.

    `prefix` and `kind` are the chain's, from the config: whoever signed doesn't choose how it is checked.
    """
    account = read_address(signer)
    if account is None or account.prefix != prefix or signer != signer.lower():
        return SignatureFault.PREFIX
    if len(given.public_key) != PUBLIC_KEY_BYTES:
        return SignatureFault.PUBLIC_KEY
    if not in_range(given.signature):
        return SignatureFault.FORM
    try:
        if address_of(given.public_key, kind, prefix) != signer:
            return SignatureFault.ACCOUNT
    except ValueError:
        return SignatureFault.PUBLIC_KEY
    signed = holds(given.public_key, given.signature, sign_doc(signer, data), kind)
    return None if signed else SignatureFault.SIGNATURE


def read_signature(text: str) -> ArbitrarySignature:
    """Read the JSON that `signArbitrary` gives: ``{"pub_key":{"type":…,"value":…},"signature":…}``, both base64.

    The type is not looked at: it is what a wallet claims.  Further fields are let be.  Raises
    ValueError for anything else, and says nothing of it.
    """
    try:
        document = _document(text)
        return ArbitrarySignature(_bytes(document["pub_key"]["value"]), _bytes(document["signature"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError("this is no signature as wallets give it") from None


def _document(text: str) -> Any:
    if len(text) > _LARGEST:
        raise ValueError
    return json.loads(text)


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError
    return base64.b64decode(text, validate=True)
