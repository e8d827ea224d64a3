"""Our side of the benchmarks: the commands as a user types them, and the scan inside one process."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.usecases.scan import Scope, scan
from tests.bench.measure import BenchError, process, timed, weigh
from tests.localnet.network import Network
from tests.localnet.node import ALPHA
from tests.localnet.scale_genesis import pending_total, to_beta

RELAYCLEAR = [sys.executable, "-m", "relayclear"]


class WarmScan:
    """A desk kept open between measurements: topology, connections and imports are warm."""

    def __init__(self, hermes_config: Path) -> None:
        """Build the desk over a database of its own."""
        self._folder = tempfile.TemporaryDirectory(prefix="relayclear-bench-")
        settings = load(
            config_path=None,
            env={},
            flags={"hermes.config": [str(hermes_config)], "store.url": str(Path(self._folder.name, "bench.db"))},
        )
        self._loop = asyncio.new_event_loop()
        self._opened = opened(settings, load_hermes(settings))
        self._desk = self._loop.run_until_complete(self._opened.__aenter__())

    def seconds(self, channel: int | None) -> float:
        """One scan, checked afterwards: everything that the genesis holds must be in it."""
        scope = Scope() if channel is None else Scope(ALPHA, f"channel-{channel}", "transfer")
        started = time.perf_counter()
        reading = self._loop.run_until_complete(scan(self._desk, scope))
        took = time.perf_counter() - started
        found = {end.channel: len(item.commitments) for end, item in reading.paths.items() if item.commitments}
        lanes = [lane for lane in to_beta() if lane.pending and channel in {None, lane.number}]
        if not reading.complete or found != {f"channel-{lane.number}": len(lane.pending) for lane in lanes}:
            raise BenchError(f"the scan found {sum(found.values())} packets, not what the genesis holds")
        return took

    def close(self) -> None:
        """Close the connections and forget the database."""
        self._loop.run_until_complete(self._opened.__aexit__(None, None, None))
        self._loop.close()
        self._folder.cleanup()


_scans: dict[Path, WarmScan] = {}


def ours_scan(hermes_config: Path, channel: int | None = None) -> float:
    """Seconds of one warm scan inside this process: all 200 channels, or one `channel` of `alpha-1` by number."""
    if hermes_config not in _scans:
        _scans[hermes_config] = WarmScan(hermes_config)
        atexit.register(_scans[hermes_config].close)
    return _scans[hermes_config].seconds(channel)


def environment(database: Path) -> dict[str, str]:
    """The caller's environment without its own relayclear settings, and with a database of our own."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCLEAR_")}
    return mine | {"RELAYCLEAR_DB": str(database)}


def list_argv(network: Network) -> list[str]:
    """`relayclear packets list` of everything, without details."""
    words = ["packets", "list", "--json", "--all", "--details", "none"]
    return [*RELAYCLEAR, *words, "--hermes-config", str(network.hermes_config)]


def list_checked(network: Network, database: Path) -> None:
    """Run the listing once: fills the cached topology, and refuses to go on when it does not list what is there."""
    listing = json.loads(process(list_argv(network), environment(database)))
    listed = Counter((row["chain"], row["channel"]) for row in listing["packets"])
    expected = {(ALPHA, f"channel-{lane.number}"): len(lane.pending) for lane in to_beta() if lane.pending}
    if listed != expected:
        raise BenchError(f"relayclear lists {listed.total()} packets, the genesis holds {pending_total(to_beta())}")


def list_cold(network: Network, database: Path) -> float:
    """Seconds of the listing as a whole process, topology cached."""
    return timed(lambda: process(list_argv(network), environment(database)))


def list_peak(network: Network, database: Path, out: Path) -> float:
    """Peak resident memory of the listing in MB, its output going to the file `out`."""
    return weigh(list_argv(network), environment(database), str(out)).peak_mb


def clear_one(network: Network, database: Path, sequence: int) -> float:
    """Seconds of `relayclear clear` for one packet of channel-0 of `alpha-1`, with its proof and the clearing key."""
    words = [
        "clear",
        "--chain",
        ALPHA,
        "--channel",
        "channel-0",
        "--packet-sequences",
        str(sequence),
        "--yes",
        "--json",
    ]
    argv = [*RELAYCLEAR, *words, "--key-name", "clearing", "--hermes-config", str(network.hermes_config)]
    return timed(lambda: process(argv, environment(database)))


def help_page() -> float:
    """Seconds of `relayclear --help`."""
    return timed(lambda: process([*RELAYCLEAR, "--help"]))
