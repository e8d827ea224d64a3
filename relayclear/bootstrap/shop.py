"""The shop that the settings describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.config.keyfiles import KeyFiles
from relayclear.config.settings import PriceSettings, SellSettings, Settings
from relayclear.ibc.coin import Coin
from relayclear.ibc.units import Unit
from relayclear.money.fees import FeeSchedule, PriceList, Rate
from relayclear.money.policy import Caps, Mode
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.shop import Operator, SellRules, Shop


def shop_of(settings: Settings, loaded: Iterable[LoadedHermes]) -> Shop:
    """Payees, prices, rules and keys; nothing is read but the settings."""
    rates = {_place(name): Rate(rate.num, rate.den, rate.of) for name, rate in settings.rates.items()}
    return Shop(
        payees={chain: ours.payee for chain, ours in settings.chains.items() if ours.payee},
        prices={
            chain: _prices(settings, chain, ours.prices, rates)
            for chain, ours in settings.chains.items()
            if ours.prices
        },
        prefixes={chain.id: chain.account_prefix for item in loaded for chain in item.config.chains},
        rules=_rules(settings.sell),
        operator=Operator(settings.operator.name, settings.operator.url),
        keys=KeyFiles(settings.keys_dir),
        quotes_file=settings.quotes_file,
        units={denom: Unit(shown.symbol, shown.decimals) for denom, shown in settings.denoms.items()},
        refunds=_refunds(settings),
    )


def _refunds(settings: Settings) -> RefundRules:
    ours = settings.refunds
    return RefundRules(
        mode=Mode(ours.mode),
        caps=Caps(_by_denom(ours.max_each), _by_denom(ours.max_per_day), _by_denom(ours.max_per_payer)),
        reserve=_by_denom(ours.gas_reserve),
        check_seconds=ours.refund_check_interval,
        timeout_blocks=ours.timeout_blocks,
        exchanges=frozenset(ours.exchanges),
        granters={chain: of.fee_granter for chain, of in settings.chains.items() if of.fee_granter},
    )


def _by_denom(coins: Iterable[Coin]) -> dict[str, int]:
    return {coin.denom: coin.amount for coin in coins}


def _place(name: str) -> tuple[str, str]:
    chain, _, denom = name.partition("/")
    return chain, denom


def _prices(
    settings: Settings, chain: str, entries: tuple[PriceSettings, ...], rates: Mapping[tuple[str, str], Rate]
) -> PriceList:
    schedules = tuple(
        FeeSchedule(entry.denom, entry.service_fee, entry.per_packet_fee, entry.refund_fee, entry.dust)
        for entry in entries
    )
    return PriceList(chain, schedules, settings.sell.gas_margin, rates)


def _rules(sell: SellSettings) -> SellRules:
    return SellRules(
        token_ttl=sell.token_ttl,
        late_grace=sell.late_grace,
        operation_deadline=sell.operation_deadline,
        unknown_max=sell.unknown_max,
        gas_per_message=sell.gas_per_message,
        gas_guard=sell.gas_guard,
        max_open_per_wallet=sell.max_open_per_wallet,
        max_per_hour=sell.max_per_hour,
        waiver_budget=sell.waiver_budget,
    )
