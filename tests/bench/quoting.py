"""`tokens create` on a real network: what it takes beside the answers of the nodes.

| figure | how it is measured |
|---|---|
| own time | the whole process, `hermes version` included, less the interpreter's start and all waiting for nodes |
| processor | user and system time of the process and of the Hermes that it asks for its version |
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.measure import BenchError
from tests.bench.peers import interpreter
from tests.localnet.commands import Relayclear
from tests.localnet.node import ALPHA

ROUNDS = 15
LIMIT_MS = 300.0


def quoting(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Quote so many packets, one after the other; the first quote of all makes the key and is not measured."""
    count = rounds or ROUNDS
    network, folder = ground.localnet(), ground.folder / "quoting"
    folder.mkdir()
    channel = network.fresh_channel().on(ALPHA)
    program = Relayclear(network, folder, sells=True)
    first, *others = network.transfer(ALPHA, channel, count=1 + count)
    begun = program.run("tokens", "create", *_words(channel, first))
    if begun.code:
        raise BenchError(f"tokens create ended with {begun.code}: {begun.stderr}")
    # In turns, so that a busy moment of the machine meets both.
    rounds_taken = [(*_quoted(program, channel, sequence), interpreter()) for sequence in others]
    whole, waited, processor, start = zip(*rounds_taken, strict=True)
    own = [all_of_it - nodes - bare for all_of_it, nodes, _, bare in rounds_taken]
    return (
        Figure("whole process", median(whole) * 1000, "ms"),
        Figure("waiting for nodes", median(waited) * 1000, "ms"),
        Figure("interpreter", median(start) * 1000, "ms"),
        Figure("processor", median(processor) * 1000, "ms"),
        Figure("own time", median(own) * 1000, "ms", LIMIT_MS),
    )


def _quoted(program: Relayclear, channel: str, sequence: int) -> tuple[float, float, float]:
    """Seconds of one quote: the whole process, waiting for nodes, processor."""
    file = program.folder / "waited"
    file.unlink(missing_ok=True)
    words = ("--json", "tokens", "create", *_words(channel, sequence))
    argv = [sys.executable, "-m", "tests.bench.waiting", str(file), *words]
    before, started = _children(), time.perf_counter()
    done = subprocess.run(argv, env=program.environment(), capture_output=True, check=False, timeout=60)
    whole, processor = time.perf_counter() - started, _children() - before
    if done.returncode:
        raise BenchError(f"tokens create ended with {done.returncode}: {done.stderr.decode()}")
    return whole, float(Path(file).read_text(encoding="utf-8")), processor


def _words(channel: str, sequence: int) -> tuple[str, ...]:
    return ("--chain", ALPHA, "--channel", channel, "--packet-sequences", str(sequence))


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
