"""The signed copy of a token's terms, for the payer to keep and anybody to check.

The file is JSON with `schema_version`, `terms`, `public_key` and `signature` (base64).  Signed is
the canonical form of the terms (sorted keys, no spaces, ASCII) behind a fixed prefix, with
Ed25519.  Every amount is a string, so that no reader rounds it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import PacketKey
from relayclear.money import base32
from relayclear.money.fees import GasBasis, GasCharge, GasEstimate, GasSource, PacketTerm, Quote, Rate
from relayclear.money.memo import MemoRef, parse_memo
from relayclear.money.token import ClearingToken, utc

SCHEMA_VERSION = 1
_CONTEXT = b"relayclear/quote/1\0"
_FINGERPRINT_BYTES = 10
_AMOUNT = re.compile(r"[0-9]{1,78}")
_PARTS = {"schema_version", "terms", "public_key", "signature"}
Json = Mapping[str, Any]
Value = TypeVar("Value")


class DocumentFault(StrEnum):
    """Why a document isn't accepted."""

    NOT_A_QUOTE = "not_a_quote"
    NEWER_VERSION = "newer_version"
    TAMPERED = "tampered"
    OTHER_SIGNER = "other_signer"
    BAD_TERMS = "bad_terms"


class DocumentError(ValueError):
    """A document that can't be relied on; `fault` says why."""

    def __init__(self, fault: DocumentFault) -> None:
        """Keep the code: the sentence for it is made elsewhere."""
        super().__init__(fault.value)
        self.fault = fault


class SignedQuote(NamedTuple):
    """A token read from a document whose signature holds, and the key (32 bytes) that made it."""

    token: ClearingToken
    public_key: bytes


def fingerprint(public_key: bytes) -> str:
    """Name a public key in 16 letters that survive reading aloud: ``xxxx-xxxx-xxxx-xxxx``."""
    letters = base32.encode(sha256(public_key).digest()[:_FINGERPRINT_BYTES])
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def is_fingerprint_of(text: str, public_key: bytes) -> bool:
    """Whether a typed fingerprint names the key; case, spaces, dashes and look-alike letters don't matter."""
    typed = re.sub(r"[\s-]", "", text).lower().translate(str.maketrans("ilo", "110"))
    return typed == fingerprint(public_key).replace("-", "")


def public_key_of(private_key: bytes) -> bytes:
    """The public key, 32 bytes, of a private one.  Raises ValueError for other than 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def write_document(token: ClearingToken, private_key: bytes) -> str:
    """Sign a token's terms: the text of the file, one line.  Raises ValueError for a key of other than 32 bytes."""
    terms = terms_of(token)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_CONTEXT + canonical(terms))
    document = {
        "schema_version": SCHEMA_VERSION,
        "terms": terms,
        "public_key": base64.b64encode(public_key_of(private_key)).decode(),
        "signature": base64.b64encode(signature).decode(),
    }
    return canonical(document).decode() + "\n"


def read_document(text: str, public_key: bytes | None = None) -> SignedQuote:
    """Read a document back.

    With a `public_key` it must be that key's; without one the caller still has to ask whose key
    it is.  Raises DocumentError for anything that `write_document` wouldn't have written.
    """
    try:
        document = json.loads(text, object_pairs_hook=_object)
        _readable(document)
        found, signature = (base64.b64decode(document[name], validate=True) for name in ("public_key", "signature"))
    except DocumentError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DocumentError(DocumentFault.NOT_A_QUOTE) from error
    terms = document["terms"]
    if public_key not in {None, found}:
        raise DocumentError(DocumentFault.OTHER_SIGNER)
    try:
        Ed25519PublicKey.from_public_bytes(found).verify(signature, _CONTEXT + canonical(terms))
    except (InvalidSignature, ValueError) as error:
        raise DocumentError(DocumentFault.TAMPERED) from error
    return SignedQuote(_checked_token(terms), found)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Take no key twice: readers differ in which one counts, and the signature covers only ours."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _readable(document: Json) -> None:
    """Raise for another version, and for parts that no signature covers."""
    version = _count(document["schema_version"])
    if version > SCHEMA_VERSION:
        raise DocumentError(DocumentFault.NEWER_VERSION)
    if version != SCHEMA_VERSION or set(document) != _PARTS:
        raise DocumentError(DocumentFault.NOT_A_QUOTE)


def canonical(value: object) -> bytes:
    """The one byte form of a JSON value: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def terms_of(token: ClearingToken) -> dict[str, Any]:
    """All terms of a token as JSON values; amounts are strings, times RFC 3339 in UTC."""
    quote = token.quote
    return {
        "token": token.memo,
        "key_id": token.ref.kid,
        "instance": token.instance_id,
        "issued_at": utc(token.issued_at),
        "expires_at": utc(token.expires_at),
        "late_grace_seconds": token.late_grace,
        "deadline_after_payment_seconds": token.deadline,
        "pay": {"chain": quote.chain, "to": token.payee, "amount": _coin(quote.price)},
        "breakdown": {
            "service_fee": str(quote.service_fee),
            "packet_fee": str(quote.packet_fee),
            "gas": [_charge(charge) for charge in quote.gas],
            "gas_margin": str(quote.gas_margin),
            "waived": quote.waived,
        },
        "refund": {
            "to": token.refund_to,
            "from_exchange": token.from_exchange,
            "fees": [_coin(fee) for fee in quote.refund_fees],
            "dust": str(quote.dust),
        },
        "packets": [_packet(term, quote.denom) for term in quote.packets],
    }


def _coin(coin: Coin) -> Json:
    return {"denom": coin.denom, "amount": str(coin.amount)}


def _charge(charge: GasCharge) -> Json:
    estimate = charge.estimate
    return {
        "chain": estimate.chain,
        "denom": estimate.denom,
        "units": str(estimate.units),
        "price": str(estimate.price),
        "basis": {"source": estimate.basis.source.value, "relays": estimate.basis.relays},
        "rate": None if charge.rate is None else [str(charge.rate.num), str(charge.rate.den)],
        "charged": None if charge.charged is None else str(charge.charged),
    }


def _packet(term: PacketTerm, denom: str) -> Json:
    return {
        **term.key._asdict(),
        "share": _coin(Coin(denom, term.share)),
        "expected": term.expected.value,
        "otherwise": None if term.otherwise is None else term.otherwise.value,
    }


def _checked_token(terms: Json) -> ClearingToken:
    """Rebuild the token and write it out again: a term that was read loosely or not at all shows there."""
    try:
        token = _token(terms)
        same = canonical(terms_of(token)) == canonical(terms)
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
        raise DocumentError(DocumentFault.BAD_TERMS) from error
    if not same:
        raise DocumentError(DocumentFault.BAD_TERMS)
    return token


def _token(terms: Json) -> ClearingToken:
    ref = parse_memo(_text(terms["token"]))
    if not isinstance(ref, MemoRef):
        raise TypeError
    return ClearingToken(
        _quote(terms),
        _text(terms["pay"]["to"]),
        ref,
        datetime.fromisoformat(terms["issued_at"]),
        datetime.fromisoformat(terms["expires_at"]),
        _count(terms["late_grace_seconds"]),
        _count(terms["deadline_after_payment_seconds"]),
        _text(terms["instance"]),
        _maybe(_text, terms["refund"]["to"]),
        _flag(terms["refund"]["from_exchange"]),
    )


def _quote(terms: Json) -> Quote:
    pay, breakdown, refund = terms["pay"], terms["breakdown"], terms["refund"]
    denom = _text(pay["amount"]["denom"])
    return Quote(
        _text(pay["chain"]),
        denom,
        _amount(breakdown["service_fee"]),
        _amount(breakdown["packet_fee"]),
        tuple(_read_charge(charge, denom) for charge in breakdown["gas"]),
        Decimal(_text(breakdown["gas_margin"])),
        tuple(_read_packet(packet) for packet in terms["packets"]),
        tuple(_read_coin(fee) for fee in refund["fees"]),
        _amount(refund["dust"]),
        _maybe(_text, breakdown["waived"]),
    )


def _read_charge(charge: Json, denom: str) -> GasCharge:
    basis = GasBasis(GasSource(charge["basis"]["source"]), _count(charge["basis"]["relays"]))
    price = Decimal(_text(charge["price"]))
    rate = charge["rate"]
    return GasCharge(
        GasEstimate(_text(charge["chain"]), _text(charge["denom"]), _amount(charge["units"]), price, basis),
        None if rate is None else Rate(_amount(rate[0]), _amount(rate[1]), denom),
        _maybe(_amount, charge["charged"]),
    )


def _read_packet(packet: Json) -> PacketTerm:
    key = PacketKey(_text(packet["chain"]), _text(packet["port"]), _text(packet["channel"]), _count(packet["sequence"]))
    return PacketTerm(
        key, _read_coin(packet["share"]).amount, Fate(packet["expected"]), _maybe(Fate, packet["otherwise"])
    )


def _read_coin(coin: Json) -> Coin:
    return Coin(_text(coin["denom"]), _amount(coin["amount"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _amount(value: object) -> int:
    if not _AMOUNT.fullmatch(_text(value)):
        raise TypeError
    return int(_text(value))


def _count(value: object) -> int:
    # True is an int for Python and would be written out again as it came.
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _maybe(read: Callable[[Any], Value], value: object) -> Value | None:
    return None if value is None else read(value)


def fingerprint_in(document: str) -> str:
    """The name of the key that signed a stored quote."""
    return fingerprint(read_document(document).public_key)
