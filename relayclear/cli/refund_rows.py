"""Rows of refunds for `--json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relayclear.cli.output import error_row, rfc3339
from relayclear.cli.rows import coin_row, end_row
from relayclear.errors import RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse
from relayclear.store.refunds import SaidOf
from relayclear.store.signings import Signing
from relayclear.store.stops import Stop
from relayclear.usecases.refund_resolve import Knot
from relayclear.usecases.refund_send import Blocked, Swept
from relayclear.usecases.refund_sweeps import Planned, SweepPlan
from relayclear.usecases.refund_view import Owed, RefundPage, RefundStory, RefundView, Signed
from relayclear.wording.refunding import GATES, release_lines, waits_line


def refund_row(view: RefundView) -> dict[str, Any]:
    """A refund, owed or decided; `to` is null where a claim must name it, `decided_at` before anybody decided."""
    denom = view.payment.denom
    return {
        "id": view.id,
        "state": view.state.value,
        "chain": view.chain,
        "amount": coin_row(view.net),
        "gross": coin_row(Coin(denom, view.gross)),
        "fee_kept": coin_row(Coin(denom, view.fee)),
        "to": view.to,
        "over": end_row(view.over) if view.over else None,
        "cause": view.cause.value,
        "parts": [{"cause": cause.value, "amount": coin_row(Coin(denom, amount))} for cause, amount in view.parts],
        "token": view.token,
        "payment": {"chain": view.chain, "tx_hash": view.payment.tx, "ordinal": view.payment.k},
        "number": view.number,
        "since": rfc3339(view.since),
        "wait": view.wait.value if view.wait else None,
        "gates": [gate.value for gate in view.gates],
        "why": waits_line(view),
        "decided_at": rfc3339(view.decided_at),
        "by_itself": view.by_itself if view.decided_at else None,
        "tx_hash": view.tx_hash,
    }


def owed_counts(owed: Owed) -> dict[str, int]:
    """How many refunds wait, and for what."""
    return {
        "approval": owed.approval,
        "next_sweep": owed.by_itself,
        "claim": owed.claim,
        "too_small": owed.small,
        "approved": owed.approved,
        "away": owed.away,
    }


def page_row(page: RefundPage, limit: int, offset: int) -> dict[str, Any]:
    """A page of refunds."""
    return {
        "refunds": [refund_row(view) for view in page.refunds],
        "waiting": owed_counts(page.owed),
        "owed": [
            {"chain": one.chain, "before_fees": coin_row(one.gross), "sends": coin_row(one.net)} for one in page.sums
        ],
        "stopped": [{"chain": chain, **stop_row(stop)} for chain, stop in page.stops.items()],
        "page": {"limit": limit, "offset": offset, "has_next": page.has_next},
    }


def stop_row(stop: Stop) -> dict[str, Any]:
    """Why nothing goes by itself, and since when."""
    return {"why": stop.why, "at": rfc3339(stop.at)}


def story_row(story: RefundStory) -> dict[str, Any]:
    """Everything about one refund."""
    arrival = story.payment.arrival
    return {
        **refund_row(story.view),
        "paid": {
            "amount": coin_row(arrival.coin),
            "from": arrival.sender,
            "at": rfc3339(arrival.at),
            "height": arrival.height,
            "arrived_by": arrival.kind.value,
        },
        "events": [_said_row(said) for said in story.events],
        "signings": [_signed_row(one) for one in story.signings],
    }


def _said_row(said: SaidOf) -> dict[str, Any]:
    return {
        "what": said.word.value,
        "at": rfc3339(said.at),
        "who": said.who,
        "why": said.why or None,
        "tx_hash": said.tx_hash,
        "output": said.output,
        "detail": dict(said.detail),
    }


def _signed_row(one: Signed) -> dict[str, Any]:
    return {
        **signing_row(one.signing),
        "used_by": one.used_by,
        "code": one.code if one.used_by == one.signing.tx_hash else None,
        "broadcasts": [
            {"at": rfc3339(sent.at), "at_height": sent.at_height, "code": sent.code, "answer": sent.answer or None}
            for sent in one.sent
        ],
    }


def signing_row(signing: Signing) -> dict[str, Any]:
    """A signed transaction; never its bytes: they are a payment in themselves."""
    return {
        "tx_hash": signing.tx_hash,
        "refund": signing.refund_id,
        "sequence": signing.sequence,
        "timeout_height": signing.timeout_height,
        "at_height": signing.at_height,
        "fee": coin_row(signing.fee),
        "gas": signing.gas,
        "signed_at": rfc3339(signing.signed_at),
        "assumed_dead": signing.assumed_dead,
    }


def plan_row(plan: SweepPlan, views: Iterable[RefundView]) -> dict[str, Any]:
    """What a sweep of a chain would do; `views` are its refunds'."""
    return {
        "chain": plan.chain,
        "read_through": rfc3339(plan.read_through),
        "refunds": [_planned_row(one, view) for one, view in zip(plan.refunds, views, strict=True)],
        "blocked": blocked_row(plan.obstacle),
        "stopped": None if plan.stop is None else stop_row(plan.stop),
    }


def _planned_row(one: Planned, view: RefundView) -> dict[str, Any]:
    gates = [{"code": gate.value, "message": GATES[gate]} for gate in one.gates]
    row = refund_row(view)
    return {"does": one.goes.value, **row, "gates": [gate["code"] for gate in gates], "in_the_way": gates}


def blocked_row(blocked: Blocked | None) -> dict[str, Any] | None:
    """Why nothing is signed."""
    return None if blocked is None else {"code": blocked.code, "message": blocked.why, "hint": blocked.hint or None}


def swept_row(chain: str, done: Swept | RelayclearError, waiting: int, stop: Stop | None) -> dict[str, Any]:
    """What a sweep of a chain did, or why it couldn't begin."""
    if isinstance(done, RelayclearError):
        return {"chain": chain, "error": error_row(done)}
    return {
        "chain": chain,
        "decided": done.decided,
        "sent": done.sent,
        "landed": done.landed,
        "skipped": [{"id": name, "why": why} for name, why in done.skipped.items()],
        "failed": [{"id": name, "why": one.why, "given_up": one.given_up} for name, one in done.failed.items()],
        "wait_for_approval": waiting,
        "unfinished": done.unfinished,
        "blocked": blocked_row(done.blocked),
        "stopped": None if stop is None else stop_row(stop),
        "error": None,
    }


def approved_row(refunds: Iterable[RefundView]) -> dict[str, Any]:
    """Refunds that were said yes to."""
    return {"refunds": [refund_row(view) for view in refunds]}


def knot_row(knot: Knot, stake: Coin | None) -> dict[str, Any]:
    """Where a wallet stands, and what would release it."""
    return {
        "chain": knot.chain,
        "address": knot.address,
        "height": knot.head,
        "sequence_on_chain": knot.on_chain,
        "sequence_expected": knot.expected,
        "at_stake": coin_row(stake),
        "signings": [signing_row(one) for one in knot.live],
        "broadcasts": [
            {"at": rfc3339(sent.at), "at_height": sent.at_height, "code": sent.code, "answer": sent.answer or None}
            for sent in knot.sent
        ],
        "unexplained": [use_row(use) for use in knot.strange],
        "stopped": None if knot.stop is None else stop_row(knot.stop),
        "unread": knot.unread or None,
        "releases": release_lines(knot),
    }


def use_row(use: SequenceUse) -> dict[str, Any]:
    """A transaction of the wallet by another hand."""
    return {"tx_hash": use.tx_hash, "sequence": use.sequence, "height": use.height, "memo": use.memo}
