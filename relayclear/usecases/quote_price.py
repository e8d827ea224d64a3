"""What a clearing costs: gas from our own relays, fees from the price list, and whether everybody can pay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil

from relayclear.errors import RefusedError
from relayclear.ibc.coin import Coin
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.relayer import GasTerms, KeyChoice
from relayclear.ibc.triage import RETURNING, UNDELIVERED
from relayclear.money.fees import (
    GasBasis,
    GasEstimate,
    PriceList,
    Promise,
    Quote,
    gas_per_message,
    promise,
    quote,
)
from relayclear.store import gas as burned
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.desk import Desk
from relayclear.usecases.quote_values import Note, NoteCode, PayerCheck
from relayclear.usecases.shop import SellRules, Shop
from relayclear.usecases.views import PacketView

# A bank send takes 60,000 to 90,000 on chains of every kind.
SEND_GAS = 120_000


def price(desk: Desk, shop: Shop, plan: ClearPlan, prices: PriceList, denom: str, waived: str | None) -> Quote:
    """The frozen price of clearing what the plan holds, paid in `denom` on the price list's chain."""
    return quote(prices, denom, _promises(plan.views), estimates(desk, shop.rules, plan), waived)


def _promises(views: Iterable[PacketView]) -> list[Promise]:
    return [promise(view.key, view.verdict.packet_class) for view in views]


def estimates(desk: Desk, rules: SellRules, plan: ClearPlan) -> list[GasEstimate]:
    """The gas that clearing the plan's packets burns on each chain, at that chain's own Hermes price."""
    with desk.journal.database.snapshot() as reads:
        recent = burned.recent(reads, plan.path.source, desk.ours)
    wanted: dict[str, dict[RelayStep, int]] = {}
    for view in plan.views:
        for chain, step in _steps(view):
            steps = wanted.setdefault(chain, {})
            steps[step] = steps.get(step, 0) + 1
    terms = {terms.chain: terms for terms in plan.gas}
    return [_estimate(terms[chain], steps, recent, rules) for chain, steps in sorted(wanted.items())]


def _steps(view: PacketView) -> list[tuple[str, RelayStep]]:
    """The messages that a clear of the packet sends, and where: Hermes brings the acknowledgement back too."""
    near, far = view.path.source.chain, view.path.destination.chain
    if view.verdict.packet_class in UNDELIVERED:
        return [(far, RelayStep.RECV), (near, RelayStep.ACK)]
    return [(near, RelayStep.TIMEOUT if view.verdict.packet_class in RETURNING else RelayStep.ACK)]


def _estimate(
    terms: GasTerms,
    steps: Mapping[RelayStep, int],
    recent: Mapping[tuple[str, RelayStep], list[int]],
    rules: SellRules,
) -> GasEstimate:
    units, bases = 0, []
    for step, count in steps.items():
        each, basis = gas_per_message(recent.get((terms.chain, step), ()), rules.gas_per_message)
        units += each * count
        bases.append(basis)
    weakest: GasBasis = min(bases, key=lambda basis: basis.relays)
    return GasEstimate(terms.chain, terms.denom, units, terms.price, weakest)


def unpriced(found: Quote) -> list[Note]:
    """What the operator gives away: gas of a denom without a rate."""
    free = [charge.estimate for charge in found.gas if charge.charged is None]
    return [Note(NoteCode.GAS_NOT_CHARGED, (), f"{estimate.denom} on {estimate.chain}") for estimate in free]


async def refuse_empty_keys(desk: Desk, plan: ClearPlan, found: Quote) -> None:
    """Refuse what the clearing keys can't pay the gas for.  Raises RefusedError naming what is missing."""
    keys = {key.chain: key for key in plan.keys}
    terms = {terms.chain: terms for terms in plan.gas}
    charges = [charge.estimate for charge in found.gas]
    await asyncio.gather(*(_refuse_empty(desk, keys[one.chain], terms[one.chain], one) for one in charges))


async def _refuse_empty(desk: Desk, key: KeyChoice, terms: GasTerms, estimate: GasEstimate) -> None:
    payer = terms.fee_granter or key.address
    if payer is None:
        return
    needed = Coin(estimate.denom, ceil(estimate.units * Fraction(estimate.price)))
    held = await desk.chains[key.chain].balance(payer, estimate.denom)
    if held.amount < needed.amount:
        who = "its fee granter" if terms.fee_granter else "it"
        raise RefusedError(
            f"clearing key {key.name!r} on {key.chain} can't pay the gas: {who} holds {held}, and this takes {needed}",
            hint=f"send {payer} some {estimate.denom} on {key.chain} first",
            code="no_gas",
        )


async def check_payer(desk: Desk, found: Quote, address: str) -> PayerCheck:
    """Whether an account of the paying chain holds the price and the gas to send it."""
    chain = desk.chain(found.chain)
    relayer = next(instance.relayer for instance in desk.instances if found.chain in instance.chains)
    terms = relayer.gas(found.chain)
    gas = Coin(terms.denom, ceil(SEND_GAS * Fraction(terms.price)))
    needed = {found.denom: found.price.amount}
    needed[gas.denom] = needed.get(gas.denom, 0) + gas.amount
    held = dict(zip(needed, await asyncio.gather(*(chain.balance(address, denom) for denom in needed)), strict=True))
    missing = [Coin(denom, amount - held[denom].amount) for denom, amount in needed.items()]
    return PayerCheck(address, held[found.denom], gas, tuple(coin for coin in missing if coin.amount > 0))
