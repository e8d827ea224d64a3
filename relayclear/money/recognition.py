"""What coins that arrived are for: the token that their memo names, or why they are nobody's yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.money.memo import AmbiguousMemo, MemoKey, MemoPlace, MemoRef, nearest, parse_memo, verify
from relayclear.money.token import ClearingToken

# What our own refunds carry: one that comes back is no payment.
REFUND_PREFIX = "rc1r:"
# The token of a memo as it was stored, None for one that nobody here issued.
Known = Callable[[MemoRef], ClearingToken | None]


class Standing(StrEnum):
    """What coins are: a token's, nobody's, those of a token that we made and lost, or our own moved about."""

    PAYMENT = "payment"
    ORPHAN = "orphan"
    OURS_LOST = "ours_lost"
    OWN = "own"


class Why(StrEnum):
    """Why coins are no token's."""

    NO_MEMO = "no_memo"
    NAMES_NONE = "no_token_in_memo"
    SEVERAL_NAMED = "several_tokens"
    UNKNOWN_MEMO = "unknown_token"
    WRONG_TAG = "wrong_tag"
    OTHER_CHAIN = "other_chain"
    MEMO_OUTSIDE_PACKET = "memo_outside_packet"
    RETURNED = "returned"
    REFUND_CAME_BACK = "refund_came_back"
    FROM_OURSELVES = "from_ourselves"
    LOST = "token_lost"


class Recognition(NamedTuple):
    """What coins are, the token they are for or plainly meant for, and why they aren't just a token's."""

    standing: Standing
    ref: MemoRef | None = None
    why: Why | None = None


def recognise(
    arrival: Arrival, payee: str, known: Known, keys: Iterable[MemoKey], ours: AbstractSet[str]
) -> Recognition:
    """Say what an arrival at `payee` is for.  The first row that fits counts; `-` is anything.

    | came as | sender | memo that counts | standing | why |
    |---|---|---|---|---|
    | returned | - | - | orphan | `returned` |
    | not IBC | the payee or `ours` | - | own | `from_ourselves` |
    | - | - | begins with `rc1r:` | orphan | `refund_came_back` |
    | - | - | names one known token, of this chain | payment | |
    | - | - | - of another chain | orphan, the token named | `other_chain` |
    | - | - | - whose key says the tag is wrong | orphan | `wrong_tag` |
    | - | - | names an unknown token, verifies under a key of ours | `ours_lost` | `token_lost` |
    | - | - | names an unknown token (a typo, a forgery, another operator's) | orphan | `unknown_token` |
    | - | - | names several | orphan | `several_tokens` |
    | IBC | - | none, and the transaction's names a known token | orphan, the token named | `memo_outside_packet` |
    | - | - | none | orphan | `no_memo` |
    | - | - | anything else | orphan | `no_token_in_memo` |

    The tag is checked against the stored terms, so coins of a wrong denom are still their token's.
    A known token whose key is gone needs none: its memo was stored letter by letter.
    """
    if arrival.kind is ArrivalKind.RETURNED:
        return Recognition(Standing.ORPHAN, why=Why.RETURNED)
    if arrival.kind is not ArrivalKind.IBC and arrival.sender in {payee, *ours}:
        return Recognition(Standing.OWN, why=Why.FROM_OURSELVES)
    if arrival.memo.strip().lower().startswith(REFUND_PREFIX):
        return Recognition(Standing.ORPHAN, why=Why.REFUND_CAME_BACK)
    named = parse_memo(arrival.memo)
    if isinstance(named, AmbiguousMemo):
        return Recognition(Standing.ORPHAN, why=Why.SEVERAL_NAMED)
    if named is not None:
        return _named(named, arrival, payee, known, {key.kid: key for key in keys})
    return _without_token(arrival, known)


def _named(ref: MemoRef, arrival: Arrival, payee: str, known: Known, keys: dict[int, MemoKey]) -> Recognition:
    key, token = keys.get(ref.kid), known(ref)
    if token is None:
        place = MemoPlace(arrival.chain, payee, arrival.coin.denom)
        if key is not None and verify(ref, place, key):
            return Recognition(Standing.OURS_LOST, ref, Why.LOST)
        return Recognition(Standing.ORPHAN, why=Why.UNKNOWN_MEMO)
    if key is not None and not verify(ref, token.place, key):
        return Recognition(Standing.ORPHAN, why=Why.WRONG_TAG)
    if token.quote.chain != arrival.chain:
        return Recognition(Standing.ORPHAN, ref, Why.OTHER_CHAIN)
    return Recognition(Standing.PAYMENT, ref)


def _without_token(arrival: Arrival, known: Known) -> Recognition:
    if arrival.memo.strip():
        return Recognition(Standing.ORPHAN, why=Why.NAMES_NONE)
    outer = parse_memo(arrival.outer_memo)
    if isinstance(outer, MemoRef) and known(outer) is not None:
        return Recognition(Standing.ORPHAN, outer, Why.MEMO_OUTSIDE_PACKET)
    return Recognition(Standing.ORPHAN, why=Why.NO_MEMO)


def suggestion(arrival: Arrival, recognition: Recognition, open_tokens: Iterable[MemoRef]) -> MemoRef | None:
    """The token that a person should look at first for coins that are nobody's: plainly meant, or nearly spelt."""
    if recognition.ref is not None:
        return recognition.ref
    if recognition.why in {Why.NAMES_NONE, Why.UNKNOWN_MEMO}:
        return nearest(arrival.memo, open_tokens)
    return None
