"""`python -m relayclear.rehearsal --dir DIR`: serve a world out of a folder until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relayclear.rehearsal import folder, staging
from relayclear.rehearsal.clock import RunningClock
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.folder import Listening
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.serving import CONTROL, Served, serve
from relayclear.rehearsal.stage import Stage
from relayclear.rehearsal.staging import Staged

SPECS = (staging.ALPHA, staging.BETA)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build a world, serve it, and write `world.json` into the folder when everything listens."""
    given = _parser().parse_args(arguments)
    where = Path(given.dir).absolute()
    where.mkdir(parents=True, exist_ok=True)
    staged = (staging.scale if given.scale else staging.demo)(time.time_ns())
    staged.world.clock = RunningClock(given.speed)
    stage = Stage(staged.world, nodes(staged))

    def prepare(served: Served) -> Mapping[str, Any]:
        """Write the configs that need the ports, which are known only now."""
        folder.furnish(where, SPECS, Listening(served.control, served.by_chain(stage)), staged.excluded)
        return {"environment": folder.environment(where), "notes": list(served.notes)}

    wanted = {name: given.port + place for place, name in enumerate((*stage.nodes, CONTROL))} if given.port else {}
    asyncio.run(serve(stage, where, prepare=prepare, wanted=wanted, say=_say, parent_pipe=given.parent_pipe))


def nodes(staged: Staged) -> dict[str, Node]:
    """Two nodes in front of each chain: one of the chain's name, and a `second` one for the case that it fails."""
    made = [Node(staged.world.chains[spec.chain_id], NodeFaults(), spec.chain_id) for spec in SPECS]
    made += [Node(one.chain, NodeFaults(), f"{one.name}-second") for one in made]
    return {one.name: one for one in made}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m relayclear.rehearsal", description=__doc__)
    parser.add_argument("--dir", required=True, help="the world's folder")
    parser.add_argument("--scale", action="store_true", help="a hub's worth of channels and packets")
    parser.add_argument("--port", type=int, default=0, help="the first of the ports in a row, where they are free")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast time runs")
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input does")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
