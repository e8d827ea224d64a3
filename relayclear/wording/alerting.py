"""An alert in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from string import Formatter
from typing import Any

from relayclear.clearing.alerting import Alert
from relayclear.store.alerts import Delivery

# `{subject}` and `{operation}` are the alert's own, the rest stands in its detail.
_SENTENCES = {
    "test": "this is a test: alerts arrive",
    "payment": "a payment of {amount} {denom} was seen: {subject}",
    "orphans": "{count} payments on {subject} that are nobody's were seen by height {height}",
    "token_state": "a clearing token is {state} now",
    "token_created": "a clearing token was made",
    "token_revoked": "a clearing token was revoked",
    "work_started": "the work of a paid token begins ({operation})",
    "work_ended": "the work of a paid token is over: {state}",
    "waits_for_a_person": "a packet of a paid token waits for your judgement: relayclear refunds list",
    "operation_added": "a clear was asked for ({operation})",
    "operation_cancelled": "a clear was called off ({operation})",
    "attempt": "try {attempt} of a clear begins ({operation})",
    "attempt_judged": "try {attempt} of a clear has ended ({operation}): {fates}",
    "packet_judged": "packet {packet} is {result}: {reason}",
    "request_asked": "{verb} was asked for: {about} ({subject})",
    "request_ended": "what was asked for ({verb}, {subject}) is {state}: {code} {why}",
    "request_withdrawn": "what was asked for ({verb}, {subject}) was withdrawn",
    "refund_owed": "something is owed back: relayclear refunds list",
    "refund_approved": "a refund of {amount} {denom} is approved: {subject}",
    "refund_signed": "a refund is signed: {subject}",
    "refund_confirmed": "a refund has arrived: {subject}",
    "refund_in_transit": "a refund is on its way over IBC: {subject}",
    "refund_returned": "a refund over IBC came back and is owed again: {subject}",
    "refund_failed": "a refund's transaction failed ({tx}): {subject}",
    "refund_waived": "a refund is waived: {subject}",
    "refund_withdrawn": "a refund's approval is withdrawn: {subject}",
    "refund_exported": "a refund was exported to be signed elsewhere: {subject}",
    "refund_paid_by_hand": "a refund was paid by hand: {subject}",
    "refund_claimed": "a payer said where a refund should go: {subject}",
    "wallet_moved_by_another_hand": "the wallet was moved by another hand ({tx}), and no refund goes until that is "
    "explained: relayclear refunds resolve",
    "key_revoked": "a signing key was revoked: {subject}",
    "restored": "a backup was put in the place of the database; refunds wait for your approval",
    "watch_restarted": "watch ended without a word and was started again; its last sign of life was at {last_beat}",
    "watch_was_away": "watch scans again; since {since} nobody had looked",
    "breaker_opened": "nothing is asked of {subject} for a while: {why}",
    "breaker_closed": "{subject} is well again",
    "books_do_not_balance": "the books of {books} don't balance: relayclear audit --chain {subject}",
    "payments_not_read": "payments on {subject} can't be read: {error}",
    "paths_not_read": "{paths} paths from {subject} can't be read: {error}",
    "work_given_up": "the work of {subject} was given up, and waits for you: {why};"
    " relayclear operations retry {subject}",
    "refunds_stopped": "refunds on {subject} wait for you: {why}",
    "packets_stuck": "{packets} packets are stuck on {subject}, from #{oldest} on: relayclear packets list",
}

_OVER = {
    "books_do_not_balance": "the books of {books} balance again",
    "payments_not_read": "payments on {subject} are read again",
    "paths_not_read": "all paths from {subject} are read again",
    "work_given_up": "the work of {subject}, which was given up, goes on or is done",
    "refunds_stopped": "refunds on {subject} may go again",
    "refund_owed": "nothing is owed back of that token any more",
    "packets_stuck": "nothing is stuck on {subject} any more",
}


class _Known(dict[str, Any]):
    def __missing__(self, _: str) -> str:
        return "?"


def alert_sentence(alert: Alert) -> str:
    """What happened, and the command to look with where there is one.  Its values are others' words: clean it."""
    over = bool(alert.detail.get("over"))
    template = (_OVER if over else _SENTENCES).get(alert.kind)
    if template is None:
        words, about = alert.kind.replace("_", " "), alert.subject or alert.operation_id
        return f"{words}{' is over' if over else ''}{f': {about}' if about else ''}"
    values = {name: _plain(value) for name, value in alert.detail.items()}
    known = _Known({**values, "subject": alert.subject or "?", "operation": alert.operation_id or "?"})
    # A value is never a template: what stands in it is only ever put in.
    return Formatter().vformat(template, (), known)


def delivery_line(deliveries: Iterable[Delivery], waiting: Collection[str]) -> str:
    """What became of telling an alert, a channel after the other: ``webhook sent, command waiting after 2 tries``."""
    last = {one.channel: one for one in deliveries}
    parts = [_delivered(name, last.get(name), waits=name in waiting) for name in sorted({*last, *waiting})]
    return ", ".join(parts) or "no channel"


def _delivered(channel: str, last: Delivery | None, *, waits: bool) -> str:
    if waits:
        return f"{channel} waiting" + (f" after {last.attempt} failed" if last else "")
    return f"{channel} {last.outcome.value.replace('_', ' ')}" if last else channel


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"#{name} {item}" for name, item in list(value.items())[:10])
    return "?" if value is None else str(value)
