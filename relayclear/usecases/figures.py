"""The figures that are watched from outside, read from the database at the moment of asking.

What isn't known is left out, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from relayclear import __version__
from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.health import Facts, Level, State, health
from relayclear.clearing.operation import OperationState
from relayclear.ibc.fate import Fate
from relayclear.ibc.text import clean
from relayclear.money.ledger import Account
from relayclear.money.refund_state import RefundState
from relayclear.store import cursors, dues, payments, refunds, sales, sightings, tasks
from relayclear.store.db import Reads
from relayclear.store.payments import Orphan
from relayclear.store.tasks import Status
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.desk import Desk
from relayclear.usecases.health_facts import Books, Remembered, Vitals, lag_of, remembering
from relayclear.usecases.metrics import Sample
from relayclear.usecases.tally import Sums

_LEVELS = {Level.HEALTHY: 0, Level.DEGRADED: 1, Level.CRITICAL: 2}
_LABEL = 200


def read_figures(desk: Desk, sums: Sums | None) -> list[Sample]:
    """Every figure but the histogram; `sums` are what the tally knows.  Raises StoreError."""
    with remembering(desk) as memory:
        found = [*_of_memory(memory), *_of_clears(sums)]
    return [Sample(one.name, tuple(map(_label, one.labels)), one.value) for one in found]


def _of_memory(memory: Remembered) -> list[Sample]:
    reads, noted, books, facts = memory
    return [
        *_of_health(facts),
        *_of_packets(reads, noted, facts.now),
        *_of_scans(noted),
        *_of_nodes(noted, facts),
        *_of_accounts(reads, noted, books),
        *_of_money(reads, books, facts),
        *_of_cursors(reads, facts.now),
        *_of_work(reads, facts),
    ]


@lru_cache(maxsize=4096)
def _label(text: str) -> str:
    """A label as it may be shown; the same few hundred come with every question."""
    return clean(text, _LABEL)


def _of_health(facts: Facts) -> Iterator[Sample]:
    yield Sample("relayclear_build_info", (__version__,), 1)
    yield Sample("relayclear_health_level", (), _LEVELS[health(facts).level])
    if facts.watching.beat_at is not None:
        yield Sample("relayclear_heartbeat_timestamp_seconds", (), facts.watching.beat_at.timestamp())
    for task in facts.watching.troubles:
        yield Sample("relayclear_task_failing", (task,), 1)
    for breaker in (one for one in facts.breakers if not one.left_over):
        for state in BreakerState:
            yield Sample("relayclear_breaker_state", (breaker.name, state.value), float(breaker.state is state))
    for chain in facts.chains:
        if chain.sells:
            yield Sample("relayclear_refunds_stopped", (chain.chain,), float(chain.stopped is not None))


def _of_packets(reads: Reads, noted: Vitals, now: datetime) -> Iterator[Sample]:
    readings = {tuple(end): reading for end, reading in sightings.last_readings(reads).items()}
    for vital in _of_kind(noted, Kind.PACKETS):
        end = tuple(vital.name.split("/"))
        reading = readings.get(end)
        if reading is None:
            continue
        good = reading.error is None and vital.error is None
        yield Sample("relayclear_path_up", end, float(good))
        if not good:
            continue
        yield Sample("relayclear_pending_packets", end, vital.detail["pending"])
        for packet_class, count in vital.detail["stuck"].items():
            yield Sample("relayclear_stuck_packets", (*end, packet_class), count)
        if "oldest" in vital.detail:
            age = (now - datetime.fromisoformat(vital.detail["oldest"])).total_seconds()
            yield Sample("relayclear_oldest_packet_age_seconds", end, max(0.0, age))


def _of_scans(noted: Vitals) -> Iterator[Sample]:
    for vital in _of_kind(noted, Kind.SCAN):
        yield Sample("relayclear_scans_total", (), vital.detail["total"])
        yield Sample("relayclear_scan_failures_total", (), vital.detail["failed"])
        yield Sample("relayclear_scan_duration_seconds", (), vital.detail["seconds"])
        yield Sample("relayclear_scan_timestamp_seconds", (), vital.tried_at.timestamp())


def _of_nodes(noted: Vitals, facts: Facts) -> Iterator[Sample]:
    for chain in facts.chains:
        yield from _up("relayclear_chain_up", (chain.chain,), chain.sign.state(facts.now))
        for sign in chain.endpoints:
            yield from _up("relayclear_endpoint_up", _parted(sign.name), sign.state(facts.now))
    for sign in facts.hermes:
        yield from _up("relayclear_hermes_up", (sign.name,), sign.state(facts.now))
    for vital in _of_kind(noted, Kind.CHAIN):
        if vital.good_at is not None:
            yield Sample("relayclear_chain_good_timestamp_seconds", (vital.name,), vital.good_at.timestamp())
            yield Sample("relayclear_chain_height", (vital.name,), vital.detail["height"])
    names = {"requests": "requests_total", "failures": "failures_total", "seconds": "request_seconds_total"}
    for vital in _of_kind(noted, Kind.ENDPOINT):
        for key, name in {**names, "latest": "latency_seconds"}.items():
            if key in vital.detail:
                yield Sample(f"relayclear_endpoint_{name}", _parted(vital.name), vital.detail[key])


def _up(name: str, labels: tuple[str, ...], state: State) -> Iterator[Sample]:
    if state is not State.UNKNOWN:
        yield Sample(name, labels, float(state is State.GOOD))


def _parted(name: str) -> tuple[str, str]:
    chain, _, rest = name.partition("/")
    return chain, rest


def _of_accounts(reads: Reads, noted: Vitals, books: Books) -> Iterator[Sample]:
    for vital in _of_kind(noted, Kind.GAS):
        chain, role = _parted(vital.name)
        # What a key held before it couldn't be read any more may be spent by now.
        if vital.error is None:
            labels = (chain, role, vital.detail["address"], vital.detail["denom"])
            yield Sample("relayclear_wallet_balance", labels, _number(int(vital.detail["amount"])))
            if "relays" in vital.detail:
                yield Sample("relayclear_gas_relays_left", (chain, role), _number(vital.detail["relays"]))
    # Anybody can send a payee coins of a thousand names: those that the books know are told.
    known = {(place.chain, place.denom) for place in books}
    for cursor in cursors.every(reads):
        for denom, amount in cursor.held.items():
            if (cursor.chain, denom) in known:
                labels = (cursor.chain, "payee", cursor.payee, denom)
                yield Sample("relayclear_wallet_balance", labels, _number(amount))


def _of_money(reads: Reads, books: Books, facts: Facts) -> Iterator[Sample]:
    names = {
        Account.OWED: "relayclear_owed_amount",
        Account.HELD: "relayclear_held_amount",
        Account.IN_TRANSIT: "relayclear_in_transit_amount",
    }
    for place, book in books.items():
        for account, name in names.items():
            yield Sample(name, (place.chain, place.denom), _number(book.totals[account]))
    wrong = {name.partition("/")[0] for name in facts.unbalanced}
    for chain in sorted({place.chain for place in books}):
        yield Sample("relayclear_books_balanced", (chain,), float(chain not in wrong))
    for cursor in cursors.every(reads):
        yield Sample("relayclear_payments_total", (cursor.chain,), payments.count(reads, cursor.chain))
    for kind in Orphan:
        yield Sample("relayclear_orphans", (kind.value,), payments.count_orphans(reads, kind))
    yield Sample("relayclear_refunds", (RefundState.OWED.value,), dues.count(reads))
    for state in DECIDED:
        yield Sample("relayclear_refunds", (state.value,), refunds.count(reads, state))


# The other states are of dues, which are all told as owed: telling them apart takes a look at every payer.
DECIDED = tuple(
    state
    for state in RefundState
    if state not in {RefundState.OWED, RefundState.DUST, RefundState.BELOW_COST, RefundState.NEEDS_CLAIM}
)


def _of_cursors(reads: Reads, now: datetime) -> Iterator[Sample]:
    for cursor in cursors.every(reads):
        yield Sample("relayclear_cursor_height", (cursor.chain,), cursor.read_through)
        yield Sample("relayclear_cursor_lag_seconds", (cursor.chain,), lag_of(cursor, now))
        yield Sample("relayclear_cursor_up", (cursor.chain,), float(cursor.error is None))


def _of_work(reads: Reads, facts: Facts) -> Iterator[Sample]:
    for count in tasks.counts(reads):
        if count.status is Status.DEAD:
            yield Sample("relayclear_dead_letters", (count.kind,), count.number)
        else:
            yield Sample("relayclear_queue_depth", (count.kind, "claimed" if count.claimed else "ready"), count.number)
    yield Sample("relayclear_open_sales", (), len(sales.open_sales(reads)))
    yield Sample("relayclear_overdue_sales", (), len(facts.overdue))


def _of_clears(sums: Sums | None) -> Iterator[Sample]:
    if sums is None:
        return
    for sold, kind in enumerate(("own", "sold")):
        yield Sample("relayclear_clearing_requests_total", (kind,), sums.asked[sold])
    # Each of them, for here 0 is known: a series that begins with the first failure would hide its rise.
    for state in OperationState:
        yield Sample("relayclear_operations", (state.value,), sums.states[state])
    for fate in Fate:
        yield Sample("relayclear_cleared_packets", (fate.value,), sums.fates[fate])
    yield Sample("relayclear_cleared_packets_ours", (), sums.by_us)
    for denom, amount in sums.earned.items():
        yield Sample("relayclear_earned_amount", denom, _number(amount))


def _of_kind(noted: Vitals, kind: Kind) -> Iterable[Vital]:
    return (vital for (of, _), vital in noted.items() if of is kind)


def _number(amount: int) -> float:
    """An amount as Prometheus has numbers: the nearest, for it may have any number of digits."""
    try:
        return float(amount)
    except OverflowError:
        return float("inf")
