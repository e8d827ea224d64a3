"""How refunds are given: what goes by itself, what stays in the wallet, what a transaction may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from relayclear.money.policy import Caps, Mode


@dataclass(frozen=True, slots=True)
class RefundRules:
    """The operator's rules.

    `reserve` is what stays in the wallet, denom -> amount; `gas_margin` is how many times the gas
    that the chain simulated a transaction may use; `timeout_blocks` how many blocks it may wait;
    `granters` pay the fee of a chain's refunds in the wallet's place.  `exchanges` are accounts that
    hold many people's coins: what they paid goes back by a claim alone.
    """

    mode: Mode = Mode.APPROVE
    caps: Caps = field(default_factory=Caps)
    reserve: Mapping[str, int] = field(default_factory=dict)
    check_seconds: int = 300
    gas_margin: Decimal = Decimal("1.3")
    timeout_blocks: int = 100
    granters: Mapping[str, str] = field(default_factory=dict)
    exchanges: frozenset[str] = frozenset()
