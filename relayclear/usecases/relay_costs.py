"""What clearing costs, read by the account that signs: failed transactions too, which move no packet and cost as much.

| the run | its transactions are the sequences from the one before it to |
|---|---|
| the account began another one since | where that one began: what landed late is its own |
| ended by itself | the one after it |
| was cut off, and nothing came after it | where the account stands now, again and again |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from relayclear.clearing.operation import Operation
from relayclear.errors import IndexerError, RelayclearError, StoreError
from relayclear.ibc.relayer import KeyChoice, RelayRun
from relayclear.ibc.spending import SequenceUse
from relayclear.money.shares import even_shares
from relayclear.ports import Chain
from relayclear.store import relay_costs
from relayclear.store.db import Reads
from relayclear.store.relay_costs import Mark, Moment, RelayCost, Run
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof import ended_by_itself

# Out of blocks, where no index tells: so many at a time, the rest at a later pass.
_BLOCKS_AT_ONCE = 500


async def mark_before(desk: Desk, operation_id: str, attempt: int, keys: Sequence[KeyChoice]) -> None:
    """Keep where the accounts of a run stand before it; best effort, for a run needs no node to tell."""
    await _mark(desk, operation_id, attempt, keys, Moment.BEFORE)


async def mark_after(desk: Desk, operation_id: str, attempt: int, keys: Sequence[KeyChoice], run: RelayRun) -> None:
    """The same after a run that ended by itself: what another one sent may land yet."""
    if ended_by_itself(run):
        await _mark(desk, operation_id, attempt, keys, Moment.AFTER)


async def _mark(desk: Desk, operation_id: str, attempt: int, keys: Sequence[KeyChoice], moment: Moment) -> None:
    for key in keys:
        # A daemon's transactions are no part of a run of ours.
        if key.address is None or key.address in desk.daemon_keys.get(key.chain, frozenset()):
            continue
        run, address = Run(operation_id, attempt, key.chain), key.address
        if moment is Moment.AFTER and relay_costs.found(desk.journal.database, run, Moment.BEFORE) is None:
            continue
        with suppress(RelayclearError):
            node = desk.chain(key.chain)
            account, head = await node.account(address), await node.head()
            sequence = account.sequence if account is not None else 0
            with desk.journal.database.atomic() as tx:
                relay_costs.mark(tx, run, moment, (address, sequence, head.height), desk.clock.now())


async def read_costs(desk: Desk) -> int:
    """Read what runs of Hermes cost and isn't known yet; how many transactions are new.

    What no node shows yet is left to a later pass.  Raises StoreError alone.
    """
    count = 0
    for run in relay_costs.unread(desk.journal.database):
        if run.chain not in desk.chains:
            continue
        try:
            count += await _read(desk, desk.chains[run.chain], run)
        except StoreError:
            raise
        except RelayclearError:
            continue  # asked again by the next pass
    return count


@dataclass(frozen=True, slots=True)
class _Range:
    """The sequences of a run that are still to be read; `closed`: no more can come."""

    first: int
    end: int
    closed: bool


async def _read(desk: Desk, node: Chain, run: Run) -> int:
    database = desk.journal.database
    before = relay_costs.found(database, run, Moment.BEFORE)
    if before is None:
        return 0
    wanted = await _range(desk, node, before)
    uses = await _uses(node, before, wanted)
    now = desk.clock.now()
    with database.atomic() as tx:
        new = sum(relay_costs.add(tx, run, use, now) for use in uses)
        left = [one for one in range(wanted.first, wanted.end) if not _is_known(tx, before, one)]
        if wanted.closed and not left:
            relay_costs.finish(tx, run)
    return new


def _is_known(reads: Reads, before: Mark, sequence: int) -> bool:
    return relay_costs.is_known(reads, before.run.chain, before.address, sequence)


async def _range(desk: Desk, node: Chain, before: Mark) -> _Range:
    database = desk.journal.database
    first = relay_costs.next_to_read(database, before)
    following = relay_costs.following(database, before)
    if following is not None:
        return _Range(first, following.sequence, closed=True)
    after = relay_costs.found(database, before.run, Moment.AFTER)
    if after is not None:
        return _Range(first, after.sequence, closed=True)
    account = await node.account(before.address)
    return _Range(first, account.sequence if account is not None else 0, closed=False)


async def _uses(node: Chain, before: Mark, wanted: _Range) -> list[SequenceUse]:
    """What used the sequences, as far as a node shows it."""
    found: list[SequenceUse] = []
    for sequence in range(wanted.first, wanted.end):
        try:
            use = await node.sequence_use(before.address, sequence)
        except IndexerError:
            return await _by_blocks(node, before, wanted)
        if use is None:
            break
        found.append(use)
    return found


async def _by_blocks(node: Chain, before: Mark, wanted: _Range) -> list[SequenceUse]:
    last = min((await node.head()).height, before.height + _BLOCKS_AT_ONCE - 1)
    uses = await node.sequence_uses(before.address, before.height, last)
    return [use for use in uses if wanted.first <= use.sequence < wanted.end]


Amounts = dict[tuple[str, str], int]
"""Base units by chain and denom."""


def packet_shares(operation: Operation, costs: Iterable[RelayCost]) -> dict[int, Amounts]:
    """What each packet of an operation cost: every fee split evenly over its attempt's packets, the rest on the first.

    The sums are those of the fees, to the last unit.
    """
    packets = {attempt.number: [one.sequence for one in attempt.before] for attempt in operation.attempts}
    found: dict[int, Amounts] = {}
    for cost in costs:
        sequences = packets.get(cost.run.attempt, [])
        for coin in cost.fee if sequences else ():
            parts = reversed(even_shares(coin.amount, len(sequences)))
            for sequence, amount in zip(sequences, parts, strict=True):
                _count(found.setdefault(sequence, {}), (cost.run.chain, coin.denom), amount)
    return dict(sorted(found.items()))


def totals(costs: Iterable[RelayCost]) -> Amounts:
    """What transactions cost together."""
    found: Amounts = {}
    for cost in costs:
        for coin in cost.fee:
            _count(found, (cost.run.chain, coin.denom), coin.amount)
    return found


def _count(amounts: Amounts, name: tuple[str, str], amount: int) -> None:
    amounts[name] = amounts.get(name, 0) + amount
