"""A secret under a passphrase: scrypt makes the key (RFC 7914), AES-256-GCM seals with it."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Lock(NamedTuple):
    """How a passphrase becomes a key: `n`, `r`, `p` as scrypt calls them; it takes 128 x n x r bytes of memory."""

    salt: bytes
    n: int
    r: int
    p: int


class Sealed(NamedTuple):
    """What was sealed, with its tag, and the nonce that was used for it alone."""

    nonce: bytes
    text: bytes


def key_of(lock: Lock, passphrase: bytes) -> bytes:
    """The key, 32 bytes; slow on purpose."""
    return Scrypt(salt=lock.salt, length=_KEY_BYTES, n=lock.n, r=lock.r, p=lock.p).derive(passphrase)


def seal(key: bytes, secret: bytes, about: bytes) -> Sealed:
    """Seal a secret together with what stands in clear about it."""
    # Random nonces of 96 bits are safe for far more than the handful of keys that a file holds.
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return Sealed(nonce, AESGCM(key).encrypt(nonce, secret, about))


def unseal(key: bytes, sealed: Sealed, about: bytes) -> bytes | None:
    """The secret; None where the key is another, or a byte of it or of what stands about it was changed."""
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.text, about)
    except (InvalidTag, ValueError):
        return None
