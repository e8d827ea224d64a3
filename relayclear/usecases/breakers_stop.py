"""What an open breaker keeps from happening: no quote is made, and work waits; neither counts as a try."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from relayclear.clearing.breaker import OPEN_FOR, BreakerView, endpoint_name, path_name, wallet_name
from relayclear.errors import OpenBreakerError
from relayclear.ibc.packet import ChannelEnd, RelayPath
from relayclear.ibc.relayer import RelayRun
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof import ended_by_itself

# What nobody but a person ends is looked at again so often.
_LOOK_SECONDS = OPEN_FOR.total_seconds()
_SOON = 1.0
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def seconds_to(found: BreakerView, now: datetime) -> float:
    """How long to wait before looking again at what lets nobody through."""
    left = _LOOK_SECONDS if found.until is None else (found.until - now).total_seconds()
    return min(max(left, 0.0) + _SOON, _LOOK_SECONDS)


def stopped_chain(desk: Desk, chain: str) -> BreakerView | None:
    """What keeps a chain from being asked: every one of its endpoints; of them the first that may be asked again."""
    urls = desk.endpoints_of(chain)
    found = [*_found(desk.breakers.shut(endpoint_name(chain, url)) for url in urls)]
    if not found or len(found) < len(urls):
        return None
    return min(found, key=lambda one: one.until or _FOR_EVER)


def stopped_path(desk: Desk, path: RelayPath) -> BreakerView | None:
    """What keeps packets of a path from being cleared: either chain, or Hermes on this path."""
    ends = (path.source.chain, path.destination.chain)
    found = [*(stopped_chain(desk, chain) for chain in ends), desk.breakers.shut(path_name(path.source))]
    return next(_found(found), None)


def refuse_stopped(desk: Desk, chains: Iterable[str | None], path: RelayPath | None, paying: str | None) -> None:
    """Refuse a quote that couldn't be honoured now.

    Raises OpenBreakerError while a chain that is needed, Hermes on the path or the wallet that would pay
    back can't be called.
    """
    found = [stopped_chain(desk, chain) for chain in chains if chain is not None and chain in desk.chains]
    found += [stopped_path(desk, path)] if path is not None else []
    found += [desk.breakers.shut(wallet_name(paying))] if paying is not None else []
    for one in _found(found):
        raise OpenBreakerError(f"nothing is sold now: {one.words}", hint="relayclear breakers list")


def refuse_stopped_hermes(desk: Desk, end: ChannelEnd) -> None:
    """Raises OpenBreakerError while Hermes can't be run for what an end sent."""
    found = desk.breakers.shut(path_name(end))
    if found is not None:
        hint = f'relayclear breakers reset {found.name} --reason "…"'
        raise OpenBreakerError(f"Hermes isn't run now: {found.words}", hint=hint)


def heard_run(desk: Desk, end: ChannelEnd, run: RelayRun) -> None:
    """Count what came of a run of Hermes: one that couldn't be started, or had to be ended, is a failure.

    A run that ended and left packets pending is none: that is a try, and the rules of tries are the work's own.
    """
    failure = None
    if not run.argv:
        failure = run.complaints[-1] if run.complaints else "Hermes can't be started"
    elif not ended_by_itself(run):
        failure = f"Hermes did not end by itself within {run.seconds:.0f} s"
    desk.breakers.heard(path_name(end), failure)


def _found(several: Iterable[BreakerView | None]) -> Iterator[BreakerView]:
    return (one for one in several if one is not None)
