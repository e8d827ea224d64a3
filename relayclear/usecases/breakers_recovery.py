"""Finding out whether what failed is well again, each in its own way, without waiting for work that needs it.

| dependency | what is tried | how often |
|---|---|---|
| an endpoint | its status, and whether its node is of use | every 5 s after a failure, and after its minute |
| Hermes on a path | whether it starts and says its version | every 2 minutes |
| a wallet | whether its key is there, and the chain answers | every 2 minutes |

A wallet or a path that is let back by this opens again if the work itself fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from relayclear.clearing.breaker import BreakerState, chain_of, is_path, is_wallet
from relayclear.errors import RelayclearError, StoreError, UsageError
from relayclear.usecases.desk import Desk

RECOVER_SECONDS = 120.0


async def probe_endpoints(desk: Desk) -> None:
    """Look after the endpoints of all chains, each for itself."""
    await asyncio.gather(*(chain.probe() for chain in desk.chains.values()))


async def recover(desk: Desk) -> list[str]:
    """Try Hermes and the wallets whose time is over; the names of those that are well again."""
    now = desk.clock.now()
    due = [one.name for one in desk.breakers.every() if one.at(now) is BreakerState.HALF_OPEN]
    tried: list[tuple[str, Callable[[Desk, str], Awaitable[None]]]] = [
        (name, _try_hermes if is_path(name) else _try_wallet) for name in due if is_path(name) or is_wallet(name)
    ]
    return [name for name, attempt in tried if await _is_well(desk, name, attempt)]


async def _is_well(desk: Desk, name: str, attempt: Callable[[Desk, str], Awaitable[None]]) -> bool:
    if not desk.breakers.enter(name):
        return False
    try:
        await attempt(desk, chain_of(name))
    except StoreError:
        raise
    except RelayclearError as error:
        desk.breakers.heard(name, error.message)
        return False
    else:
        desk.breakers.heard(name, None)
        return True
    finally:
        desk.breakers.let_go(name)


async def _try_hermes(desk: Desk, chain: str) -> None:
    """Raises HermesError where none that knows the chain starts, UsageError where none knows it."""
    for instance in desk.instances:
        if chain in instance.chains:
            # Anew: what it said before it failed says nothing.
            await instance.relayer.version(again=True)
            return
    raise UsageError(f"no Hermes config has {chain}", hint="relayclear chains")


async def _try_wallet(desk: Desk, chain: str) -> None:
    """Raises ConfigError where the key can't be used, UsageError where there is none, NodeError for the chain."""
    if desk.wallet is None or desk.wallet.find(chain) is None:
        raise UsageError(f"there is no key for {chain}", hint=f"relayclear wallet add --chain {chain}")
    await desk.chain(chain).head()
