"""What a Hermes config refuses: channels that are filtered, sequences that are excluded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from relayclear.hermes.tables import Table
from relayclear.ibc.packet import SequenceRanges


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """Which of its channels the daemon relays.  `policy` is ``allow``, ``deny`` or ``allowall``.

    The command ``clear packets`` does not ask it: a denied channel can still be cleared, and that
    is the shape of a channel which is cleared for payment only.
    """

    policy: str = "allowall"
    channels: tuple[tuple[str, str], ...] = ()

    def allows(self, port: str, channel: str) -> bool:
        """Whether the daemon relays packets sent from this end; ``*`` in a pattern stands for anything."""
        if self.policy == "allowall":
            return True
        listed = any(_fits(ports, port) and _fits(ids, channel) for ports, ids in self.channels)
        return listed is (self.policy == "allow")


def read_filter(chain: Table) -> PacketFilter:
    """Read ``packet_filter`` of a chain; without the table everything is allowed."""
    table = chain.table_or_none("packet_filter")
    if table is None:
        return PacketFilter()
    policy = table.text("policy")
    if policy not in {"allow", "deny", "allowall"}:
        raise table.wrong(key="policy", wanted="allow, deny or allowall")
    pairs = table.items("list")
    if not all(isinstance(pair, list) and [type(part) for part in pair] == [str, str] for pair in pairs):
        raise table.wrong(key="list", wanted="a list of ['port', 'channel'] pairs")
    return PacketFilter(policy, tuple((port.strip(), channel.strip()) for port, channel in pairs))


def read_excluded(chain: Table) -> dict[str, SequenceRanges]:
    """Read ``excluded_sequences``: channel id on this chain -> sequences that Hermes never clears.

    As Hermes does it: numbers and ``"A-B"`` texts count, a range that runs backwards is empty, anything else in
    a list is dropped without a word.  (That is Hermes' spelling of the config; on its command line it is ``A..B``.)
    """
    table = chain.table_or_none("excluded_sequences")
    if table is None:
        return {}
    return {channel: SequenceRanges(_ranges(table, channel)) for channel in table.values}


def _ranges(table: Table, channel: str) -> list[tuple[int, int]]:
    # Exact types: a bool is an int to Python, and to Hermes something to drop.
    ranges = [_range(table, channel, item) for item in table.items(channel) if type(item) in {int, str}]
    return [(first, last) for first, last in ranges if first <= last]


def _range(table: Table, channel: str, item: int | str) -> tuple[int, int]:
    if isinstance(item, int):
        return (item, item)
    parts = item.split("-")
    if not all(re.fullmatch(r"\+?[0-9]{1,20}", part) for part in (parts[0], parts[-1])):
        raise table.wrong(key=channel, wanted="a list of sequences like 7 and ranges like '10-20'")
    return (int(parts[0]), int(parts[-1]))


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
