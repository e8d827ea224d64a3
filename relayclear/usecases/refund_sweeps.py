"""Sweeping all chains that are paid on, and what a sweep would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.errors import RelayclearError, StoreError
from relayclear.ibc.coin import Coin
from relayclear.money.policy import Gate, NeedsApproval, only_caps
from relayclear.money.refund_state import RefundState
from relayclear.store import cursors, refunds, stops
from relayclear.store.refunds import Refund
from relayclear.store.stops import Stop
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_acts import Consent
from relayclear.usecases.refund_dues import OwedRefund, gates_of, list_owed
from relayclear.usecases.refund_send import Blocked, Swept, held_back, known_obstacle, owes, sweep
from relayclear.usecases.refund_words import two_words
from relayclear.usecases.selling import require_shop
from relayclear.usecases.wallet_reading import explain_later, read_wallet

MOST = 1000


class Goes(StrEnum):
    """What a sweep does with a refund."""

    ON_ITS_WAY = "on_its_way"
    APPROVED = "approved"
    WITHIN_CAPS = "within_caps"
    ALLOWED = "allowed"
    LATER = "later"
    WAITS = "waits"


class Planned(NamedTuple):
    """A refund, what a sweep does with it, and what a person must say yes to first."""

    refund: OwedRefund | Refund
    goes: Goes
    gates: tuple[Gate | NeedsApproval, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep of a chain would do, as far as payments are read.

    `obstacle` keeps it from sending any, `stop` those that no person has approved from going by themselves.
    """

    chain: str
    read_through: datetime | None
    refunds: tuple[Planned, ...]
    obstacle: Blocked | None
    stop: Stop | None

    @property
    def above_caps(self) -> list[Coin]:
        """What waits, refund by refund, that a larger consent would let go."""
        waiting = (one for one in self.refunds if one.goes is Goes.WAITS and one.gates and only_caps(one.gates))
        return [one.refund.due.net for one in waiting if isinstance(one.refund, OwedRefund)]


@dataclass(frozen=True, slots=True)
class Sweeping:
    """What is asked of all sweeps together: at most `limit` sent, and above the caps at most the consent."""

    consent: Consent | None = None
    limit: int = MOST
    patience: float = 0.0
    stopped: Callable[[], bool] = lambda: False
    told: Callable[[Refund], None] = lambda _: None


def chains_to_sweep(desk: Desk, chain: str = "") -> list[str]:
    """The chains with a payee, or the one that is named.  Raises UsageError, ConfigError where it has none."""
    shop = require_shop(desk)
    if not chain:
        return sorted(shop.payees)
    desk.chain(chain)
    shop.payee(chain)
    return [chain]


async def sweep_chains(desk: Desk, chains: Iterable[str], terms: Sweeping) -> dict[str, Swept | RelayclearError]:
    """Sweep one chain after the other; what keeps one doesn't keep the next.

    Consent and limit are for all of them together.  Raises StoreError.
    """
    done: dict[str, Swept | RelayclearError] = {}
    consent, limit = terms.consent, terms.limit
    for chain in chains:
        if terms.stopped():
            break
        try:
            swept = await sweep(
                desk,
                chain,
                consent=consent,
                limit=limit,
                patience=terms.patience,
                stopped=terms.stopped,
                told=terms.told,
            )
        except StoreError:
            raise
        except RelayclearError as error:
            done[chain] = error
            continue
        done[chain] = swept
        limit -= len(swept.sent)
        consent = _rest(desk, consent, swept)
    return done


def _rest(desk: Desk, consent: Consent | None, swept: Swept) -> Consent | None:
    """What is left of a consent after a sweep."""
    if consent is None:
        return None
    most = dict(consent.most)
    for refund in _of(desk, swept.decided):
        if not refund.by_itself:
            most[refund.net.denom] -= refund.net.amount
    return Consent(most, consent.who)


def _of(desk: Desk, names: Iterable[str]) -> list[Refund]:
    found = (refunds.get(desk.journal.database, name) for name in names)
    return [refund for refund in found if refund is not None]


async def plan_sweeps(desk: Desk, chains: Iterable[str], terms: Sweeping) -> list[SweepPlan]:
    """What sweeps would do: nothing is decided or sent.

    Where anything is owed, nodes are asked what decides whether it goes: what used the wallet's account
    since it was read last, which is kept, and what the second endpoint says.
    """
    plans: list[SweepPlan] = []
    most = dict(terms.consent.most) if terms.consent else None
    limit = terms.limit
    for chain in chains:
        plan = await _plan(desk, chain, most, limit)
        plans.append(plan)
        sent = {Goes.APPROVED, Goes.WITHIN_CAPS, Goes.ALLOWED}
        limit -= sum(one.goes in sent for one in plan.refunds)
    return plans


async def _plan(desk: Desk, chain: str, most: dict[str, int] | None, limit: int) -> SweepPlan:
    database, payee = desk.journal.database, require_shop(desk).payee(chain)
    unread = await _look_at_wallet(desk, chain, payee)
    away = [one for one in refunds.away(database, chain, MOST) if one.state is not RefundState.EXPORTED]
    stop = stops.standing(database, chain)
    waits = Goes.WAITS, (Gate.STOPPED,)
    queue = [
        Planned(one, *waits) if stop is not None and held_back(database, one) else Planned(one, Goes.APPROVED)
        for one in refunds.queue(database, chain, MOST)
    ]
    listed = [*queue, *await _decisions(desk, chain, most)]
    going = [one for one in listed if one.goes is not Goes.WAITS]
    later = {one.refund.id for one in going[max(limit, 0) :]}
    found = [one._replace(goes=Goes.LATER) if one.refund.id in later else one for one in listed]
    cursor = cursors.find(database, chain, payee)
    sends = owes(desk, chain) or bool(queue)
    obstacle = (known_obstacle(desk, chain, payee) or unread) if sends else None
    on_their_way = [Planned(one, Goes.ON_ITS_WAY) for one in away]
    through = cursor.read_through_time if cursor else None
    return SweepPlan(chain, through, (*on_their_way, *found), obstacle, stop)


async def _look_at_wallet(desk: Desk, chain: str, payee: str) -> Blocked | None:
    """Read what used the wallet's account, where anything would be sent from it; what kept it from being read."""
    if not owes(desk, chain) and not refunds.queue(desk.journal.database, chain, 1):
        return None
    try:
        await read_wallet(desk, chain)
    except StoreError:
        raise
    except RelayclearError as error:
        return Blocked.by(error)
    explain_later(desk, chain, payee)
    return None


async def _decisions(desk: Desk, chain: str, most: dict[str, int] | None) -> list[Planned]:
    """What would be decided of all that is owed, each counted against the caps of the next."""
    ahead: list[OwedRefund] = []
    found: list[Planned] = []
    for one in list_owed(desk, desk.journal.database, chain=chain):
        gates = gates_of(desk, desk.journal.database, one, ahead)
        if one.wait is not None or one.due.to is None:
            found.append(Planned(one, Goes.WAITS))
            continue
        if not gates and await two_words(desk, one.view, one.due):
            ahead.append(one)
            found.append(Planned(one, Goes.WITHIN_CAPS))
            continue
        gates = gates or (Gate.ONE_WORD,)
        found.append(Planned(one, Goes.ALLOWED if _allowed(one, gates, most) else Goes.WAITS, gates))
    return found


def _allowed(one: OwedRefund, gates: tuple[Gate | NeedsApproval, ...], most: dict[str, int] | None) -> bool:
    """Whether a person's consent covers it; what it takes of the consent is taken off."""
    net = one.due.net
    if most is None or not only_caps(gates) or net.amount > most.get(net.denom, 0):
        return False
    most[net.denom] -= net.amount
    return True


def open_signings(desk: Desk, chain: str) -> list[Refund]:
    """Refunds of a chain with a transaction of ours that may land and stands in no block yet."""
    states = (RefundState.SIGNED, RefundState.BROADCAST)
    return [one for state in states for one in refunds.queue(desk.journal.database, chain, MOST, state)]


def allowable(waiting: Iterable[OwedRefund]) -> list[Coin]:
    """What a consent could let go of the refunds that wait for a yes, one by one: only caps stand above it."""
    return [one.due.net for one in waiting if one.due.to is not None and one.gates and only_caps(one.gates)]


def still_waiting(desk: Desk, chains: Iterable[str]) -> Mapping[str, list[OwedRefund]]:
    """What is owed on chains, worth sending, and waits for a person's yes."""
    found = {chain: list_owed(desk, desk.journal.database, chain=chain) for chain in chains}
    return {chain: [one for one in owed if one.wait is None] for chain, owed in found.items()}
