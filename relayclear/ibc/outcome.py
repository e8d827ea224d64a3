"""What clearing tells money about a packet: a plain outcome, so that neither needs to know the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey


@dataclass(frozen=True, slots=True)
class PacketOutcome:
    """What became of one packet, and of the transaction that ended its wait.

    `fate`, `doer` and `committed` are those of `ibc.fate`.  `done_at` is the block time of the
    deciding transaction, None where nothing is done or no node tells it.  `seen_waiting`: after the
    payment was credited, the packet was read as not yet done at a height below the deciding
    transaction's, on that same chain.  `may_land`: a run was cut short, and its transactions could
    still land.
    """

    key: PacketKey
    fate: Fate
    doer: Doer = Doer.UNKNOWN
    committed: bool | None = None
    done_at: datetime | None = None
    seen_waiting: bool = False
    may_land: bool = False
