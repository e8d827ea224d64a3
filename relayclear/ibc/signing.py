"""How accounts sign: addresses, digests, and the check of a signature.

Cosmos accounts hash with SHA-256 and RIPEMD-160, Ethermint's with Keccak-256 (Cosmos SDK
`crypto/keys/secp256k1`, cosmos/evm `crypto/ethsecp256k1`).  Nothing here knows a private key.
"""

from __future__ import annotations

from hashlib import sha256

import bech32
from Crypto.Hash import RIPEMD160, keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relayclear.ibc.accounts import AccountKind

PUBLIC_KEY_BYTES = 33
SIGNATURE_BYTES = 64
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of the curve secp256k1 (SEC 2)."""

_HALF = SIGNATURE_BYTES // 2


def address_of(public_key: bytes, kind: AccountKind, prefix: str) -> str:
    """The address of a compressed public key, 33 bytes.  Raises ValueError for bytes that are no point."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
    if kind is AccountKind.ETH_SECP256K1:
        account = _keccak(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:])[-20:]
    else:
        account = RIPEMD160.new(sha256(public_key).digest()).digest()
    return str(bech32.bech32_encode(prefix, bech32.convertbits(account, 8, 5)))


def digest_of(document: bytes, kind: AccountKind) -> bytes:
    """The 32 bytes that are signed of a document."""
    return _keccak(document) if kind is AccountKind.ETH_SECP256K1 else sha256(document).digest()


def in_range(signature: bytes) -> bool:
    """Whether a signature is r and s of 32 bytes each, of which chains take the lower s only."""
    r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
    return len(signature) == SIGNATURE_BYTES and 0 < r < ORDER and 0 < s <= ORDER // 2


def holds(public_key: bytes, signature: bytes, document: bytes, kind: AccountKind) -> bool:
    """Whether the key signed the document: 33 bytes, 64 bytes with the lower s.

    Raises ValueError for a public key that is no point of the curve.
    """
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
    if not in_range(signature):
        return False
    numbers = utils.encode_dss_signature(int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
    try:
        # The digest is made already, and 32 bytes whichever hash made it.
        point.verify(numbers, digest_of(document, kind), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()
