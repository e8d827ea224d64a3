"""What the operator sells, where it is paid, and under which rules: wired once from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relayclear.errors import ConfigError
from relayclear.ibc.address import read_address
from relayclear.ibc.coin import Coin
from relayclear.ibc.units import Unit
from relayclear.money.fees import PriceList
from relayclear.usecases.refund_rules import RefundRules

if TYPE_CHECKING:
    from relayclear.ports import KeyRing


class Operator(NamedTuple):
    """Who sells, to those who pay; empty texts where the config says nothing."""

    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class SellRules:
    """The operator's rules: times in seconds of the paying chain, `unknown_max` too.

    `gas_guard`: a clear this many times dearer than usual isn't sent.  `waiver_budget`: what may be
    cleared for nothing within 24 hours.
    """

    token_ttl: int = 3600
    late_grace: int = 86_400
    operation_deadline: int = 7200
    unknown_max: int = 86_400
    gas_per_message: int = 250_000
    gas_guard: Decimal = Decimal(3)
    max_open_per_wallet: int = 20
    max_per_hour: int = 200
    waiver_budget: tuple[Coin, ...] = ()


@dataclass(frozen=True, slots=True)
class Shop:
    """Payees, address prefixes and prices by paying chain; without a payee a chain sells nothing.

    `quotes_file` is where every signed quote is appended before it is printed; `units` are the
    config's own, by base denom.
    """

    payees: Mapping[str, str]
    prices: Mapping[str, PriceList]
    prefixes: Mapping[str, str]
    rules: SellRules
    operator: Operator
    keys: KeyRing
    quotes_file: Path
    units: Mapping[str, Unit] = field(default_factory=dict)
    refunds: RefundRules = field(default_factory=RefundRules)

    def payee(self, chain: str) -> str:
        """Where payments on a chain arrive.  Raises ConfigError for none, or for one that isn't the chain's."""
        found = self.payees.get(chain)
        if found is None:
            raise ConfigError(
                f"nothing is sold on {chain}: it has no payee",
                hint=f'set [chains."{chain}"] payee, or pay on another chain with --pay-on',
                code="no_payee",
            )
        if not self.is_address(chain, found):
            raise ConfigError(
                f"payee {found[:90]!r} is no address of {chain} ({self.prefixes.get(chain, '')}1…)",
                hint="relayclear config show",
                code="bad_payee",
            )
        return found

    def price_list(self, chain: str) -> PriceList:
        """What clearings cost that are paid on a chain.  Raises ConfigError where no price is set."""
        found = self.prices.get(chain)
        if found is None or not found.schedules:
            raise ConfigError(
                f"nothing is sold on {chain}: it has no price",
                hint=f'add [[chains."{chain}".prices]] to the config',
                code="no_price",
            )
        return found

    def is_address(self, chain: str, text: str) -> bool:
        """Whether a text is an address of the chain: lower case, its prefix, 20 or 32 bytes."""
        found = read_address(text)
        return found is not None and text == text.lower() and found.prefix == self.prefixes.get(chain)
