"""What every block of a Cosmos chain tells before its transactions: new coins, and who stakes gets them (SDK 0.50)."""

from __future__ import annotations

import functools
from hashlib import sha256

from relayclear.rehearsal.bank import FEE_COLLECTOR
from relayclear.rehearsal.events import Event, event
from relayclear.rehearsal.keys import encode_address, module_address
from relayclear.rehearsal.spec import ChainSpec

_MINTED = 329_559
_DUST = "000000000000000000"


@functools.lru_cache(64)
def begin_block_events(spec: ChainSpec) -> tuple[Event, ...]:
    """The events; they look the same in every block, for the balances of these chains don't grow."""
    names = ("mint", FEE_COLLECTOR, "distribution")
    mint, collector, distribution = (module_address(name, spec.prefix) for name in names)
    operator = encode_address(f"{spec.prefix}valoper", sha256(f"operator {spec.chain_id}".encode()).digest()[:20])
    amount = f"{_MINTED}{spec.gas_denom}"
    made = [
        event("coin_received", receiver=mint, amount=amount),
        event("coinbase", minter=mint, amount=amount),
        *_sent(mint, collector, amount),
        event(
            "mint",
            bonded_ratio="0.000062499936920786",
            inflation="0.130001029766784709",
            annual_provisions="2080018575563.534321820682421155",
            amount=_MINTED,
        ),
        *_sent(collector, distribution, amount),
        event("commission", amount=f"{_MINTED // 10}.{_DUST}{spec.gas_denom}", validator=operator),
        event("rewards", amount=f"{_MINTED}.{_DUST}{spec.gas_denom}", validator=operator),
    ]
    return tuple(one.with_attribute("mode", "BeginBlock") for one in made)


def _sent(sender: str, receiver: str, amount: str) -> tuple[Event, ...]:
    return (
        event("coin_spent", spender=sender, amount=amount),
        event("coin_received", receiver=receiver, amount=amount),
        event("transfer", recipient=receiver, sender=sender, amount=amount),
        event("message", sender=sender),
    )
