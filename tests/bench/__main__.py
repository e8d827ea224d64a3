"""`python -m tests.bench [NAME ...]`: run the named benchmarks, or all of them, and say which limits hold.

One line each: both medians, ratio (or difference, or size), limit, `reached` or `not reached`. Exit 1 when a
limit is not reached or a side could not be measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.benches import BENCHES, Bench
from tests.bench.figures import Limited
from tests.bench.ground import Ground
from tests.bench.measure import Verdict
from tests.localnet import build


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; 0 when every limit holds, 1 when not, 2 for an unknown name."""
    arguments = _arguments(argv)
    if arguments.list:
        for bench in BENCHES:
            print(f"{bench.name:<14} {bench.title} (limit {bench.limit_text})")
        return 0
    unknown = set(arguments.names) - {bench.name for bench in BENCHES}
    if unknown:
        print(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(b.name for b in BENCHES)}",
            file=sys.stderr,
        )
        return 2
    chosen = [bench for bench in BENCHES if not arguments.names or bench.name in arguments.names]
    try:
        return _run(chosen, arguments.scale, arguments.rounds)
    except build.BuildError as problem:
        print(problem, file=sys.stderr)
        return 1


def _run(chosen: list[Bench | Limited], scale: Path | None, rounds: int | None) -> int:
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="relayclear-bench-") as folder, Ground(Path(folder), scale) as ground:
        for bench in chosen:
            verdicts.append(bench.run(ground, rounds))
            print(verdicts[-1].line, flush=True)
    return 0 if all(verdict.reached for verdict in verdicts) else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks; none: all")
    parser.add_argument("--list", action="store_true", help="say which benchmarks there are")
    parser.add_argument("--rounds", type=int, help="measurements of each side instead of the benchmark's own number")
    parser.add_argument(
        "--scale", type=Path, metavar="DIR", help="a running scale network to use instead of an own one"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
