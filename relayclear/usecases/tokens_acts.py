"""What an operator does about tokens: take one back, bring one back from its signed copy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relayclear.errors import RefusedError, UsageError
from relayclear.money.document import SignedQuote
from relayclear.money.ledger import Kind, Place, book
from relayclear.money.memo import MemoRef, parse_memo, verify
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.store import history, ledger, payments, tokens
from relayclear.store.db import Transaction
from relayclear.store.history import Event
from relayclear.store.payments import How, Orphan, StoredPayment
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.payments_books import move_tokens, payment_name
from relayclear.usecases.selling import require_shop
from relayclear.usecases.token_books import book_token, payment_ref
from relayclear.usecases.tokens_view import TokenView, read_view, require_token, revoked_keys

_REVOCABLE = {TokenState.OPEN, TokenState.PARTLY_PAID, TokenState.PAID, TokenState.EXPIRED, TokenState.REVOKED}
_PAGE = 500


def revoke_token(desk: Desk, text: str, reason: str, who: str, once: Once = ANEW) -> TokenView:
    """Take a token back before its work begins: it can't be paid any more, and what came is owed back in full.

    A second time changes nothing.  Raises UsageError for an unknown token and without a reason,
    RefusedError once clearing has begun.
    """
    if not reason.strip():
        raise UsageError("taking a quote back needs a reason", hint='--reason "…"', code="no_reason")
    revoked, now = revoked_keys(desk), desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        stored = require_token(tx, text)
        before = read_view(tx, stored, revoked)
        if before.state not in _REVOCABLE:
            raise RefusedError(
                f"{stored.token.memo} is {before.state.value.replace('_', ' ')}: its work has begun, and can't be taken"
                " back",
                hint=f"relayclear tokens show {stored.token.memo}",
                code="work_begun",
            )
        if tokens.revoke(tx, stored.order_id, who, reason, now):
            detail = {"reason": reason, "was": before.state.value}
            history.add(
                tx, Event(now, who, "token_revoked", stored.order_id, wallet=stored.wallet or None, detail=detail)
            )
            book_token(tx, read_view(tx, require_token(tx, stored.token.memo), revoked), now)
        view = read_view(tx, require_token(tx, stored.token.memo), revoked)
        once.keep(tx, view, now)
        return view


class Brought(StrEnum):
    """What became of a signed quote that was to be brought back."""

    IMPORTED = "imported"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Import:
    """A token that is known again, and the payments that waited for it."""

    brought: Brought
    view: TokenView
    matched: tuple[StoredPayment, ...] = ()


def import_quotes(desk: Desk, quotes: Iterable[tuple[SignedQuote, str]], who: str, once: Once = ANEW) -> list[Import]:
    """Bring back every token of some signed quotes and their documents; raises as `import_quote` at the first bad one.

    Each is a commit of its own, and one that is known changes nothing.
    """
    once.begin(desk.journal.database)
    done = [import_quote(desk, signed, document, who) for signed, document in quotes]
    once.close(desk.journal.database, done, desk.clock.now())
    return done


def import_quote(desk: Desk, signed: SignedQuote, document: str, who: str) -> Import:
    """Bring a lost token back from the payer's signed copy; payments with its memo become its own.

    Raises RefusedError for one that no key of ours signed, or whose memo isn't ours.
    """
    token, now = signed.token, desk.clock.now()
    _refuse_foreign(desk, signed)
    revoked, order_id = revoked_keys(desk), token.ref.order_id.hex()
    with desk.journal.database.atomic() as tx:
        found = tokens.get(tx, order_id)
        if found is not None:
            if found.token != token:
                raise RefusedError(
                    f"another token has the order id of {token.memo}",
                    code="order_id_taken",
                    hint="relayclear tokens list",
                )
            return Import(Brought.KNOWN, read_view(tx, found, revoked))
        tokens.add(tx, token, document, "", now, origin="imported")
        history.add(tx, Event(now, who, "token_imported", order_id, detail={"token": token.memo}))
        matched = _match_lost(tx, token, who, now)
        move_tokens(tx, [order_id], revoked, now)
        return Import(Brought.IMPORTED, read_view(tx, require_token(tx, token.memo), revoked), matched)


def _refuse_foreign(desk: Desk, signed: SignedQuote) -> None:
    keys = {key.kid: key for key in require_shop(desk).keys.listed()}
    key = keys.get(signed.token.ref.kid)
    if key is None or key.public_key != signed.public_key:
        raise RefusedError(
            f"{signed.token.memo} was not signed by a key of yours",
            hint="relayclear keys list; put back the keys folder from your backup if one is missing",
            code="not_ours",
        )
    if not verify(signed.token.ref, signed.token.place, key.memo_key):
        raise RefusedError(
            f"the memo {signed.token.memo} is not one of yours",
            code="not_ours",
            hint="relayclear keys list; put back the keys folder from your backup",
        )


def _match_lost(tx: Transaction, token: ClearingToken, who: str, now: datetime) -> tuple[StoredPayment, ...]:
    """Give the token what came with its memo while nobody knew it."""
    order_id, found, offset = token.ref.order_id.hex(), [], 0
    while page := payments.orphans(tx, _PAGE, offset, kind=Orphan.OURS_LOST, chain=token.quote.chain):
        found += [stored for stored in page if _names(stored.arrival.memo, token.ref)]
        offset += len(page)
    for stored in found:
        payments.match(tx, stored.id, order_id, How.IMPORTED, who, "", now)
        coin = stored.arrival.coin
        entry = book(Place(stored.arrival.chain, coin.denom), Kind.ORPHAN_ASSIGNED, payment_ref(stored.id), coin.amount)
        ledger.post(tx, [entry], now, order_id=order_id)
        subject = payment_name(stored.id)
        history.add(tx, Event(now, who, "payment_found_its_token", order_id, None, stored.arrival.sender, subject))
    return tuple(payments.get(tx, stored.id) or stored for stored in found)


def _names(memo: str, ref: MemoRef) -> bool:
    return parse_memo(memo) == ref
