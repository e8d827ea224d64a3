"""Run what takes long: `python -m tests.long [WHAT] [--seed N] [--seconds N] [--count N]`.

| | |
|---|---|
| `histories` | random deeds in simulated worlds, one seed after the other, for so many seconds |
| `kills` | a daemon or a sweep killed at so many random moments while payments come in and refunds go out |
| `freezes` | a process frozen for longer than its lease, so many times |
| `mutations` | answers of nodes and output of Hermes, changed at random, so many cases |
| `drills` | a backup made at work, put back in another folder and caught up with, so many times |
| `keys` | so many random keys at an armed dashboard: it never crashes, nothing is asked for without a yes |
| `soak` | payments, faults and kills every few seconds for so many seconds of the world's time |
| `faults` | every fault of the rehearsal network crossed with every use case; `--write` keeps the table |
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.dashboard.keys import keys
from tests.faults.faults import FAULTS
from tests.faults.matrix import GOLDEN, differences, read, rows_of, text_of
from tests.faults.uses import USES
from tests.long.drill import drill
from tests.long.mutations import mutations
from tests.long.soak import HOUR, soak
from tests.long.trouble import freezes, kills
from tests.long.worlds import History

KILLS, FREEZES, CASES, DRILLS, KEYS = 100, 20, 10_000, 5, 2_000
WHAT = ["histories", "kills", "freezes", "mutations", "drills", "keys", "soak", "faults"]


def main() -> None:
    """Run what was asked for; an AssertionError says what did not hold, and with which seed."""
    chosen = _arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="relayclear-long-") as folder:
        print(f"{chosen.what}: seed {chosen.seed} in {folder}", flush=True)
        told = _runs(chosen)[chosen.what](Path(folder) / "world")
    print(f"{chosen.what}: {told}, in {time.monotonic() - started:.0f} s")


def _runs(chosen: argparse.Namespace) -> dict[str, Callable[[Path], str]]:
    """By what is run: the run, in a folder."""
    count, seed = chosen.count, chosen.seed
    return {
        "histories": lambda _: _histories(chosen.seconds or 60.0, seed),
        "kills": lambda folder: kills(folder, count or KILLS, seed),
        "freezes": lambda folder: freezes(folder, count or FREEZES, seed),
        "mutations": lambda folder: mutations(folder, count or CASES, seed),
        "drills": lambda folder: _drills(folder, count or DRILLS, seed),
        "keys": lambda folder: keys(folder, count or KEYS, seed),
        "soak": lambda folder: soak(folder, chosen.seconds or HOUR, seed),
        "faults": partial(_faults, write=chosen.write),
    }


def _histories(seconds: float, first: int) -> str:
    """Histories one seed after the other, and how many held."""
    until, seed, packets = time.monotonic() + seconds, first, 0
    while time.monotonic() < until:
        history = History(seed)
        history.run()
        packets += len(history.sent)
        seed += 1
    return f"seeds {first} to {seed - 1}, {packets} packets, nothing lost and nothing made"


def _drills(folder: Path, count: int, first: int) -> str:
    for seed in range(first, first + count):
        print(drill(folder.with_name(f"drill-{seed}") / "world", seed), flush=True)
    return f"{count} backups put back, nothing sent twice"


def _faults(folder: Path, *, write: bool) -> str:
    """The whole table: kept, or held to the one that is kept."""
    rows = []
    for number, fault in enumerate(FAULTS):
        print(fault.name, flush=True)
        rows += rows_of(fault, USES, folder.with_name(f"world-{number}"))
    if write:
        GOLDEN.write_text(text_of(rows), encoding="utf-8")
    wrong = differences(rows, read(GOLDEN.read_text(encoding="utf-8")))
    assert not wrong, "\n".join(wrong)
    return f"{len(rows)} cells, as the table has them"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=WHAT, default="histories")
    parser.add_argument("--seconds", type=float, help=f"how long: histories (60), a soak in its time ({HOUR:g})")
    usual = f"kills ({KILLS}), freezes ({FREEZES}), mutations ({CASES}), drills ({DRILLS}), keys ({KEYS})"
    parser.add_argument("--count", type=int, help=f"how many {usual}")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--write", action="store_true", help="keep the table of faults as it is now")
    return parser.parse_args()


if __name__ == "__main__":
    main()
