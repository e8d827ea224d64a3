"""From the words of a mnemonic to a private key: BIP-39 (English, no passphrase of its own), BIP-32, BIP-44.

No error holds a word.
"""

from __future__ import annotations

import hmac
import re
from hashlib import pbkdf2_hmac, sha256

from relayclear.chains.wallet.keys import SECRET_BYTES, public_key_of
from relayclear.errors import UsageError
from relayclear.ibc.accounts import AccountKind
from relayclear.ibc.signing import ORDER

_LENGTHS = (12, 15, 18, 21, 24)
_WORD_BITS = 11
_ROUNDS = 2048
_HARDENED = 1 << 31
# SLIP-44: 118 is the Cosmos Hub's, which most chains share, 60 Ethereum's.
_COIN_TYPES = {AccountKind.SECP256K1: 118, AccountKind.ETH_SECP256K1: 60}
_PATH = re.compile(r"m(?:/[0-9]{1,10}'?){1,10}", re.ASCII)


def usual_path(kind: AccountKind) -> str:
    """Where wallets keep the first account of a kind."""
    return f"m/44'/{_COIN_TYPES[kind]}'/0'/0/0"


def secret_of(phrase: str, path: str) -> bytes:
    """The private key, 32 bytes, at a path of a phrase.  Raises UsageError for a phrase or path that can't be."""
    steps = read_path(path)
    words = read_phrase(phrase)
    seed = pbkdf2_hmac("sha512", " ".join(words).encode(), b"mnemonic", _ROUNDS)
    return derive(seed, steps)


def phrase_of(entropy: bytes) -> str:
    """The words of 16, 20, 24, 28 or 32 bytes of chance, with their checksum."""
    from cosmpy.mnemonic.words import ENGLISH_MNEMONIC_WORDS_LIST  # noqa: PLC0415 - only here words are needed

    size = len(entropy) // 4
    whole = int.from_bytes(entropy) << size | sha256(entropy).digest()[0] >> (8 - size)
    places = range((len(entropy) * 8 + size) // _WORD_BITS - 1, -1, -1)
    return " ".join(ENGLISH_MNEMONIC_WORDS_LIST[whole >> place * _WORD_BITS & 2047] for place in places)


def read_phrase(phrase: str) -> list[str]:
    """The words of a phrase, in whatever case and spacing.

    Raises UsageError naming the position of a word that isn't in the list, or saying that the
    checksum doesn't fit: words are swapped, missing or mistyped.
    """
    from cosmpy.mnemonic.words import ENGLISH_MNEMONIC_WORDS_LIST  # noqa: PLC0415 - only here words are needed

    words = phrase.lower().split()
    numbers = {word: number for number, word in enumerate(ENGLISH_MNEMONIC_WORDS_LIST)}
    if len(words) not in _LENGTHS:
        raise _bad(f"a mnemonic has 12, 15, 18, 21 or 24 words, not {len(words)}")
    for position, word in enumerate(words, start=1):
        if word not in numbers:
            raise _bad(f"word {position} of the mnemonic isn't in the English list of BIP-39")
    if not _checksum_fits([numbers[word] for word in words]):
        raise _bad("the mnemonic's checksum doesn't fit: a word is wrong, or two are swapped")
    return words


def _checksum_fits(numbers: list[int]) -> bool:
    whole = 0
    for number in numbers:
        whole = whole << _WORD_BITS | number
    # One bit of checksum for each 32 of entropy.
    size = len(numbers) * _WORD_BITS // 33
    entropy = (whole >> size).to_bytes(size * 4)
    return whole & ((1 << size) - 1) == sha256(entropy).digest()[0] >> (8 - size)


def read_path(path: str) -> list[int]:
    """The steps of a derivation path like ``m/44'/118'/0'/0/0``.  Raises UsageError for anything else."""
    steps = (
        [(int(step.rstrip("'")), step.endswith("'")) for step in path.split("/")[1:]] if _PATH.fullmatch(path) else []
    )
    if not steps or any(number >= _HARDENED for number, _ in steps):
        raise UsageError(f"{path[:80]!r} is no derivation path", hint="--hd-path \"m/44'/118'/0'/0/0\"")
    return [number + _HARDENED * hardened for number, hardened in steps]


def derive(seed: bytes, steps: list[int]) -> bytes:
    """The private key at the end of the steps from a seed (BIP-32); hardened ones have the highest bit set."""
    secret, chain_code = _halves(b"Bitcoin seed", seed)
    _refuse_out_of_range(int.from_bytes(secret))
    for step in steps:
        data = b"\0" + secret if step & _HARDENED else public_key_of(secret)
        added, chain_code = _halves(chain_code, data + step.to_bytes(4))
        number = (int.from_bytes(added) + int.from_bytes(secret)) % ORDER
        _refuse_out_of_range(int.from_bytes(added), number)
        secret = number.to_bytes(SECRET_BYTES)
    return secret


def _halves(key: bytes, data: bytes) -> tuple[bytes, bytes]:
    whole = hmac.digest(key, data, "sha512")
    return whole[:SECRET_BYTES], whole[SECRET_BYTES:]


def _refuse_out_of_range(*numbers: int) -> None:
    """Once in 2^127 times a step leads to no key (BIP-32): another path does."""
    if not all(0 < number < ORDER for number in numbers):
        raise UsageError("this path of this mnemonic leads to no key", hint="name another --hd-path")


def _bad(message: str) -> UsageError:
    return UsageError(message, hint="check the file against what you wrote down", code="bad_mnemonic")
