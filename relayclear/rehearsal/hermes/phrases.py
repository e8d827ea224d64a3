"""Keys out of phrases and of what chains export (`rly/keyring/secp256k1_key_pair.rs`)."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from cosmpy.mnemonic.words import ENGLISH_MNEMONIC_WORDS_LIST

from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import KeyKind

_COUNTS = (12, 15, 18, 21, 24)
_WORD_BITS = 11
# One bit of checksum for each 32 of entropy (BIP-39).
_BITS_PER_CHECK = 33


def from_phrase(text: str, path: str, kind: KeyKind) -> Key:
    """The key of a mnemonic.  Raises Failure for what is none."""
    words = text.split()
    if len(words) not in _COUNTS:
        raise Failure("invalid mnemonic", f"invalid number of words in phrase: {len(words)}")
    if not {*words} <= {*ENGLISH_MNEMONIC_WORDS_LIST}:
        raise Failure("invalid mnemonic", "invalid word in phrase")
    if not _checks(words):
        raise Failure("invalid mnemonic", "invalid checksum")
    return Key.from_mnemonic(" ".join(words), kind, path)


def from_seed_file(text: str, path: str, kind: KeyKind) -> Key:
    """The key of what a chain's own program printed when it made one.  Raises Failure."""
    try:
        fields: Any = json.loads(text)
        phrase = str(fields["mnemonic"])
    except (ValueError, KeyError, TypeError):
        raise Failure("error encoding key", "expected value at line 1 column 1") from None
    return from_phrase(phrase, path, kind)


def _checks(words: list[str]) -> bool:
    bits = "".join(f"{ENGLISH_MNEMONIC_WORDS_LIST.index(word):0{_WORD_BITS}b}" for word in words)
    length = len(bits) // _BITS_PER_CHECK
    entropy = int(bits[:-length], 2).to_bytes((len(bits) - length) // 8)
    return f"{sha256(entropy).digest()[0]:08b}"[:length] == bits[-length:]
