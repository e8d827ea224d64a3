"""Run random cases: `python -m tests.long [histories|kills|freezes] [--seed N] [--seconds N] [--count N]`.

| | |
|---|---|
| `histories` | random deeds in simulated worlds, one seed after the other, for so many seconds |
| `kills` | a daemon or a sweep killed at so many random moments while payments come in and refunds go out |
| `freezes` | a process frozen for longer than its lease, so many times |
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.long.trouble import freezes, kills
from tests.long.worlds import History

KILLS, FREEZES = 100, 20


def main() -> None:
    """Run what was asked for; an AssertionError says what did not hold, and with which seed."""
    chosen = _arguments()
    if chosen.what == "histories":
        _histories(chosen.seconds, chosen.seed)
        return
    run, usual = {"kills": (kills, KILLS), "freezes": (freezes, FREEZES)}[chosen.what]
    count, started = chosen.count or usual, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="relayclear-long-") as folder:
        print(f"{chosen.what}: {count} with seed {chosen.seed} in {folder}", flush=True)
        told = run(Path(folder) / "world", count, chosen.seed)
    print(f"{chosen.what}: {told}, in {time.monotonic() - started:.0f} s")


def _histories(seconds: float, first: int) -> None:
    """Histories one seed after the other, and how many held."""
    until, seed, packets = time.monotonic() + seconds, first, 0
    while time.monotonic() < until:
        history = History(seed)
        history.run()
        packets += len(history.sent)
        seed += 1
    print(f"histories: seeds {first} to {seed - 1}, {packets} packets, nothing lost and nothing made")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["histories", "kills", "freezes"], default="histories")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long histories are run (60)")
    parser.add_argument("--count", type=int, help=f"how many kills ({KILLS}) or freezes ({FREEZES})")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
