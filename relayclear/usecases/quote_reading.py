"""Before a quote: read what the packets are, and refuse, with its reason, whatever can't be cleared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relayclear.errors import NodeError, RefusedError, RelayclearError, UsageError
from relayclear.ibc.address import read_address
from relayclear.ibc.fate import SUCCESS_ACK_HASH
from relayclear.ibc.forwarding import hops
from relayclear.ibc.packet import ChannelEnd, Ordering, SequenceRanges
from relayclear.ibc.relayer import DaemonHabit
from relayclear.ibc.triage import UNDELIVERED, PacketClass
from relayclear.usecases.breakers_stop import refuse_stopped
from relayclear.usecases.clear_plan import ClearPlan, ClearRequest, equipped, may_close_channel, read_plan
from relayclear.usecases.desk import Desk
from relayclear.usecases.quote_values import Note, NoteCode, QuoteRequest
from relayclear.usecases.scan import Reading, Scope
from relayclear.usecases.selling import refuse_shared_accounts, require_shop
from relayclear.usecases.topology import load_network
from relayclear.usecases.views import PacketView

_NAMED = 10
_HABITS = {
    DaemonHabit.CLEARS_TOO: NoteCode.DAEMON_MAY_CLEAR,
    DaemonHabit.AS_THEY_COME: NoteCode.DAEMON_AS_THEY_COME,
}


@dataclass(frozen=True, slots=True)
class Offered:
    """Packets that can be cleared now: the plan that would do it, their sender (empty: several, or none known)."""

    plan: ClearPlan
    wallet: str
    notes: tuple[Note, ...]

    @property
    def hops(self) -> dict[int, int]:
        """The packets that another chain passes on, with the hops they make in all."""
        told = {view.sequence: hops(view.transfer.memo) for view in self.plan.views if view.transfer}
        return {sequence: count for sequence, count in told.items() if count > 1}


async def read_offer(desk: Desk, request: QuoteRequest) -> Offered:
    """Read the chosen packets.

    Raises UsageError for a chain, channel or wallet that can't be meant, ConfigError where the
    accounts aren't apart, RefusedError with the reason for a packet that can't be cleared, and
    UnreachableError where that can't be told.
    """
    source, sequences, notes = await _chosen(desk, request)
    desk.chain(source.chain)
    path = (await load_network(desk)).path_from(source)
    refuse_stopped(desk, (), path, request.pay_on or source.chain)
    shop = require_shop(desk)
    ends = frozenset({path.source.chain, path.destination.chain})
    refuse_shared_accounts(desk, shop, ends, request.pay_on or source.chain)
    wanted = ClearRequest(source, sequences)
    plan = await read_plan(desk, wanted)
    _refuse_gone(plan)
    _refuse_left_out(plan)
    for view in plan.views:
        _refuse_unread(view)
    _refuse_unknown_clients(plan)
    if not request.anyway:
        _refuse_arrived(plan)
    _refuse_closing(plan)
    plan = await equipped(desk, wanted, plan)
    return Offered(plan, _sender(plan.views), (*notes, *_notes(desk, plan)))


async def _chosen(desk: Desk, request: QuoteRequest) -> tuple[ChannelEnd, SequenceRanges, tuple[Note, ...]]:
    if request.wallet is not None:
        return await _of_wallet(desk, request, request.wallet)
    if request.chain is None or request.channel is None or request.sequences is None:
        raise UsageError(
            "a quote needs --chain, --channel and --packet-sequences, or --wallet",
            hint="relayclear tokens create --chain alpha-1 --channel channel-0 --packet-sequences 2",
        )
    return ChannelEnd(request.chain, request.port, request.channel), request.sequences, ()


async def _of_wallet(
    desk: Desk, request: QuoteRequest, wallet: str
) -> tuple[ChannelEnd, SequenceRanges, tuple[Note, ...]]:
    """All packets of one sender that a clear can move, on the one channel where they are."""
    # Most quotes name their packets, and need no list.
    from relayclear.ibc.filter import Filter  # noqa: PLC0415
    from relayclear.usecases.listing import DetailsMode, ListRequest, list_packets  # noqa: PLC0415

    if read_address(wallet) is None:
        raise UsageError(f"--wallet {wallet[:90]!r} is no address", hint="--wallet takes the sender of the packets")
    scope = Scope(request.chain, request.channel, request.port if request.channel else None)
    chosen = Filter().and_("sender", wallet)
    listing = await list_packets(desk, ListRequest(scope, chosen, DetailsMode.ALL))
    views = [view for view in listing.packets if view.verdict.clearable]
    if not request.anyway:
        views = [view for view in views if not _has_arrived(listing.reading, view)]
    unread = sorted(str(path.path.source) for path in listing.paths if path.error is not None)
    ends = sorted({view.path.source for view in views})
    if not ends:
        raise _nothing_of(wallet, listing.packets, unread)
    if len(ends) > 1:
        raise RefusedError(
            f"{wallet} has packets on {len(ends)} channels, and a token is for one: {_names(ends)}",
            hint=f"add --chain {ends[0].chain} --channel {ends[0].channel}",
            code="several_channels",
        )
    notes = (Note(NoteCode.NOT_READ, (), ", ".join(unread[:_NAMED])),) if unread else ()
    return ends[0], SequenceRanges.of(view.sequence for view in views), notes


def _nothing_of(wallet: str, found: Sequence[PacketView], unread: Sequence[str]) -> RelayclearError:
    if unread:
        return NodeError(
            f"nothing clearable of {wallet} was found, but {_names(unread)} could not be read",
            hint="relayclear doctor, then the same command",
        )
    pending = f"; {len(found)} pending can't be" if found else ""
    return RefusedError(
        f"no packet of {wallet} can be cleared now{pending}",
        hint=f"relayclear packets list --wallet {wallet} --all",
        code="not_clearable",
    )


def _refuse_closing(plan: ClearPlan) -> None:
    """An operator may close a channel knowingly; nobody can be sold that."""
    if may_close_channel(plan):
        end = plan.path.source
        raise RefusedError(
            f"clearing on {end} would close the channel for ever: it is ordered, and at least one of these packets"
            " has timed out, or nobody can tell",
            hint=f"relayclear packets list --chain {end.chain} --channel {end.channel} --all",
            code="would_close_channel",
        )


def _refuse_gone(plan: ClearPlan) -> None:
    if plan.gone:
        names = _numbers(plan.gone)
        raise RefusedError(
            f"{plan.path.source}: {names} {'is' if len(plan.gone) == 1 else 'are'} no longer pending:"
            " somebody has cleared it already, and there is nothing to sell",
            hint=f"relayclear packets show {plan.path.source}/{plan.gone[0]}",
            code="already_cleared",
        )


def _refuse_left_out(plan: ClearPlan) -> None:
    if not plan.left_out:
        return
    asked = set(plan.sequences)
    first = plan.left_out[0]
    reasons = "; ".join(f"#{left.sequence}: {left.why}" for left in plan.left_out[:_NAMED])
    hint = f"relayclear packets show {plan.path.source}/{first.sequence}"
    if plan.path.ordering is Ordering.ORDERED and plan.reading is not None:
        pending = plan.reading.paths[plan.path.source].commitments
        earlier = [sequence for sequence in sorted(pending) if sequence < max(asked) and sequence not in asked]
        if earlier:
            reasons += f"; the channel is ordered, and {_numbers(earlier)} must go first"
            hint = f"name {_numbers(earlier)} too: --packet-sequences {SequenceRanges.of([*earlier, *asked])}"
    raise RefusedError(f"{plan.path.source} can't be cleared: {reasons}", hint=hint, code="not_clearable")


def _refuse_unread(view: PacketView) -> None:
    """Hermes needs the packet's data, and the payer is told where the coins go: both must be known and true."""
    if view.packet is None or not view.packet.verified:
        why = view.unread.message if view.unread else "what the node tells of it doesn't fit the commitment on chain"
        raise RefusedError(
            f"{view.key} can't be sold: {why}",
            hint=f"give {view.path.source.chain} an endpoint that keeps and indexes old transactions",
            code="no_packet_data",
        )


def _refuse_unknown_clients(plan: ClearPlan) -> None:
    """A client that can't be read may have expired: nobody pays for that."""
    path, reading = plan.path, plan.reading
    if reading is None:
        return
    wanted = {(path.source.chain, path.source_client)}
    if any(view.verdict.packet_class in UNDELIVERED for view in plan.views):
        wanted.add((path.destination.chain, path.destination_client))
    for chain, client in sorted(wanted - reading.clients.keys()):
        raise NodeError(f"{client} on {chain} could not be read: whether it can still relay is not known")


def _refuse_arrived(plan: ClearPlan) -> None:
    reading = plan.reading
    arrived = [view.sequence for view in plan.views if reading is not None and _has_arrived(reading, view)]
    if arrived:
        raise RefusedError(
            f"{plan.path.source}: {_numbers(arrived)} arrived: the receiver has the coins, and only the"
            " acknowledgement is missing",
            hint="add --anyway to sell bringing it back",
            code="arrived_already",
        )


def _has_arrived(reading: Reading, view: PacketView) -> bool:
    reception = reading.paths[view.path.source].reception
    known = reception.acknowledgements.get(view.sequence) if reception else None
    return view.verdict.packet_class is PacketClass.ACK_MISSING and known == SUCCESS_ACK_HASH


def _sender(views: Iterable[PacketView]) -> str:
    senders = {view.transfer.sender if view.transfer else "" for view in views}
    return senders.pop() if len(senders) == 1 else ""


def _notes(desk: Desk, plan: ClearPlan) -> tuple[Note, ...]:
    by_code: dict[NoteCode, list[int]] = {}
    details: dict[NoteCode, str] = {}
    for view in plan.views:
        if view.verdict.packet_class is PacketClass.IN_FLIGHT:
            by_code.setdefault(NoteCode.IN_FLIGHT, []).append(view.sequence)
        if view.warning:
            by_code.setdefault(NoteCode.ACK_CANT_RETURN, []).append(view.sequence)
            details[NoteCode.ACK_CANT_RETURN] = view.warning
        if plan.reading is not None and _has_arrived(plan.reading, view):
            by_code.setdefault(NoteCode.ARRIVED_ALREADY, []).append(view.sequence)
    found = [Note(code, tuple(sequences), details.get(code, "")) for code, sequences in by_code.items()]
    found += _forwarded(plan.views)
    # A daemon relays each direction by the config of the chain that sent.
    habit = desk.instance_for(plan.path).relayer.daemon_habit(plan.path.source)
    if habit is DaemonHabit.ONLY_NEW and plan.path.ordering is Ordering.ORDERED:
        habit = DaemonHabit.AS_THEY_COME
    return (*found, Note(_HABITS[habit])) if habit in _HABITS else tuple(found)


def _forwarded(views: Iterable[PacketView]) -> list[Note]:
    by_hops: dict[int, list[int]] = {}
    for view in views:
        count = hops(view.transfer.memo) if view.transfer else 1
        if count > 1:
            by_hops.setdefault(count, []).append(view.sequence)
    return [Note(NoteCode.FORWARDED, tuple(found), str(count)) for count, found in sorted(by_hops.items())]


def _numbers(sequences: Sequence[int]) -> str:
    named = ", ".join(f"#{sequence}" for sequence in sequences[:_NAMED])
    return f"{named} and {len(sequences) - _NAMED} more" if len(sequences) > _NAMED else named


def _names(things: Sequence[object]) -> str:
    named = ", ".join(str(thing) for thing in things[:_NAMED])
    return f"{named} and {len(things) - _NAMED} more" if len(things) > _NAMED else named
