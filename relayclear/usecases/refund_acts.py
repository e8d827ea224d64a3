"""Deciding about refunds: what a person approves or waives, and what goes by itself within the caps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.fate import Doer
from relayclear.ibc.nearest import near_id
from relayclear.money.earned import PacketVerdict, Result
from relayclear.money.ledger import Kind, Place, book
from relayclear.money.policy import only_caps
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import Wait
from relayclear.store import cursors, dues, history, ledger, refunds, sales, signings
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.sales import StoredVerdict
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.refund_books import RULES
from relayclear.usecases.refund_dues import WRITE_OFF_AFTER, OwedRefund, list_owed, owed_again
from relayclear.usecases.refund_words import two_words
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.tokens_view import revoked_keys


def require_refund(desk: Desk, text: str) -> OwedRefund | Refund:
    """The refund that a person names by the start of its id.  Raises UsageError for none, or for several."""
    database = desk.journal.database
    start = text.strip().lower()
    owed = [one for one in list_owed(desk, database) if start and one.id.startswith(start)]
    decided = refunds.find(database, start)
    if len(owed) + (decided is not None) > 1:
        raise UsageError(f"several refunds start with {start[:24]}", hint="write more of the id")
    found = owed[0] if owed else decided
    if found is None:
        newest = [*(one.id for one in list_owed(desk, database)), *(one.id for one in refunds.page(database, 200))]
        meant = near_id(start, newest)
        raise UsageError(f"no refund {text[:30]!r} is known{meant}", hint="relayclear refunds list", code="no_refund")
    return found


def approve(desk: Desk, text: str, who: str, why: str = "", once: Once = ANEW) -> Refund:
    """Say yes to a refund: it is sent from now on.  A second time changes nothing.

    Where the packets' own fate waits for a person, that is decided with it: they aren't earned.
    Raises UsageError for an unknown one, RefusedError for one that needs a claim, or isn't worth sending.
    """
    return approve_seen(desk, require_refund(desk, text), who, why, once)


def approve_seen(desk: Desk, found: OwedRefund | Refund, who: str, why: str = "", once: Once = ANEW) -> Refund:
    """Say yes to a refund as somebody saw it: RefusedError, too, where what is owed has changed since."""
    if isinstance(found, Refund):
        if found.state is RefundState.APPROVED:
            return _say_yes_again(desk, found, who, why, once)
        if found.state in {RefundState.SIGNED, RefundState.BROADCAST, RefundState.CONFIRMED}:
            once.begin(desk.journal.database)
            return found
        raise RefusedError(
            f"refund {found.id} is {found.state.value.replace('_', ' ')}",
            hint=f"relayclear refunds show {found.id}",
            code="not_owed",
        )
    refuse_unsendable(found)
    return decide(desk, found, SaidOf(Said.APPROVED, who, why, desk.clock.now()), once=once)


def said_yes(reads: Reads, refund: Refund) -> bool:
    """Whether a person has approved a refund, be it after the rules had."""
    return any(one.word is Said.APPROVED and one.who != RULES for one in refunds.events(reads, refund.id))


def _say_yes_again(desk: Desk, found: Refund, who: str, why: str, once: Once) -> Refund:
    """A person stands by what the rules approved, or what failed since; where one did already, nothing changes."""
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        again = refunds.get(tx, found.id) or found
        last = refunds.events(tx, found.id)[-1]
        known = last.word is Said.APPROVED and last.who != RULES and not signings.of_refund(tx, found.id)
        if again.state is RefundState.APPROVED and not known:
            refunds.say(tx, found.id, SaidOf(Said.APPROVED, who, why, now))
            _told(tx, found, "refund_approved", who, now, why)
        once.keep(tx, again, now)
        return again


def approve_each(
    desk: Desk, seen: Iterable[OwedRefund | Refund], who: str, why: str = "", once: Once = ANEW
) -> list[Refund]:
    """Say yes to several as somebody saw them, each in a commit of its own; a repeat changes nothing.

    Raises what `approve_seen` raises: those before it are approved then.
    """
    done = [approve_seen(desk, found, who, why) for found in seen]
    once.close(desk.journal.database, done, desk.clock.now())
    return done


def approvable(desk: Desk) -> list[OwedRefund]:
    """All that is owed, worth sending, and waits for a person's yes, oldest first."""
    owed = list_owed(desk, desk.journal.database)
    return [one for one in owed if one.wait is None and one.due.to is not None and one.due.net.amount > 0]


def refuse_unsendable(found: OwedRefund) -> None:
    """Raises RefusedError for what nobody can say yes to: no address, or nothing left to send."""
    if found.due.to is None:
        raise RefusedError(
            "nobody knows where these coins may go back to: the payer has to name an address",
            hint=f"relayclear refunds claim {found.id} --to ADDRESS",
            code="needs_claim",
        )
    if found.due.net.amount <= 0:
        raise RefusedError(
            "after the refund fee nothing is left to send",
            hint=f'relayclear refunds waive {found.id} --reason "…"',
            code="below_cost",
        )


def waive(desk: Desk, text: str, reason: str, who: str, once: Once = ANEW) -> Refund:
    """Keep what is owed: the payer gave it up, or it isn't worth sending.  The books say so.

    One below its cost for 90 days is written off.  Raises UsageError without a reason, RefusedError
    for one whose transaction may still land, and for one that has ended.
    """
    if not reason.strip():
        raise UsageError("waiving a refund needs a reason", hint='--reason "…"', code="no_reason")
    once.begin(desk.journal.database)  # what was waived before is refused, unless it is the same wish
    found, now = require_refund(desk, text), desk.clock.now()
    if isinstance(found, OwedRefund):
        old = found.wait in {Wait.DUST, Wait.BELOW_COST} and now - found.since >= WRITE_OFF_AFTER
        word = Said.WRITTEN_OFF if old else Said.WAIVED
        return decide(desk, found, SaidOf(word, who, reason, now), once=once)
    if found.state is not RefundState.APPROVED:
        raise _not_waivable(found)
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        again = refunds.get(tx, found.id)
        if again is None or again.state is not RefundState.APPROVED:
            raise _not_waivable(again or found)
        refunds.say(tx, found.id, SaidOf(Said.WAIVED, who, reason, now))
        _write_off(tx, found, now)
        _told(tx, found, "refund_waived", who, now, reason)
        done = refunds.get(tx, found.id) or found
        once.keep(tx, done, now)
        return done


_NO_WAIVER = {
    RefundState.SIGNED: "what is signed may still land",
    RefundState.BROADCAST: "what was sent may still land",
    RefundState.EXPORTED: "whoever was to sign it may still send it",
    RefundState.IN_TRANSIT: "its coins have left the wallet",
    RefundState.CONFIRMED: "its coins are with the payer",
    RefundState.PAID_BY_HAND: "its coins are with the payer",
    RefundState.WAIVED: "it is kept already",
    RefundState.WRITTEN_OFF: "it is kept already",
    RefundState.RETURNED: "what came back is owed as another refund",
    RefundState.WITHDRAWN: "what is owed is decided anew, as another refund",
}


def _not_waivable(found: Refund) -> RefusedError:
    why = _NO_WAIVER.get(found.state, "it has just changed")
    exported = f'relayclear refunds export --cancel {found.id} --reason "…"'
    return RefusedError(
        f"refund {found.id} is {found.state.value.replace('_', ' ')}: {why}",
        hint=exported if found.state is RefundState.EXPORTED else f"relayclear refunds show {found.id}",
        code="not_owed",
    )


def decide(desk: Desk, found: OwedRefund, said: SaidOf, *, once: Once = ANEW, by_itself: bool = False) -> Refund:
    """Write a decision about a refund that is owed, as it was seen; RefusedError where that has changed since."""
    database, now = desk.journal.database, said.at
    with database.atomic() as tx:
        once.begin(tx)
        again = owed_again(desk, tx, found)
        if again is None or (again.due, again.claim) != (found.due, found.claim):
            raise RefusedError(
                f"what is owed by refund {found.id} has just changed",
                hint=f"relayclear refunds show {found.id}",
                code="changed",
            )
        judge_by_person(tx, again, said.who, now)
        refund = refund_of(tx, again, by_itself=by_itself, at=now)
        refunds.add(tx, refund, said)
        _restate(desk, tx, refund.order_id, now)
        word = "refund_approved" if said.word is Said.APPROVED else f"refund_{said.word.value}"
        _told(tx, refund, word, said.who, now, said.why)
        if said.word in {Said.WAIVED, Said.WRITTEN_OFF}:
            _write_off(tx, refund, now)
        done = refunds.get(tx, refund.id) or refund
        once.keep(tx, done, now)
        return done


def refund_of(tx: Transaction, found: OwedRefund, *, by_itself: bool, at: datetime) -> Refund:
    """The refund that a due becomes when it is decided."""
    payment = found.due.payment
    cursor = cursors.find(tx, payment.chain, found.view.token.payee)
    stored = next(one for one in found.view.arrivals if one.id == payment)
    return Refund(
        id=found.id,
        payment=payment,
        number=found.number,
        order_id=found.view.order_id,
        payee=stored.payee,
        to=found.due.to or "",
        over=found.over,
        cause=found.due.cause,
        parts=found.due.parts,
        gross=found.due.gross,
        fee=found.due.fee,
        by_itself=by_itself,
        read_through=cursor.read_through_time if cursor else stored.arrival.at,
        made_at=at,
    )


def judge_by_person(tx: Transaction, found: OwedRefund, who: str, at: datetime) -> None:
    """A refund of what only a person can judge is the judgement: those packets aren't earned."""
    order_id, settlement = found.view.order_id, found.view.settlement
    open_ones = dues.undecided(tx, order_id)
    sale = sales.find(tx, order_id)
    if open_ones and sale is not None and sale.start is None and settlement.deadline is not None:
        # What a verdict rests on stands from then on: else what goes back would uncover the price.
        sales.start(tx, order_id, settlement.allocation, settlement.deadline, at)
    for key, verdict in sorted(open_ones.items()):
        final = PacketVerdict(Result.OWED_BACK, verdict.reason)
        sales.add_verdict(tx, order_id, StoredVerdict(key, final, Doer.UNKNOWN, None, None, who, at))
        detail = {"packet": str(key), "result": final.result.value, "reason": final.reason.value}
        history.add(tx, Event(at, who, "packet_judged", order_id, detail=detail))
    if not open_ones:
        return
    dues.await_person(tx, order_id, {}, at)
    final_ones = sales.verdicts(tx, order_id)
    if sale is not None and sale.ended_at is None and len(final_ones) == len(found.view.token.quote.packets):
        sales.end(tx, order_id, "judged", at)
    restate(tx, order_id, at)


def _restate(desk: Desk, tx: Transaction, order_id: str, at: datetime) -> None:
    restate(tx, order_id, at, revoked_keys(desk))


def _write_off(tx: Transaction, refund: Refund, at: datetime) -> None:
    place = Place(refund.chain, refund.payment.denom)
    ledger.post(tx, [book(place, Kind.WRITTEN_OFF, refund.id, refund.gross)], at, order_id=refund.order_id)


def _told(tx: Transaction, refund: Refund, what: str, who: str, at: datetime, why: str) -> None:
    detail = {"amount": str(refund.net.amount), "denom": refund.net.denom, "cause": refund.cause.value, "why": why}
    history.add(tx, Event(at, who, what, refund.order_id, None, refund.to or None, f"refund {refund.id}", detail))


class Consent(NamedTuple):
    """What a person lets go above the caps: of each denom at most so much in all; who says so."""

    most: dict[str, int]
    who: str


async def decide_by_itself(desk: Desk, chain: str, consent: Consent | None = None) -> list[Refund]:
    """Approve what may go within the caps, and what a person's consent covers, oldest first; the new refunds."""
    left = dict(consent.most) if consent else {}
    done: list[Refund] = []
    for listed in list_owed(desk, desk.journal.database, chain=chain):
        if listed.wait is not None or listed.due.to is None:
            continue
        # One after the other: each counts against the caps of the next.
        found = owed_again(desk, desk.journal.database, listed)
        net = listed.due.net
        if found is None or (found.due, found.claim) != (listed.due, listed.claim):
            continue
        if not found.gates and await two_words(desk, found.view, found.due):
            said = SaidOf(Said.APPROVED, RULES, "within the caps", desk.clock.now())
            done += _decided(desk, found, said, by_itself=True)
        elif consent is not None and only_caps(found.gates) and net.amount <= left.get(net.denom, 0):
            said = SaidOf(Said.APPROVED, consent.who, "within what was allowed for this sweep", desk.clock.now())
            allowed = _decided(desk, found, said, by_itself=False)
            left[net.denom] -= sum(one.net.amount for one in allowed)
            done += allowed
    return done


def _decided(desk: Desk, found: OwedRefund, said: SaidOf, *, by_itself: bool) -> list[Refund]:
    """Decide; nothing where somebody else was faster, or what is owed has changed: the others go on."""
    try:
        return [decide(desk, found, said, by_itself=by_itself)]
    except RefusedError:
        return []
