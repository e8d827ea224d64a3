"""The memo of a token: 34 characters that bind a payment to it, written once and read forgivingly.

``rc1`` and 31 letters of Crockford's base32: key id (1 byte), order id (8), and the first 10 bytes
of an HMAC-SHA256 over where the token may be paid.  A wallet or a person may change case, add
spaces, quotes or a prefix; none of that loses a payment, and none of it reaches another token.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import NamedTuple

from relayclear.money import base32

MAX_KID = 255
ORDER_ID_BYTES = 8
SECRET_BYTES = 32
_TAG_BYTES = 10
_CONTEXT = b"relayclear/memo/1\0"
_ALIKE = str.maketrans({"i": "1", "l": "1", "o": "0", "\u2800": " "})
# Not a letter or digit on either side; an underscore may stand there, people write memos in italics.
_MEMO = re.compile(rf"(?<![^\W_])rc1([{base32.ALPHABET}]{{31}})(?![^\W_])")
# An object or array begins: another program's memo, which may quote anything.
_JSON = re.compile(r"[{\[]\s*\\*[\"'{\[]")
# Invisible, though Unicode counts them among letters and marks: joiners, fillers, variation selectors.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}
_LIKELY = 0.8
_LONG = 200  # a memo may have 32 KiB; one that holds a misspelt token and little else is short


@dataclass(frozen=True, slots=True)
class MemoKey:
    """A memo key: its id (one byte) and 32 secret bytes.  Raises ValueError for other sizes."""

    kid: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a short secret: an 80-bit tag is as strong as the key behind it."""
        if not 0 <= self.kid <= MAX_KID or len(self.secret) != SECRET_BYTES:
            raise ValueError("a memo key has an id of one byte and a secret of 32")


class MemoPlace(NamedTuple):
    """Where a token may be paid: chain, address, denom."""

    chain: str
    payee: str
    denom: str


class MemoRef(NamedTuple):
    """What a memo holds: key id, order id and tag.  Its tag may be wrong: see `verify`."""

    kid: int
    order_id: bytes
    tag: bytes

    @property
    def text(self) -> str:
        """The memo in its one canonical spelling, 34 characters."""
        return "rc1" + base32.encode(bytes([self.kid]) + self.order_id + self.tag)


class AmbiguousMemo(NamedTuple):
    """A memo that names several tokens: none of them is paid by it."""

    refs: tuple[MemoRef, ...]


def make_ref(key: MemoKey, order_id: bytes, place: MemoPlace) -> MemoRef:
    """The memo of an order.  Raises ValueError for an order id of other than 8 bytes."""
    if len(order_id) != ORDER_ID_BYTES:
        raise ValueError("an order id has 8 bytes")
    return MemoRef(key.kid, order_id, _tag(key, order_id, place))


def verify(ref: MemoRef, place: MemoPlace, key: MemoKey) -> bool:
    """Whether `key` made this memo for `place`.

    `place` comes from the stored terms, never from the payment, so that a payment of the wrong
    denom is still known for this token's.
    """
    return ref.kid == key.kid and hmac.compare_digest(ref.tag, _tag(key, ref.order_id, place))


def parse_memo(text: str) -> MemoRef | AmbiguousMemo | None:
    """Find the token that a memo names.

    | memo | result |
    |---|---|
    | one token: in any case, with look-alike letters (i l o), invisible characters, quotes, words around | it |
    | the same token several times | it |
    | one token broken by white space, and nothing else | it |
    | several different tokens | ambiguous |
    | JSON, whatever stands in it | none |
    | too short or too long, spare bits not zero, nothing | none |

    A typo that leaves the shape intact gives a ref that `verify` refuses.
    """
    folded = _fold(text)
    if _JSON.search(folded):
        return None
    refs = dict.fromkeys(filter(None, map(_ref, _MEMO.findall(folded))))
    if not refs:
        refs = dict.fromkeys(filter(None, map(_ref, _MEMO.findall("".join(folded.split())))))
    if len(refs) > 1:
        return AmbiguousMemo(tuple(refs))
    return next(iter(refs), None)


def nearest(text: str, refs: Iterable[MemoRef]) -> MemoRef | None:
    """The token whose memo looks most like the text, None where none does: for a person to look at only."""
    folded = "".join(_fold(text[:_LONG]).split())
    likeness = {ref: SequenceMatcher(None, folded, ref.text, autojunk=False).ratio() for ref in refs}
    best = max(likeness, key=lambda ref: likeness[ref], default=None)
    return best if best is not None and likeness[best] >= _LIKELY else None


def _tag(key: MemoKey, order_id: bytes, place: MemoPlace) -> bytes:
    where = b"".join(part.encode() + b"\0" for part in place)
    return hmac.digest(key.secret, _CONTEXT + where + bytes([key.kid]) + order_id, "sha256")[:_TAG_BYTES]


def _fold(text: str) -> str:
    """One spelling for all that look the same: compatible forms, lower case, 1 for i and l, 0 for o."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    return "".join(char for char in plain if not _invisible(char))


def _invisible(char: str) -> bool:
    if char.isspace():
        return False
    return char in _FILLERS or unicodedata.category(char) in {"Cf", "Cc"}


def _ref(letters: str) -> MemoRef | None:
    data = base32.decode(letters)
    return None if data is None else MemoRef(data[0], data[1 : 1 + ORDER_ID_BYTES], data[1 + ORDER_ID_BYTES :])
