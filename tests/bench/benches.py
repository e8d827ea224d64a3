"""The benchmarks: what is measured against what, and what must be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.bench import ours, peers
from tests.bench.breakers import breakers
from tests.bench.dashboard import dashboard
from tests.bench.figures import Limited
from tests.bench.ground import Ground, checked_once
from tests.bench.idle import idle
from tests.bench.latency import latency
from tests.bench.lists import lists
from tests.bench.measure import BenchError, Outcome, Side, Verdict, interleave
from tests.bench.metrics import metrics
from tests.bench.payments import CatchUp
from tests.bench.quoting import quoting
from tests.bench.recovery import catchup
from tests.localnet.network import Network
from tests.localnet.scale_genesis import BIG_CHANNEL, HISTORY_CHANNEL, TWIN_CHANNEL

Kind = Literal["ratio", "difference", "size", "rate"]


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    `prepare` makes the two sides. `kind` says what `limit` bounds: ours / peer, ours - peer (ms), ours alone
    (MB), or from below ours alone (a second). `rounds` measurements of each side.
    """

    name: str
    title: str
    prepare: Callable[[Ground], tuple[Side, Side]]
    limit: float
    rounds: int
    kind: Kind = "ratio"

    @property
    def limit_text(self) -> str:
        """The limit with its unit."""
        unit = {"ratio": "x", "difference": " ms", "size": " MB", "rate": "/s"}[self.kind]
        return f"{self.limit:g}{unit}"

    def run(self, ground: Ground, rounds: int | None = None) -> Verdict:
        """Measure both sides, `rounds` times each instead of this benchmark's own number if given."""
        try:
            outcome = interleave(*self.prepare(ground), rounds or self.rounds)
        except (BenchError, OSError) as problem:
            outcome = Outcome(None, None, str(problem))
        return self.judge(outcome)

    def judge(self, outcome: Outcome) -> Verdict:
        """The verdict; a side that could not be measured never reaches anything."""
        value = self._value(outcome)
        reached = value is not None and (value >= self.limit if self.kind == "rate" else value <= self.limit)
        parts = [
            f"{self.name:<14}",
            f"ours {self._show(outcome.ours)}",
            f"peer {self._show(outcome.peer)}",
            f"{self.kind} {'-' if value is None else format(value, '.3g')}",
            f"limit {self.limit_text}",
            "reached" if reached else "not reached",
        ]
        return Verdict("  ".join(parts) + (f"  ({outcome.error})" if outcome.error else ""), reached)

    def _value(self, outcome: Outcome) -> float | None:
        if outcome.ours is None or outcome.peer is None:
            return None
        if self.kind == "ratio":
            return outcome.ours / outcome.peer
        return (outcome.ours - outcome.peer) * 1000 if self.kind == "difference" else outcome.ours

    def _show(self, value: float | None) -> str:
        if value is None:
            return "-"
        if self.kind == "rate":
            return f"{value:.0f}/s"
        return f"{value:.1f} MB" if self.kind == "size" else f"{value * 1000:.0f} ms"


def _list_cold(ground: Ground) -> tuple[Side, Side]:
    net = ground.scale()
    return (
        checked_once(
            lambda: ours.list_checked(net, ground.database),
            lambda: ours.list_cold(net, ground.database),
        ),
        checked_once(lambda: peers.hermes_checked(net), lambda: peers.hermes_each(net)),
    )


def _scan_warm(ground: Ground) -> tuple[Side, Side]:
    net = ground.scale()
    naive = ground.closing(peers.NaivePlan(net))
    return _scan(net), checked_once(naive.check, naive)


def _big_channel(ground: Ground) -> tuple[Side, Side]:
    net = ground.scale()
    return _scan(net, BIG_CHANNEL), lambda: peers.hermes_one(net)


def _history(ground: Ground) -> tuple[Side, Side]:
    net = ground.scale()
    return _scan(net, HISTORY_CHANNEL), _scan(net, TWIN_CHANNEL)


def _memory(ground: Ground) -> tuple[Side, Side]:
    net = ground.scale()
    listing = ground.folder / "listing.json"
    return (
        checked_once(
            lambda: ours.list_checked(net, ground.database),
            lambda: ours.list_peak(net, ground.database, listing),
        ),
        lambda: peers.hermes_peak(net),
    )


def _clear(ground: Ground) -> tuple[Side, Side]:
    return (
        ground.clearing(lambda net, sequence: ours.clear_one(net, ground.folder / "clearing.db", sequence)),
        ground.clearing(peers.hermes_clear),
    )


def _payments(ground: Ground) -> tuple[Side, Side]:
    caught = ground.closing(CatchUp(ground.localnet(), ground.folder))
    return caught.ours, caught.bare


def _help(_ground: Ground) -> tuple[Side, Side]:
    return ours.help_page, peers.interpreter


def _scan(net: Network, channel: int | None = None) -> Side:
    def side() -> float:
        return ours.ours_scan(net.hermes_config, channel)

    # The first one pays for imports, connections and topology.
    return checked_once(side, side)


BENCHES: list[Bench | Limited] = [
    Bench("list-cold", "packets list of 200 channels / hermes query packet pending for each", _list_cold, 0.1, 5),
    Bench("scan-warm", "warm scan / the naive plan's 73 requests over bare connections", _scan_warm, 1.2, 15),
    Bench("big-channel", "warm scan of the channel with 23,757 / Hermes' whole process for it", _big_channel, 1.0, 15),
    Bench("history-twin", "channel with 50,000 old acknowledgements / its twin without", _history, 1.05, 51),
    Bench("memory", "peak memory listing all of it (peer: Hermes, the big channel alone)", _memory, 100, 3, "size"),
    Bench("clear", "clear of one packet with proof / bare hermes clear packets", _clear, 1.35, 10),
    Bench("payments", "1,000 payments caught up with / a bare tx_search for them", _payments, 200, 5, "rate"),
    Limited("catchup", "what happened in a 10-minute outage is read", "200 blocks a second", catchup),
    Limited("latency", "payment in a block to Hermes started, while watch runs", "one block + 300 ms at p95", latency),
    Limited("quote", "tokens create, beside the answers of the nodes", "300 ms of our own time", quoting),
    Limited("idle", "watch with nothing to do over 24,857 pending packets", "2 % of a core and 120 MB", idle),
    Limited(
        "dashboard",
        "the screen over 24,857 packets and 1,000 operations, beside Textual's DataTable",
        "50 ms a key, 100 ms a refresh, 400 ms to the first frame, 1 % of a core and 150 MB",
        dashboard,
    ),
    Limited(
        "metrics", "what is noted after a scan, and watch --listen scraped", "1 % of a scan, 1 % of a core", metrics
    ),
    Limited("store", "lists and filters over 1,000,000 operations", "50 ms each", lists),
    Limited("breakers", "breakers in a scan, and failover to the second endpoint", "1 % and 3 s", breakers),
    Bench("help", "relayclear --help above python -c pass", _help, 150, 15, "difference"),
]
