"""Crockford's base32: letters that no wallet changes and no reader mistakes for others."""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Write bytes, first bit first; the last letter is filled up with zero bits."""
    spare = -8 * len(data) % 5
    number = int.from_bytes(data) << spare
    places = range((8 * len(data) + spare) // 5 - 1, -1, -1)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in places)


def decode(text: str) -> bytes | None:
    """Read letters of the alphabet back; None for a text that `encode` can't have written.

    The bits that fill up the last letter must be zero, so that two texts never stand for the same
    bytes.  Raises KeyError for a letter outside the alphabet.
    """
    number = 0
    for letter in text:
        number = number << 5 | _VALUES[letter]
    size, spare = divmod(5 * len(text), 8)
    return None if number & ((1 << spare) - 1) else (number >> spare).to_bytes(size)
