"""Packets that an operator wants to clear by hand though they are in a token: an open one, or a paid one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relayclear.errors import RefusedError
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.money.state import TokenState
from relayclear.store import tokens
from relayclear.usecases.desk import Desk
from relayclear.usecases.tokens_acts import revoke_token
from relayclear.usecases.tokens_view import TokenView, read_view, revoked_keys

_OPEN = {TokenState.OPEN, TokenState.PARTLY_PAID}
_PAID = {TokenState.PAID, TokenState.CLEARING}


@dataclass(frozen=True, slots=True)
class Holder:
    """A token and those of the packets asked about that it holds."""

    view: TokenView
    packets: tuple[PacketKey, ...]

    @property
    def memo(self) -> str:
        """What names it."""
        return self.view.token.memo

    @property
    def is_paid(self) -> bool:
        """Whether its work is owed; an open one can still be taken back."""
        return self.view.state in _PAID


def holders(desk: Desk, packets: Iterable[PacketKey]) -> list[Holder]:
    """The open and paid tokens that hold any of the packets, oldest first."""
    found: dict[str, list[PacketKey]] = {}
    now, revoked = desk.clock.now(), revoked_keys(desk)
    with desk.journal.database.snapshot() as reads:
        for packet in packets:
            for one in tokens.open_of_packet(reads, packet, now):
                found.setdefault(one.order_id, []).append(packet)
        views = [(read_view(reads, stored, revoked), found[stored.order_id]) for stored in tokens.load(reads, [*found])]
    return [Holder(view, tuple(keys)) for view, keys in views if view.state in _OPEN | _PAID]


def paid_for(asked: SequenceRanges, held: Iterable[Holder]) -> Holder | None:
    """The paid token whose work a clear of exactly these packets would be, None where no paid one is concerned.

    Raises RefusedError where a paid token holds some of them, and the rest isn't its own.
    """
    paid = [holder for holder in held if holder.is_paid]
    if not paid:
        return None
    (first, *others) = paid
    names = SequenceRanges.of(key.sequence for key in first.packets)
    terms = {term.key.sequence for term in first.view.token.quote.packets}
    if others or set(asked) != terms:
        raise RefusedError(
            f"{first.packets[0].end} {names} is paid for by token {first.memo}: it is cleared as that one's work alone",
            hint=f"relayclear clear --token {first.memo}; then the others without it",
            code="in_paid_token",
        )
    return first


def take_back(desk: Desk, held: Iterable[Holder], who: str) -> None:
    """Revoke open tokens whose packets are going to be cleared without them; what was paid in part goes back."""
    for holder in held:
        if not holder.is_paid:
            revoke_token(desk, holder.view.order_id, "its packets were cleared by hand", who)
