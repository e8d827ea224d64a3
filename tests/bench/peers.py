"""The side we are measured against: Hermes as operators call it, a bare connection, a bare interpreter."""

from __future__ import annotations

import sys

from tests.bench import wire
from tests.bench.measure import BenchError, process, timed, weigh
from tests.localnet import paths
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA, Node
from tests.localnet.scale_genesis import BIG_CHANNEL, Lane, pending_total, to_beta

NAIVE_PAGE = 1000
NAIVE_REQUESTS = 73
_BATCH = 10


def hermes_argv(network: Network, *words: str, key: str = "daemon") -> list[str]:
    """Hermes with this network's config and JSON output."""
    return [str(paths.program("hermes")), "--config", str(network.config(key)), "--json", *words]


def pending_argv(network: Network, channel: int) -> list[str]:
    """`hermes query packet pending` for one channel of `alpha-1`."""
    words = ("query", "packet", "pending", "--chain", ALPHA, "--port", "transfer", "--channel", f"channel-{channel}")
    return hermes_argv(network, *words)


def hermes_one(network: Network, channel: int = BIG_CHANNEL) -> float:
    """Seconds of one whole Hermes process that lists one channel."""
    return timed(lambda: process(pending_argv(network, channel)))


def hermes_each(network: Network) -> float:
    """Seconds that Hermes takes for all 200 channels, one process after another."""
    commands = [pending_argv(network, lane.number) for lane in to_beta()]
    return timed(lambda: [process(argv) for argv in commands])


def hermes_checked(network: Network) -> None:
    """Refuse to go on when Hermes does not list what the genesis holds."""
    for lane in to_beta():
        pending = network.pending(ALPHA, f"channel-{lane.number}")
        listed = sorted(pending.unreceived_packets + pending.unreceived_acks)
        if listed != list(lane.pending):
            raise BenchError(f"hermes lists {len(listed)} packets on channel-{lane.number}, not {len(lane.pending)}")


def hermes_peak(network: Network) -> float:
    """Peak resident memory in MB of Hermes listing the big channel."""
    return weigh(pending_argv(network, BIG_CHANNEL)).peak_mb


def hermes_clear(network: Network, sequence: int) -> float:
    """Seconds of `hermes clear packets` for one packet of channel-0 of `alpha-1`, with the clearing key."""
    words = ("clear", "packets", "--chain", ALPHA, "--port", "transfer", "--channel", "channel-0")
    argv = hermes_argv(network, *words, "--packet-sequences", str(sequence), key="clearing")
    return timed(lambda: process(argv))


def interpreter() -> float:
    """Seconds of `python -c pass`."""
    return timed(lambda: process([sys.executable, "-c", "pass"]))


class NaivePlan:
    """The 73 requests of the naive plan over two bare connections (one per chain), replies read and thrown away.

    20 batches of commitments on either chain, 23 further pages of the big channel one by one (each needs the
    key of the one before), 10 batches of unreceived packets and acknowledgements on the other side.
    """

    def __init__(self, network: Network) -> None:
        """Encode everything and connect to both nodes, so that no measurement pays for it."""
        self._nodes = [_connect(network.chains[chain]) for chain in (ALPHA, BETA)]
        self._bodies = [(self._nodes[side], wire.batch(queries)) for side, queries in naive_plan()]

    def __call__(self) -> float:
        """Seconds of one run of all requests, over connections made just before: nodes close idle ones."""
        for node in self._nodes:
            node.connect()
        return timed(lambda: [node.post(body) for node, body in self._bodies])

    def check(self) -> None:
        """Refuse to go on when the replies do not hold every commitment and the 20 acknowledgements."""
        found = sum(wire.rows(node.post(body)) for node, body in self._bodies)
        acknowledged = sum(len(set(lane.pending) & set(lane.received)) for lane in to_beta())
        if found != pending_total(to_beta()) + acknowledged:
            raise BenchError(f"the naive plan reads {found} rows")

    def close(self) -> None:
        """Close both connections."""
        for node in self._nodes:
            node.close()


def naive_plan() -> list[tuple[int, list[wire.Query]]]:
    """The requests as `(0 for alpha-1 or 1 for beta-1, queries of this request)`, in the order they are sent."""
    lanes = to_beta()
    first = [wire.commitments(_name(lane), NAIVE_PAGE) for lane in lanes]
    pages = [[query] for query in _further_pages(lanes[BIG_CHANNEL])]
    # Both questions of a channel side by side in one batch: neither needs the other's answer.
    fates = [
        query
        for lane in lanes
        if lane.pending
        for query in (wire.unreceived(_name(lane), lane.pending), wire.acknowledgements(_name(lane), lane.pending))
    ]
    alpha = [(0, queries) for queries in _batches(first)]
    beta = [(1, queries) for queries in _batches(first)]
    plan = alpha + beta + [(0, page) for page in pages] + [(1, queries) for queries in _batches(fates)]
    if len(plan) != NAIVE_REQUESTS:
        raise BenchError(f"the naive plan has {len(plan)} requests")
    return plan


def _further_pages(lane: Lane) -> list[wire.Query]:
    # The store sorts sequences as text, and a page's key is the rest of its first row's path: a slash, the sequence.
    keys = sorted(str(sequence) for sequence in lane.pending)[NAIVE_PAGE::NAIVE_PAGE]
    return [wire.commitments(_name(lane), NAIVE_PAGE, f"/{key}".encode()) for key in keys]


def _batches(queries: list[wire.Query]) -> list[list[wire.Query]]:
    return [queries[start : start + _BATCH] for start in range(0, len(queries), _BATCH)]


def _connect(node: Node) -> wire.Bare:
    return wire.Bare(node.ports.host, node.ports.rpc)


def _name(lane: Lane) -> str:
    return f"channel-{lane.number}"
