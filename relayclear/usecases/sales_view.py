"""Tokens as somebody watches them: the open ones and the newest of the others, quick however many there are."""

from __future__ import annotations

from dataclasses import dataclass

from relayclear.money.state import TokenState
from relayclear.store import cursors, history, tokens
from relayclear.store.cursors import Cursor
from relayclear.store.db import Reads
from relayclear.store.tokens import StoredToken
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_view import RefundView, refunds_of_token
from relayclear.usecases.tokens_view import TokenView, read_view, revoked_keys, view_token

ACTIVE = (TokenState.OPEN, TokenState.PARTLY_PAID, TokenState.PAID, TokenState.CLEARING)
"""What somebody still waits for, in the order in which it goes on."""


@dataclass(frozen=True, slots=True)
class Sales:
    """The tokens that are shown; `more`: there are older ones.  `readings` say how far payments were read.

    `sells`: whether anything is sold here at all.
    """

    tokens: tuple[TokenView, ...]
    more: bool
    readings: tuple[Cursor, ...]
    sells: bool


@dataclass(frozen=True, slots=True)
class TokenStory:
    """One token with the refunds that were decided of its payments."""

    view: TokenView
    refunds: tuple[RefundView, ...]


class Tokens:
    """One reader's memory: tokens that are over are worked out once, and again when the history tells of them."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._desk: Desk | None = None
        self._seen = 0
        self._over: dict[str, TokenView] = {}
        self._revoked: frozenset[int] = frozenset()

    def read(self, desk: Desk, limit: int) -> Sales:
        """All that are active, and the newest `limit` of all; newest first."""
        revoked = revoked_keys(desk)
        with desk.journal.database.snapshot() as reads:
            self._forget(desk, reads, revoked)
            newest = tokens.page(reads, limit + 1)
            active = tokens.page(reads, limit, states=[state.value for state in ACTIVE])
            known = {stored.order_id for stored in newest[:limit]}
            older = [stored for stored in active if stored.order_id not in known]
            views = [self._view(reads, stored) for stored in (*newest[:limit], *older)]
            sells = desk.shop is not None and bool(desk.shop.payees)
            return Sales(tuple(views), len(newest) > limit, tuple(cursors.every(reads)), sells)

    def _forget(self, desk: Desk, reads: Reads, revoked: frozenset[int]) -> None:
        last = history.last(reads)
        if desk is not self._desk or revoked != self._revoked:
            # Another connection may be to another file; and a key that was revoked voids what it signed.
            self._desk, self._over, self._revoked = desk, {}, revoked
        elif last > self._seen:
            for _, event in history.after(reads, self._seen, last - self._seen):
                self._over.pop(event.order_id or "", None)
        self._seen = last

    def _view(self, reads: Reads, stored: StoredToken) -> TokenView:
        if stored.order_id in self._over:
            return self._over[stored.order_id]
        view = read_view(reads, stored, self._revoked)
        if view.state not in ACTIVE:
            self._over[stored.order_id] = view
        return view


def token_story(desk: Desk, memo: str) -> TokenStory:
    """Everything about one token.  Raises UsageError for an unknown one."""
    view = view_token(desk, memo)
    return TokenStory(view, tuple(refunds_of_token(desk, view.order_id)))
