"""Plan a clear of many channels at once from a filter."""

from __future__ import annotations

from dataclasses import dataclass

from relayclear.clearing.plan import MAY_RETURN
from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.filter import Filter
from relayclear.ibc.nearest import nearest_of
from relayclear.ibc.packet import ChannelEnd, Ordering, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.usecases.clear_plan import ClearPlan, ClearRequest, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.sold_packets import holders
from relayclear.usecases.topology import Progress
from relayclear.usecases.views import PacketView


@dataclass(frozen=True, slots=True)
class ManyRequest:
    """Everything that fits the filter and can be cleared, but never more than `max_packets`."""

    filter: Filter
    max_packets: int
    key_name: str | None
    share_key: bool
    max_fees: tuple[Coin, ...]


@dataclass(frozen=True, slots=True)
class ManyPlans:
    """A plan per channel, what was left out with its reason, channels that could not be planned."""

    plans: list[ClearPlan]
    left_out: list[tuple[PacketKey, str]]
    failures: dict[ChannelEnd, RelayclearError]
    listing: Listing

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything was read, and no packet fits the filter."""
        return self.listing.reading.complete and not (self.plans or self.left_out or self.failures)


async def plan_many(desk: Desk, request: ManyRequest, progress: Progress = lambda _: None) -> ManyPlans:
    """List what fits, leave out what can't be cleared or would close a channel, plan the rest.

    Raises RefusedError when nothing that fits can be cleared, or more than `max_packets` do: half of
    a wish is none; and for a fee cap that no chain at all pays gas in.
    """
    _refuse_useless_caps(desk, request.max_fees)
    wanted = ListRequest(filter=request.filter, details=DetailsMode.ALL)
    listing = await list_packets(desk, wanted, progress)
    sold = {key: held.memo for held in holders(desk, (view.key for view in listing.packets)) for key in held.packets}
    verdicts = [(view, _why_not(view, sold.get(view.key))) for view in listing.packets]
    left_out = [(view.key, why) for view, why in verdicts if why is not None]
    chosen: dict[ChannelEnd, list[int]] = {}
    for view, why in verdicts:
        if why is None:
            chosen.setdefault(view.path.source, []).append(view.sequence)
    count = sum(map(len, chosen.values()))
    if count > request.max_packets:
        raise RefusedError(
            f"{count} packets fit the filter, more than --max-packets {request.max_packets}",
            hint="narrow the filter, or raise --max-packets",
            code="too_many",
        )
    if left_out and not count and listing.reading.complete:
        key, why = left_out[0]
        words = f"nothing that matches the filter can be cleared; {key}: {why}"
        raise RefusedError(words, hint="relayclear packets list", code="nothing_fits")
    many = ManyPlans([], left_out, {}, listing)
    for end, sequences in sorted(chosen.items()):
        await _plan_one(desk, request, end, SequenceRanges.of(sequences), many)
    return many


async def _plan_one(
    desk: Desk, request: ManyRequest, end: ChannelEnd, sequences: SequenceRanges, many: ManyPlans
) -> None:
    try:
        caps = _fitting(desk, request, many.listing.reading.network.path_from(end))
        one = ClearRequest(end, sequences, request.key_name, request.share_key, caps)
        many.plans.append(await plan_clear(desk, one))
    except RelayclearError as error:
        many.failures[end] = error


def _fitting(desk: Desk, request: ManyRequest, path: RelayPath) -> tuple[Coin, ...]:
    """The caps whose denom pays gas on one of the path's chains: others are meant for other paths."""
    relayer = desk.instance_for(path).relayer
    denoms = {relayer.gas(chain).denom for chain in (path.source.chain, path.destination.chain)}
    return tuple(coin for coin in request.max_fees if coin.denom in denoms)


def _refuse_useless_caps(desk: Desk, caps: tuple[Coin, ...]) -> None:
    # One denom mistyped would leave everything uncapped without a word.
    denoms = {instance.relayer.gas(chain).denom for instance in desk.instances for chain in instance.chains}
    for coin in caps:
        if coin.denom not in denoms:
            known = ", ".join(sorted(denoms))
            raise RefusedError(
                f"--max-fee {coin} fits no chain: gas is paid in {known}",
                code="wrong_fee_denom",
                hint=f"--max-fee {coin.amount}{nearest_of(coin.denom, denoms)}",
            )


def _why_not(view: PacketView, memo: str | None) -> str | None:
    if memo is not None:
        return f"in token {memo}: clear it with --token once it is paid, or by name"
    if view.path.ordering is Ordering.ORDERED and view.verdict.packet_class in MAY_RETURN:
        return f"could close the ordered channel {view.path.source}: clear it by name with --close-channel"
    # Planning a channel lets packets of an ordered one go when all before them go too.
    if view.verdict.blocked is not None and view.verdict.blocked.reason is not BlockReason.ORDERED_BEHIND:
        return f"{view.verdict.blocked.reason}: {view.verdict.blocked.detail}"
    return "nothing to relay" if view.verdict.packet_class is PacketClass.ASYNC_ACK else None
