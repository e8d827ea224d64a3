"""Plan a clear: read what the chosen packets are, pick the keys, refuse what can't or may not be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from relayclear.clearing.operation import PacketBefore
from relayclear.clearing.plan import Choice, LeftOut, closes_channel, split
from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.nearest import nearest_of
from relayclear.ibc.packet import ChannelEnd, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.relayer import FeeCap, GasTerms, KeyChoice
from relayclear.ibc.triage import RETURNING, BlockReason, PacketClass
from relayclear.usecases.desk import Desk, Instance
from relayclear.usecases.details import Details, fetch_details
from relayclear.usecases.scan import Reading, Scope, scan
from relayclear.usecases.views import PacketView, half_dead, packet_view, path_desk

# One clear is one row of history and one command line: more is asked for channel by channel.
MAX_SEQUENCES = 5000
DAEMON_QUIET = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """Clear these sequences sent by `source`.

    `key_name` stands for both chains; `max_fees` cap one transaction on every chain that pays gas
    in the coin's denom; `close_channel` names a channel that may be closed by it.
    """

    source: ChannelEnd
    sequences: SequenceRanges
    key_name: str | None = None
    share_key: bool = False
    max_fees: tuple[Coin, ...] = ()
    close_channel: str | None = None


@dataclass(frozen=True, slots=True)
class ClearPlan:
    """What a clear would do.  `run` may be given to Hermes; `gone` is no longer pending."""

    path: RelayPath
    instance: Instance
    sequences: SequenceRanges
    run: tuple[int, ...]
    gone: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    before: Mapping[int, PacketBefore]
    views: tuple[PacketView, ...]
    keys: tuple[KeyChoice, ...] = ()
    gas: tuple[GasTerms, ...] = ()
    caps: tuple[FeeCap, ...] = ()
    warnings: tuple[str, ...] = ()
    version: str | None = None
    reading: Reading | None = field(default=None, repr=False, compare=False)


async def plan_clear(desk: Desk, request: ClearRequest) -> ClearPlan:
    """Plan one channel's clear.

    Raises UsageError for an unknown chain or channel, RefusedError where nothing may be done, and
    UnreachableError where either side can't be read.
    """
    return await equipped(desk, request, await read_plan(desk, request))


async def read_plan(desk: Desk, request: ClearRequest) -> ClearPlan:
    """What the chosen packets are and which of them a run may be given, before any key is looked at.

    Raises UsageError for an unknown chain or channel, RefusedError for a sequence that was never
    sent or for too many, and UnreachableError where either side can't be read.
    """
    desk.chain(request.source.chain)
    reading = await scan(desk, Scope(*_scope(request.source)))
    item = reading.readable(request.source)
    path = item.path
    await _refuse_never_sent(desk, request, item.commitments)
    views = await _views(desk, reading, path, [s for s in request.sequences if s in item.commitments])
    unreceived = item.reception.unreceived if item.reception else frozenset()
    free, left_out = split([Choice(view.sequence, view.verdict) for view in views], item.commitments, unreceived)
    return ClearPlan(
        path=path,
        instance=desk.instance_for(path),
        sequences=request.sequences,
        run=tuple(choice.sequence for choice in free),
        gone=tuple(sequence for sequence in request.sequences if sequence not in item.commitments),
        left_out=tuple(left_out),
        before=_before(reading, path, request.sequences, views),
        views=tuple(views),
        reading=reading,
    )


def _scope(end: ChannelEnd) -> tuple[str, str, str]:
    return end.chain, end.channel, end.port


async def _refuse_never_sent(desk: Desk, request: ClearRequest, pending: Mapping[int, bytes]) -> None:
    highest = request.sequences.ranges[-1][1]
    if highest not in pending:
        following = await desk.chains[request.source.chain].next_send_sequence(request.source)
        if highest >= following:
            raise RefusedError(
                f"{request.source} never sent #{max(following, request.sequences.ranges[-1][0])}:"
                f" the next sequence it will send is {following}",
                hint=f"relayclear packets list --chain {request.source.chain} --channel {request.source.channel} --all",
                code="never_sent",
            )
    if len(request.sequences) > MAX_SEQUENCES:
        raise RefusedError(
            f"{len(request.sequences)} sequences in one clear; the most is {MAX_SEQUENCES}",
            hint="clear fewer at a time",
        )


async def _views(desk: Desk, reading: Reading, path: RelayPath, sequences: Sequence[int]) -> list[PacketView]:
    details = Details()
    keys = [PacketKey(*path.source, sequence) for sequence in sequences]
    await fetch_details(desk, reading, keys, details)
    at = path_desk(desk, reading, reading.paths[path.source], [])
    views = [packet_view(at, key.sequence, details.packets.get(key), details.unread.get(key)) for key in keys]
    for view in views:
        view.warning = half_dead(at.facts, view.verdict.packet_class)
    return views


def _before(
    reading: Reading, path: RelayPath, sequences: SequenceRanges, views: Sequence[PacketView]
) -> dict[int, PacketBefore]:
    heights = {chain: reading.heads[chain].height for chain in (path.source.chain, path.destination.chain)}
    rows = {sequence: PacketBefore(sequence, None, None, heights) for sequence in sequences}
    for view in views:
        blocked = view.verdict.blocked.reason.value if view.verdict.blocked else None
        rows[view.sequence] = PacketBefore(view.sequence, view.verdict.packet_class, view.commitment, heights, blocked)
    return rows


async def equipped(desk: Desk, request: ClearRequest, plan: ClearPlan) -> ClearPlan:
    """Add version, keys, gas and warnings; a plan with nothing to run needs none of them.

    Raises RefusedError where nothing may be done, and UnreachableError where that can't be told.
    """
    if not plan.run:
        if plan.left_out:
            raise _nothing_clearable(plan)
        return plan
    if may_close_channel(plan) and request.close_channel != plan.path.source.channel:
        raise RefusedError(
            f"a timeout on {plan.path.source} closes the channel for ever: it is ordered, and at least one of these"
            " packets has timed out, or nobody can tell",
            hint=f"add --close-channel {plan.path.source.channel} if that is what you want",
            code="would_close_channel",
        )
    relayer = plan.instance.relayer
    chains = (plan.path.source.chain, plan.path.destination.chain)
    gas = tuple(relayer.gas(chain) for chain in chains)
    version, keys = await asyncio.gather(
        relayer.version(), asyncio.gather(*(_key(desk, request, plan, terms) for terms in gas))
    )
    return ClearPlan(
        plan.path,
        plan.instance,
        plan.sequences,
        plan.run,
        plan.gone,
        plan.left_out,
        plan.before,
        plan.views,
        keys=tuple(keys),
        gas=gas,
        caps=_caps(request, gas),
        warnings=_warnings(plan),
        version=version,
        reading=plan.reading,
    )


def paying_chains(plan: ClearPlan) -> frozenset[str]:
    """The chains on which a packet of the run can make a transaction.

    What goes back (a timeout, an acknowledgement) is sent to the source alone.
    """
    classes = {view.verdict.packet_class for view in plan.views if view.sequence in plan.run}
    source = frozenset({plan.path.source.chain} if classes else ())
    returning = RETURNING | {PacketClass.ACK_MISSING}
    return source if classes <= returning else source | {plan.path.destination.chain}


def may_close_channel(plan: ClearPlan) -> bool:
    """Whether clearing the packets that may run could close their channel."""
    free = [Choice(view.sequence, view.verdict) for view in plan.views if view.sequence in plan.run]
    return closes_channel(plan.path.ordering, free)


def _nothing_clearable(plan: ClearPlan) -> RefusedError:
    first = plan.left_out[0]
    more = f" (and {len(plan.left_out) - 1} more)" if len(plan.left_out) > 1 else ""
    return RefusedError(
        f"{plan.path.source}/{first.sequence} can't be cleared: {first.why}{more}",
        hint=f"relayclear packets show {plan.path.source}/{first.sequence}",
        code="not_clearable",
    )


def _caps(request: ClearRequest, gas: Sequence[GasTerms]) -> tuple[FeeCap, ...]:
    caps = tuple(FeeCap(terms.chain, coin) for coin in request.max_fees for terms in gas if coin.denom == terms.denom)
    unused = [coin for coin in request.max_fees if all(coin.denom != terms.denom for terms in gas)]
    if unused:
        known = " and ".join(f"{terms.denom} on {terms.chain}" for terms in gas)
        raise RefusedError(
            f"--max-fee {unused[0]} fits neither chain: gas is paid in {known}",
            code="wrong_fee_denom",
            hint=f"--max-fee {unused[0].amount}{nearest_of(unused[0].denom, [terms.denom for terms in gas])}",
        )
    for coin, terms in ((cap.fee, terms) for cap in caps for terms in gas if cap.chain == terms.chain):
        if coin.amount < terms.price:
            hint = f"raise it: {terms.worst_fee} is the most that a transaction there can cost now"
            raise RefusedError(f"--max-fee {coin} buys no gas on {terms.chain}", hint=hint, code="fee_too_small")
    return caps


def _warnings(plan: ClearPlan) -> tuple[str, ...]:
    words = [f"#{view.sequence}: {view.warning}" for view in plan.views if view.warning]
    for view in plan.views:
        if view.verdict.packet_class is PacketClass.IN_FLIGHT:
            when = "at a time unknown" if view.age_seconds is None else f"{view.age_seconds} s ago"
            words.append(f"#{view.sequence} was sent {when}: it may still arrive by itself")
        if view.verdict.blocked and view.verdict.blocked.reason is BlockReason.NO_PACKET_DATA:
            words.append(f"#{view.sequence}: our node lost the transaction that sent it; Hermes may not find it either")
    words += [f"#{left.sequence} is left out: {left.why}" for left in plan.left_out]
    return tuple(words)


async def _key(desk: Desk, request: ClearRequest, plan: ClearPlan, terms: GasTerms) -> KeyChoice:
    """The key to sign with on one chain, known to exist, to have an account, and to be ours to use."""
    chain_id = terms.chain
    key = plan.instance.relayer.key(chain_id, request.key_name or desk.clearing_keys.get(chain_id))
    if key.address is None:
        return key  # a Hermes elsewhere keeps its keys to itself
    chain = desk.chains[chain_id]
    account, balance = await asyncio.gather(chain.account(key.address), chain.balance(key.address, terms.denom))
    if account is None:
        raise RefusedError(
            f"key {key.name!r} on {chain_id} has no account: {key.address} never received anything",
            hint=f"send it some {terms.denom} on {chain_id} first",
            code="no_account",
        )
    if balance.amount == 0 and terms.fee_granter is None:
        raise RefusedError(
            f"key {key.name!r} on {chain_id} can't pay gas: {key.address} holds 0{terms.denom}",
            hint=f"send it some {terms.denom} on {chain_id} first",
            code="no_gas",
        )
    if key.address in desk.daemon_keys.get(chain_id, frozenset()) and not request.share_key:
        await _refuse_busy_daemon(desk, key, account.sequence)
    return key


async def _refuse_busy_daemon(desk: Desk, key: KeyChoice, sequence: int) -> None:
    """A daemon's key may only be borrowed while nobody else signs with it.

    Read on the chain, so that daemons in containers and on other hosts count.
    """
    if sequence == 0 or key.address is None:
        return
    try:
        last = await desk.chains[key.chain].last_signed_at(key.address, sequence)
    except RelayclearError:
        last = None
    if last is not None and desk.clock.now() - last >= DAEMON_QUIET:
        return
    when = f"signed {int((desk.clock.now() - last).total_seconds())} s ago" if last else "may have signed just now"
    raise RefusedError(
        f"{key.name!r} on {key.chain} is the key of hermes start and {when}:"
        " two programs with one key clash on the account sequence, and Hermes says success",
        hint="give relayclear a key of its own (relayclear doctor prints how), or stop the daemon and add --share-key",
        code="daemon_key",
    )
