"""Keys and addresses of both kinds of account, and the check of a signature."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import bech32
from Crypto.Hash import RIPEMD160, keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relayclear.rehearsal.spec import KeyKind

COSMOS_PATH = "m/44'/118'/0'/0/0"
ETHEREUM_PATH = "m/44'/60'/0'/0/0"
# Order of the curve secp256k1 (SEC 2).
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_ADDRESS_BYTES = (20, 32)
_BECH32_SHORTEST, _BECH32_LONGEST = 8, 1023


@dataclass(frozen=True)
class Key:
    """A private key of 32 bytes and how it is used."""

    secret: bytes
    kind: KeyKind = KeyKind.SECP256K1

    @classmethod
    def from_mnemonic(cls, mnemonic: str, kind: KeyKind = KeyKind.SECP256K1, path: str | None = None) -> Key:
        """The key at a BIP-32 path of a BIP-39 phrase; the path is the kind's usual one by default.

        The phrase's checksum is not looked at.  Raises ValueError for words that aren't in the list.
        """
        from cosmpy.mnemonic import derive_child_key_from_mnemonic  # noqa: PLC0415  loads a word list

        usual = ETHEREUM_PATH if kind is KeyKind.ETH_SECP256K1 else COSMOS_PATH
        return cls(derive_child_key_from_mnemonic(mnemonic, path=path or usual), kind)

    @classmethod
    def of_name(cls, name: str, kind: KeyKind = KeyKind.SECP256K1) -> Key:
        """A key that anybody can make from a name: for worlds without money only."""
        return cls(sha256(f"relayclear rehearsal {name}".encode()).digest(), kind)

    @functools.cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.secret), ec.SECP256K1())

    @functools.cached_property
    def public(self) -> bytes:
        """The compressed public key, 33 bytes."""
        return self._private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def address(self, prefix: str) -> str:
        """The account's address."""
        return address_of(self.public, self.kind, prefix)

    def sign(self, document: bytes) -> bytes:
        """The 64 bytes r and s (the lower one) over a document; the same every time."""
        digest = _digest(document, self.kind)
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self._private.sign(digest, algorithm))
        return r.to_bytes(32) + min(s, _ORDER - s).to_bytes(32)


def address_of(public: bytes, kind: KeyKind, prefix: str) -> str:
    """The address of a compressed public key."""
    if kind is KeyKind.ETH_SECP256K1:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)
        whole = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return encode_address(prefix, _keccak(whole[1:])[-20:])
    return encode_address(prefix, RIPEMD160.new(sha256(public).digest()).digest())


def verify(public: bytes, kind: KeyKind, document: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes stands under a document; the higher s is refused, as chains do."""
    if len(signature) != 64:  # noqa: PLR2004  two numbers of 32 bytes
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if s > _ORDER // 2:
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        key.verify(utils.encode_dss_signature(r, s), _digest(document, kind), algorithm)
    except (InvalidSignature, ValueError):
        return False
    return True


def encode_address(prefix: str, payload: bytes) -> str:
    """Bech32 of an account's bytes."""
    return str(bech32.bech32_encode(prefix, bech32.convertbits(payload, 8, 5)))


def decode_address(text: str, prefix: str) -> bytes:
    """An account's bytes.  Raises ValueError with the SDK's own words (cosmos/btcutil, types/bech32)."""
    if not text.strip():
        raise ValueError("empty address string is not allowed")
    hrp, words = bech32.bech32_decode(text)
    if hrp is None or words is None:
        raise ValueError(f"decoding bech32 failed: {_bech32_fault(text)}")
    if hrp != prefix:
        raise ValueError(f"hrp does not match bech32 prefix: expected '{prefix}' got '{hrp}': internal logic error")
    payload: Any = bech32.convertbits(words, 5, 8, False)
    if payload is None or len(payload) not in _ADDRESS_BYTES:
        raise ValueError(f"incorrect address length (expected: 20, actual: {len(payload or ())})")
    return bytes(payload)


def _bech32_fault(text: str) -> str:
    """Why a text is no bech32, in the order in which cosmos/btcutil looks."""
    raw, low = text.encode(), text.lower()
    if not _BECH32_SHORTEST <= len(raw) <= _BECH32_LONGEST:
        return f"invalid bech32 string length {len(raw)}"
    strange = next((byte for byte in raw if not 33 <= byte <= 126), None)  # noqa: PLR2004  printable, without the space
    if strange is not None:
        return f"invalid character in string: '{chr(strange)}'"
    if text not in (low, text.upper()):
        return "string not all lowercase or all uppercase"
    separator = low.rfind("1")
    if separator < 1 or separator + 7 > len(low):
        return f"invalid separator index {separator}"
    foreign = next((letter for letter in low[separator + 1 :] if letter not in bech32.CHARSET), None)
    if foreign is not None:
        return f"invalid character not part of charset: {ord(foreign)}"
    words = [bech32.CHARSET.index(letter) for letter in low[separator + 1 : -6]]
    expected = str(bech32.bech32_encode(low[:separator], words))[-6:]
    return f"invalid checksum (expected {expected} got {low[-6:]})"


def module_address(name: str, prefix: str) -> str:
    """The account of a module."""
    return encode_address(prefix, sha256(name.encode()).digest()[:20])


def escrow_address(port: str, channel: str, prefix: str) -> str:
    """Where coins that left over a channel are kept (ADR-28, as ICS-20 uses it)."""
    return encode_address(prefix, sha256(f"ics20-1\0{port}/{channel}".encode()).digest()[:20])


def _digest(document: bytes, kind: KeyKind) -> bytes:
    return _keccak(document) if kind is KeyKind.ETH_SECP256K1 else sha256(document).digest()


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()
