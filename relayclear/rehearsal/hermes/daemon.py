"""`start`: a daemon that relays new packets and clears old ones, on the channels its filters allow.

Much simpler than the real one: it looks at every allowed channel at each block instead of listening to
events, so it never forgets a quiet one; and it waits for its transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from relayclear.rehearsal.hermes import health, relaying
from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.ibc_events import IbcEvent
from relayclear.rehearsal.hermes.links import OPEN, Link, link, other_chain
from relayclear.rehearsal.hermes.session import Session


@dataclass
class _Worker:
    """One direction of a channel: what it shall leave to the next clearing, and the last height it saw."""

    link: Link
    left: set[int] = field(default_factory=set)
    seen: int = 0


def run(session: Session, parsed: Parsed) -> int:  # noqa: ARG001  as every command's
    """Relay until the process is ended.  Raises Failure when a chain doesn't answer at the start."""
    session.timeout = None
    workers = start(session)
    while workers:
        step(session, workers)
        session.wait(min(worker.link.source.chain.config.poll_interval for worker in workers))
    return session.output.fail("Hermes failed to start, last error: no chains are configured")


def start(session: Session) -> list[_Worker]:
    """Look at all chains: a worker for each allowed direction of an open channel between two of them."""
    chains = [session.chain(config.id) for config in session.config.chains]
    for chain in chains:
        with session.output.span("health_check", {"chain": chain.id}):
            reason = health.check(session, chain)
            if reason:
                session.output.warn(f"chain is not healthy: {reason}")
            else:
                session.output.info("chain is healthy")
    workers = [worker for chain in chains for worker in _workers(session, chain)] if session.config.packets else []
    session.output.info("Hermes has started")
    if not session.config.clear_on_start:
        for worker in workers:
            worker.left = {*_waiting(worker.link)}
    return workers


def step(session: Session, workers: list[_Worker]) -> None:
    """Relay what is new, and at every `clear_interval`th block of a source whatever waits."""
    for worker in workers:
        try:
            height = worker.link.source.chain.status().height
            if height == worker.seen:
                continue
            due = _clearing_due(session, worker, height)
            worker.seen = height
            _relay(session, worker, clearing=due)
        except Failure as failed:
            session.output.error(f"failed to relay: {failed}")


def _workers(session: Session, chain: Chain) -> list[_Worker]:
    found: list[_Worker] = []
    for row in chain.channels():
        if row.state != OPEN or not chain.config.packet_filter.allows(row.port_id, row.channel_id):
            continue
        far = other_chain(chain, row.port_id, row.channel_id)
        if session.config.chain(far) is not None:
            excluded = chain.config.excluded.get(row.channel_id, ())
            made = link(session, chain, session.chain(far), row.port_id, row.channel_id, excluded)
            found.append(_Worker(made))
    return found


def _clearing_due(session: Session, worker: _Worker, height: int) -> bool:
    interval = worker.link.source.chain.config.clear_interval
    every = session.config.clear_interval if interval is None else interval
    if not worker.seen:
        return session.config.clear_on_start
    return bool(every) and height // every > worker.seen // every


def _relay(session: Session, worker: _Worker, *, clearing: bool) -> None:
    """New packets are relayed once and whatever the exclusions say; what fails waits for the next clearing."""
    if clearing:
        session.output.info("packets clearing triggered, looking for packets to clear")
        worker.left.clear()
        most = session.config.clear_limit
        _quietly(session, lambda: relaying.receive(worker.link, most=most))
        _quietly(session, lambda: relaying.acknowledge(worker.link, most=most))
        worker.left = {*_waiting(worker.link)}
        return
    new = sorted({*_waiting(worker.link)} - worker.left)
    if not new:
        return
    worker.left |= {*new}
    events = Link(session, worker.link.source, worker.link.destination, worker.link.ordered)
    only = [(sequence, sequence) for sequence in new]
    _quietly(session, lambda: relaying.receive(events, only))
    _quietly(session, lambda: relaying.acknowledge(events.reversed(), only))


def _waiting(path: Link) -> list[int]:
    return relaying.unreceived(path)[0]


def _quietly(session: Session, work: Callable[[], list[IbcEvent]]) -> None:
    try:
        work()
    except Failure as failed:
        session.output.error(f"failed to relay: {failed}")
