"""The operator's signing keys: make, list, rotate, revoke, and what to put on a page for payers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from relayclear.errors import RefusedError, UsageError
from relayclear.money.issuer import IssuerKey
from relayclear.money.state import TokenState
from relayclear.store import history, quotes, token_states, tokens
from relayclear.store.db import Transaction
from relayclear.store.history import Event
from relayclear.store.tokens import StoredToken
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.shop import Shop
from relayclear.usecases.token_books import book_token
from relayclear.usecases.tokens_view import read_view, revoked_keys

_VOIDABLE = (TokenState.OPEN, TokenState.PARTLY_PAID, TokenState.PAID)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key and until when it is needed: the end of its last token's grace, None where it made none."""

    key: IssuerKey
    needed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revoked key and the memos of the tokens that are void by it."""

    key: IssuerKey
    voided: tuple[str, ...]


def list_keys(desk: Desk) -> list[KeyView]:
    """All keys by id.  Raises ConfigError where the files can't be used safely."""
    with desk.journal.database.snapshot() as reads:
        return [KeyView(key, tokens.last_grace_of_key(reads, key.kid)) for key in _shop(desk).keys.listed()]


def create_key(desk: Desk, who: str, once: Once = ANEW) -> IssuerKey:
    """Make the key that quotes are made with.  Raises RefusedError where there is one."""
    return _make(desk, who, "key_created", _shop(desk).keys.create, once)


def rotate_key(desk: Desk, who: str, once: Once = ANEW) -> IssuerKey:
    """Make a new key; the old one knows its quotes until they end.  Raises RefusedError without one."""
    return _make(desk, who, "key_rotated", _shop(desk).keys.rotate, once)


def _make(desk: Desk, who: str, what: str, make: Callable[[datetime, int], IssuerKey], once: Once) -> IssuerKey:
    """A new key, told in the history; of a wish that was made before the key as it was made then.

    The file can't be part of a commit: a wish's key id is committed first, and where its file is
    there already, nothing is made.
    """
    keys, wished = _shop(desk).keys, _wished(desk, what, once)
    # Nobody else makes a key meanwhile.
    with desk.journal.database.atomic() as tx:
        found = None if wished is None else keys.find(wished)
        if found is not None:
            return replace(found, rotated_at=None, revoked_at=None)
        key = make(desk.clock.now(), max(quotes.highest_kid(tx), (wished or 1) - 1))
        detail = {"fingerprint": key.fingerprint}
        history.add(tx, Event(desk.clock.now(), who, what, subject=f"key {key.kid}", detail=detail))
    return key


def _wished(desk: Desk, what: str, once: Once) -> int | None:
    """The id that a wish's key has or is to have, None without an idempotency key."""
    if once.key is None:
        return None
    keys = _shop(desk).keys
    with desk.journal.database.atomic() as tx:
        found = once.answer(tx)
        if found is None:
            if (keys.current() is None) is (what == "key_rotated"):
                return None  # it will be refused, and may be wished again
            found = {"key_id": max([quotes.highest_kid(tx), *(key.kid for key in keys.listed())]) + 1}
            once.keep(tx, found, desk.clock.now())
    return int(found["key_id"])


def revoke_key(desk: Desk, kid: int, reason: str, who: str, once: Once = ANEW) -> Revoked:
    """Void a key and every token of it whose work hasn't begun: what was paid for them is owed back in full.

    Raises UsageError for an unknown id and without a reason.
    """
    if not reason.strip():
        raise UsageError("revoking a key needs a reason", hint='--reason "…"', code="no_reason")
    once.begin(desk.journal.database)
    now = desk.clock.now()
    key = _shop(desk).keys.revoke(kid, now)
    revoked = revoked_keys(desk)
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        voided = _void(tx, kid, revoked, now)
        detail = {"reason": reason, "voided": voided}
        history.add(tx, Event(now, who, "key_revoked", subject=f"key {kid}", detail=detail))
        done = Revoked(key, tuple(voided))
        once.keep(tx, done, now)
    return done


def _void(tx: Transaction, kid: int, revoked: Iterable[int], now: datetime) -> list[str]:
    voided = []
    for stored in list(_of_key(tx, kid)):
        view = read_view(tx, stored, frozenset(revoked))
        if view.state is TokenState.REVOKED:
            token_states.move(tx, stored.order_id, view.state.value, now)
            book_token(tx, view, now)
            voided.append(stored.token.memo)
    return voided


def _of_key(tx: Transaction, kid: int) -> Iterable[StoredToken]:
    offset = 0
    while page := tokens.page(tx, _PAGE, offset, states=[state.value for state in _VOIDABLE]):
        yield from (stored for stored in page if stored.token.ref.kid == kid)
        offset += len(page)


def publication(desk: Desk) -> dict[str, Any]:
    """What to put at `operator.url`: who sells, the public keys, the payees; nothing secret.

    Raises RefusedError without a key: there would be nothing to check by.
    """
    shop = _shop(desk)
    keys = shop.keys.listed()
    if not keys:
        raise RefusedError("there is no key to publish yet", hint="relayclear keys create", code="no_key")
    return {
        "operator": shop.operator.name,
        "keys": [_published(key) for key in keys],
        "payees": [
            {"chain": chain, "address": payee, "denoms": _denoms(shop, chain)}
            for chain, payee in sorted(shop.payees.items())
        ],
    }


def _published(key: IssuerKey) -> dict[str, Any]:
    return {
        "key_id": key.kid,
        "fingerprint": key.fingerprint,
        "public_key": base64.b64encode(key.public_key).decode(),
        "state": key.state.value,
    }


def _denoms(shop: Shop, chain: str) -> list[str]:
    prices = shop.prices.get(chain)
    return [schedule.denom for schedule in prices.schedules] if prices else []


def _shop(desk: Desk) -> Shop:
    if desk.shop is None:
        raise RefusedError("no shop is set up here", hint="relayclear config path", code="no_shop")
    return desk.shop
