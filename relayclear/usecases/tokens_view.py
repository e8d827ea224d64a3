"""A token with everything that follows from its stored facts: state, payments, what is owed back.

Nothing is asked of a network.  What only a look at the chains could tell (whether a late payment
may still be honoured, what a packet's outcome comes to before its final word) is an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from relayclear.clearing.operation import Operation, PacketAfter, newest_results
from relayclear.errors import UsageError
from relayclear.ibc.nearest import near_id
from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict
from relayclear.money.issuer import KeyState
from relayclear.money.payment import Payment
from relayclear.money.refunds import RefundDue, owed_back
from relayclear.money.settlement import Flaw, Settlement, settle
from relayclear.money.state import TokenFacts, TokenState, Work, token_state
from relayclear.money.token import ClearingToken
from relayclear.store import cursors, dues, operations, payments, refunds, sales, tokens
from relayclear.store.db import Reads
from relayclear.store.payments import How, StoredPayment
from relayclear.store.sales import Sale
from relayclear.store.tokens import StoredToken
from relayclear.usecases.desk import Desk
from relayclear.usecases.quote_values import Sold
from relayclear.usecases.sold import sold_of

_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as it stands.

    `verdicts` are final words, and those that wait for a person; `operation` and `sale` are its work, None
    before it was paid; `scanned_through` is the block time up to which the payee's chain has been
    read, `scanned_height` the block's height; `key_revoked` voids it like a revocation of its own.
    """

    stored: StoredToken
    sold: Sold
    state: TokenState
    settlement: Settlement
    arrivals: tuple[StoredPayment, ...]
    verdicts: Mapping[PacketKey, PacketVerdict]
    owed: tuple[RefundDue, ...]
    operation: Operation | None
    sale: Sale | None
    scanned_through: datetime | None
    scanned_height: int | None
    key_revoked: bool

    @property
    def token(self) -> ClearingToken:
        """Its terms."""
        return self.stored.token

    @property
    def order_id(self) -> str:
        """What names it in the store."""
        return self.stored.order_id

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """What is wrong with its payments, in the order of their definition."""
        return tuple(flaw for flaw in Flaw if flaw in self.settlement.flaws)

    @property
    def results(self) -> dict[PacketKey, PacketAfter]:
        """What became of its packets, as far as that was judged: each verdict's fate stands in its operation."""
        if self.operation is None:
            return {}
        return {PacketKey(*self.operation.source, one): after for one, after in newest_results(self.operation).items()}

    @property
    def was_looked_for(self) -> bool:
        """Whether payments were read since the token was made: before, that none is known tells nothing."""
        through = self.scanned_through
        return through is not None and (through >= self.token.issued_at or bool(self.arrivals))


def view_token(desk: Desk, text: str) -> TokenView:
    """The token that a person names.  Raises UsageError for an unknown one, or the start of several."""
    with desk.journal.database.snapshot() as reads:
        return read_view(reads, require_token(reads, text), revoked_keys(desk))


def view_tokens(
    desk: Desk,
    limit: int,
    offset: int = 0,
    *,
    states: Collection[str] = (),
    chain: str = "",
    wallet: str = "",
    as_of: datetime | None = None,
) -> list[TokenView]:
    """A page of tokens, newest first: in these states, paid on this chain, for packets of this wallet.

    `as_of` picks those that were in the state then; they are shown as they stand now.
    """
    revoked = revoked_keys(desk)
    with desk.journal.database.snapshot() as reads:
        found = tokens.page(reads, limit, offset, states=states, chain=chain, wallet=wallet, as_of=as_of)
        return [read_view(reads, stored, revoked) for stored in found]


# A slip is looked for among the newest alone: that is what people copy.
_NEWEST_LOOKED_AT = 200


def require_token(reads: Reads, text: str) -> StoredToken:
    """The stored token that a person names, in any spelling.  Raises UsageError for an unknown one."""
    found = tokens.find(reads, text)
    if found is None:
        meant = near_id(text, [one.token.memo for one in tokens.page(reads, _NEWEST_LOOKED_AT)])
        raise UsageError(
            f"no token {text[:60]!r} is known here{meant}",
            hint="relayclear tokens list; relayclear tokens import FILE brings one back from its signed quote",
            code="unknown_token",
        )
    return found


def memo_of(reads: Reads, order_id: str) -> str:
    """What a person knows an order by: its token's memo, which every command takes; the id where the token is gone."""
    stored = tokens.get(reads, order_id)
    return order_id if stored is None else stored.token.memo


def revoked_keys(desk: Desk) -> frozenset[int]:
    """The key ids that were revoked; none where nothing is sold."""
    if desk.shop is None:
        return frozenset()
    return frozenset(key.kid for key in desk.shop.keys.listed() if key.state is KeyState.REVOKED)


def read_view(
    reads: Reads,
    stored: StoredToken,
    revoked: Collection[int],
    *,
    honours_late: bool = False,
    provisional: Mapping[PacketKey, PacketVerdict] | None = None,
    as_of: datetime = _FOR_EVER,
) -> TokenView:
    """Work a token out inside a snapshot or transaction.

    `honours_late`: the caller has read that its packets still wait and no other token holds them.
    `provisional` are verdicts that aren't final words yet, by default those that wait for a person;
    `as_of` is a block time.
    """
    token, order_id = stored.token, stored.order_id
    found, sale = tuple(payments.of_token(reads, order_id)), sales.find(reads, order_id)
    frozen = sale.start.allocation if sale and sale.start else None
    taken = refunds.taken_back_of(reads, (one.id for one in found))
    settlement = settle(token, map(payment_of, found), taken, as_of, honours_late=honours_late, frozen=frozen)
    final = {key: given.verdict for key, given in sales.verdicts(reads, order_id).items()}
    awaiting = dues.undecided(reads, order_id) if provisional is None else provisional
    verdicts = {**awaiting, **final}
    cursor = cursors.find(reads, token.quote.chain, token.payee)
    through = cursor.read_through_time if cursor else None
    key_revoked = token.ref.kid in revoked
    facts = TokenFacts(settlement, work_of(sale), verdicts, stored.revocation is not None or key_revoked)
    state = token_state(facts, through)
    return TokenView(
        stored,
        sold_of(reads, token),
        state,
        settlement,
        found,
        verdicts,
        tuple(owed_back(settlement, state, verdicts)),
        operations.find(reads, sale.operation_id) if sale and sale.operation_id else None,
        sale,
        through,
        cursor.read_through if cursor else None,
        key_revoked,
    )


def work_of(sale: Sale | None) -> Work:
    """How far a token's work is; an operation without a first attempt or verdict is none yet."""
    if sale is None or sale.start is None:
        return Work.ENDED if sale and sale.ended_at else Work.NONE
    return Work.ENDED if sale.ended_at else Work.BEGUN


def payment_of(stored: StoredPayment) -> Payment:
    """A stored arrival as the rules of money see it."""
    arrival = stored.arrival
    return Payment(
        stored.id,
        arrival.coin.amount,
        arrival.height,
        arrival.at,
        arrival.sender,
        arrival.kind,
        arrival.signed,
        arrival.senders,
        arrival.channel.channel if arrival.channel else None,
        assigned=stored.match is not None and stored.match.how is How.ASSIGNED,
    )
