"""A private key of 32 bytes: its public key, and the signature that it makes of a document, the same every time."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relayclear.ibc.accounts import AccountKind
from relayclear.ibc.signing import ORDER, digest_of

SECRET_BYTES = 32


def public_key_of(secret: bytes) -> bytes:
    """The compressed public key, 33 bytes.  Raises ValueError for a secret that is no number of the curve."""
    return _private(secret).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def sign(secret: bytes, document: bytes, kind: AccountKind) -> bytes:
    """The 64 bytes r and s (the lower one) over a document, with the nonce of RFC 6979.

    Raises ValueError for a secret that is no number of the curve.
    """
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
    r, s = utils.decode_dss_signature(_private(secret).sign(digest_of(document, kind), algorithm))
    return r.to_bytes(SECRET_BYTES) + min(s, ORDER - s).to_bytes(SECRET_BYTES)


def _private(secret: bytes) -> ec.EllipticCurvePrivateKey:
    if len(secret) != SECRET_BYTES:
        raise ValueError("a private key has 32 bytes")
    return ec.derive_private_key(int.from_bytes(secret), ec.SECP256K1())
