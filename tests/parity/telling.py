"""What relayclear said, as an observation."""

from __future__ import annotations

from typing import Any

from tests.localnet.commands import Outcome
from tests.parity.normal import hide_fees, without
from tests.parity.side import Side, outcome

# What counts seconds, blocks, questions and bytes of a run, or says where its files lie.
_RUN = (
    "age_seconds",
    "took_seconds",
    "seconds",
    "requests",
    "elapsed_seconds",
    "argv",
    "output",
    "pid",
    "log",
    "operation",
    # Told as soon as an index shows them.
    "costs",
    "packet_costs",
)


def told(done: Outcome) -> Any:
    """How a command ended, without what counts a run and without fees."""
    return hide_fees(without(outcome(done), *_RUN))


def cleared(side: Side, chain: str, channel: str, sequences: str, *args: str, port: str = "transfer") -> Any:
    """What `clear` said, with a database that knows nothing."""
    return told(side.relayclear().clear(chain, channel, sequences, *args, port=port))
