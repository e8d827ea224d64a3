"""What our own relays over a channel burned lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import RelayStep
from relayclear.store.db import Reads

SELECT_RECENT = """
SELECT t.chain, t.step, t.hash, t.relayer, t.gas_used
FROM operations o JOIN relay_txs t ON t.operation_id = o.id
WHERE o.source_chain = ? AND o.source_port = ? AND o.source_channel = ?
ORDER BY o.requested_at DESC LIMIT ?"""

# Rows, one a packet and step: enough for a median, few enough for a moment.
_NEWEST = 200


def recent(
    reads: Reads, source: ChannelEnd, ours: Mapping[str, AbstractSet[str]]
) -> dict[tuple[str, RelayStep], list[int]]:
    """Gas of one message of each of our newest transactions that moved packets of a channel, by chain and step.

    A transaction's gas, client update included, is parted evenly over the packets that we know it moved.
    """
    packets: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    burned: dict[tuple[str, str, str], int] = {}
    for chain, step, tx_hash, relayer, gas_used in reads.rows(SELECT_RECENT, (*source, _NEWEST)):
        if relayer in ours.get(chain, ()) and gas_used:
            packets[chain, step, tx_hash] += 1
            burned[chain, step, tx_hash] = gas_used
    found: defaultdict[tuple[str, RelayStep], list[int]] = defaultdict(list)
    for (chain, step, tx_hash), gas_used in burned.items():
        found[chain, RelayStep(step)].append(gas_used // packets[chain, step, tx_hash])
    return dict(found)
