"""Where a denom comes from, asked once."""

from __future__ import annotations

from relayclear.ibc.coin import DenomPath
from relayclear.usecases.desk import Desk


async def denom_path(desk: Desk, chain_id: str, denom: str) -> DenomPath | None:
    """The trace behind ``ibc/HASH``, remembered for ever once read; None for a chain's own coin or an unknown one."""
    if not denom.startswith("ibc/"):
        return None
    known = desk.journal.denom(chain_id, denom)
    if known is None:
        known = await desk.chains[chain_id].denom_path(denom)
        if known is not None:
            desk.journal.save_denom(chain_id, denom, known)
    return known
