"""Which steps a run of Hermes claims to have made, from its log while it runs and from its result at the end.

Hermes loses the events of a phase that fails midway, and prints no result when it is killed; its
log names each step once it stands in a block.  The two are joined, each step once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from relayclear.ibc.packet import PacketKey
from relayclear.ibc.relayer import ClearJob, RelayEvent

_STEPS = {"WriteAcknowledgement": "recv", "AcknowledgePacket": "ack", "TimeoutPacket": "timeout"}
# As Hermes 1.10.5 logs it: `[Sync->beta-1] result events:`, then a line for each event.  A packet's data and
# acknowledgement stand there as numbers, so no text of the chain can forge a line.
_LOGGED = "[Sync->"
_LOGGED_EVENT = re.compile(
    r"^\t(?P<event>WriteAcknowledgement|AcknowledgePacket|TimeoutPacket)\(\w+ \{ packet: seq:(?P<sequence>\d{1,20}),"
    r" path:(?P<source_channel>[^/\s]+)/(?P<source_port>\S+?)"
    r"->(?P<destination_channel>[^/\s]+)/(?P<destination_port>\S+?), ",
    re.MULTILINE,
)


class Claims:
    """The claimed steps of one run, each once, in the order they were heard; `progress` hears them too."""

    def __init__(self, job: ClearJob, progress: Callable[[RelayEvent], None]) -> None:
        self._job = job
        self._progress = progress
        self._heard: dict[RelayEvent, None] = {}

    @property
    def events(self) -> tuple[RelayEvent, ...]:
        """All steps heard so far."""
        return tuple(self._heard)

    def hear_message(self, message: str) -> None:
        """Take a message of the log."""
        if message.startswith(_LOGGED):
            for match in _LOGGED_EVENT.finditer(message):
                self._add(match["event"], {**match.groupdict(), "sequence": int(match["sequence"])})

    def hear_result(self, result: Any) -> None:
        """Take the result: a list of single-key objects.  What isn't shaped like an event is left out."""
        for item in result if isinstance(result, list) else ():
            for event, fields in item.items() if isinstance(item, dict) else ():
                packet = fields.get("packet") if isinstance(fields, dict) else None
                if event in _STEPS and isinstance(packet, dict):
                    self._add(event, packet)

    def _add(self, event: str, packet: Mapping[str, Any]) -> None:
        key = _key(packet, self._job)
        if key is None or (step := RelayEvent(_STEPS[event], key)) in self._heard:
            return
        self._heard[step] = None
        self._progress(step)


def _key(packet: Mapping[str, Any], job: ClearJob) -> PacketKey | None:
    """The packet's key.  Of another direction or channel than asked it keeps its own, so that it shows as a surplus."""
    port, channel, sequence = (packet.get(name) for name in ("source_port", "source_channel", "sequence"))
    if not (isinstance(port, str) and isinstance(channel, str) and isinstance(sequence, int)):
        return None
    there = (packet.get("destination_port"), packet.get("destination_channel"))
    forth = (port, channel) == job.source[1:]
    # Both ends may be called channel-0; then the source sent it, since Hermes was asked for that direction only.
    back = not forth and (port, channel) == job.destination[1:] and there == job.source[1:]
    return PacketKey(job.destination.chain if back else job.source.chain, port, channel, sequence)
