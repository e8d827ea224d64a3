"""The keys behind quotes: one key id holds the secret of its memos and the key that signs its documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from relayclear.money.memo import MAX_KID, MemoKey

SIGNING_KEY_BYTES = 32


class KeyState(StrEnum):
    """What a key id is good for: `current` makes quotes, `rotated` only knows its own, `revoked` has voided them."""

    CURRENT = "current"
    ROTATED = "rotated"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key id from 1 to 255 with its two secrets, 32 bytes each; times by the wall clock.

    Neither secret is in its `repr`.  Raises ValueError for another id or size.
    """

    memo_key: MemoKey
    signing_key: bytes = field(repr=False)
    created_at: datetime
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what can't sign: a memo key of id 0 would be a valid one."""
        if not 1 <= self.memo_key.kid <= MAX_KID or len(self.signing_key) != SIGNING_KEY_BYTES:
            raise ValueError("an issuer's key has an id of 1 to 255 and 32 bytes to sign with")

    @property
    def kid(self) -> int:
        """Its id, which stands in every memo and document."""
        return self.memo_key.kid

    @property
    def public_key(self) -> bytes:
        """What others check documents with, 32 bytes."""
        # Every command wires the keys, and few sign: the library of signatures is imported where it is used.
        from relayclear.money.document import public_key_of  # noqa: PLC0415

        return public_key_of(self.signing_key)

    @property
    def fingerprint(self) -> str:
        """The public key's name, to be read aloud."""
        from relayclear.money.document import fingerprint  # noqa: PLC0415

        return fingerprint(self.public_key)

    @property
    def state(self) -> KeyState:
        """What it is good for."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        return KeyState.CURRENT if self.rotated_at is None else KeyState.ROTATED
