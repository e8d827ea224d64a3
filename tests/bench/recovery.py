"""Ten minutes without a node, on the rehearsal network: how fast what happened meanwhile is read when it is back."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from relayclear.store import cursors
from relayclear.usecases.payments import read_payments
from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.measure import BenchError
from tests.localnet.rpc import wait_for
from tests.long.stall import CHAIN, Stall, standing

BLOCKS, PAYMENTS, LIMIT = 600, 12, 200.0
"""A block a second for ten minutes, now and then with a payment; blocks a second."""
_ROUNDS = 5
_BACK = 10.0


def catchup(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """The medians of so many outages: with the node's index, and without one."""
    with ExitStack() as stack:
        stall = stack.enter_context(standing(ground.folder / "recovery", 1, 1.0))
        ways = {"by the index": True, "by blocks": False}
        took = {
            way: [_outage(stall, indexed=indexed) for _ in range(rounds or _ROUNDS)] for way, indexed in ways.items()
        }
    return [
        Figure(
            f"{way} {BLOCKS / median(seconds):.0f} blocks a second: {BLOCKS} in",
            median(seconds),
            "s",
            BLOCKS / LIMIT,
        )
        for way, seconds in took.items()
    ]


def _outage(stall: Stall, *, indexed: bool) -> float:
    """Seconds in which everything of one outage is read, its payments matched and booked."""
    _ask(stall, {"refuse": True, "tx_index": indexed})
    failed = stall.loop.run_until_complete(read_payments(stall.desk, CHAIN))
    if failed.error is None:
        raise BenchError("the node answered in its outage")
    before = len(stall.payments)
    _ask(stall, {"refuse": False})
    for _ in range(PAYMENTS):
        _post(stall, "blocks", {"count": BLOCKS // PAYMENTS - 1, "chain": CHAIN})
        stall.pay_nobody()
    # A payment counts when a block stands on its own.
    _post(stall, "blocks", {"count": 2, "chain": CHAIN})
    # A node that failed is left alone for a few seconds, as always; the reading begins when it is asked again.
    wait_for(lambda: _is_back(stall), "the node", timeout=_BACK, every=0.1)
    newest, began = stall.height(), time.perf_counter()
    reading = stall.loop.run_until_complete(read_payments(stall.desk, CHAIN))
    took = time.perf_counter() - began
    through = next(one.read_through for one in cursors.every(stall.desk.journal.database) if one.chain == CHAIN)
    if reading.error is not None or len(reading.payments) != len(stall.payments) - before or through < newest - 1:
        raise BenchError(f"read through {through} of {newest}, {len(reading.payments)} payments: {reading.error}")
    return took


def _is_back(stall: Stall) -> bool | None:
    try:
        stall.loop.run_until_complete(stall.desk.chains[CHAIN].head())
    except Exception:  # noqa: BLE001  whatever it says while it is left alone
        return None
    return True


def _ask(stall: Stall, faults: Mapping[str, object]) -> None:
    for name in (CHAIN, f"{CHAIN}-second"):
        _post(stall, f"nodes/{name}/faults", faults)


def _post(stall: Stall, path: str, body: Mapping[str, object]) -> None:
    url = f"{stall.world.state['control']}/{path}"
    urllib.request.urlopen(url, json.dumps(dict(body)).encode(), timeout=30).close()  # noqa: S310  loopback
