"""`python -m tests.localnet`: build the programs, start and stop a network, make packets stuck."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.localnet import build, paths, show, stick
from tests.localnet.network import STATE, Network, Template
from tests.localnet.rpc import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.localnet.node import Node


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except (build.BuildError, TimeoutError, RuntimeError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.localnet", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("build", help="build simd, simd10 and hermes, once").set_defaults(command=_build)

    up = commands.add_parser("up", help="start a network, or one that was stopped")
    up.add_argument("--expired", action="store_true", help="with paths whose clients have expired")
    up.add_argument("--second-nodes", action="store_true", help="a second full node per chain, on 127.0.0.2")
    up.add_argument("--scale", action="store_true", help="200 channels with 24,857 packets, for measuring")
    up.set_defaults(command=_up)

    down = commands.add_parser("down", help="end the processes of a network")
    down.add_argument("--remove", action="store_true", help="and delete its folder")
    down.set_defaults(command=_down)

    status = commands.add_parser("status", help="what runs, and where; exit 1 when something doesn't")
    status.add_argument("--json", action="store_true")
    status.set_defaults(command=_status)

    make = commands.add_parser("stick", help="make stuck packets")
    make.add_argument("--class", dest="kind", help="one of the classes; all of them when not given")
    make.set_defaults(command=_stick)

    whole = commands.add_parser("show", help="up, stick and relayclear packets list: the main job in one go")
    whole.set_defaults(command=_show, expired=False, second_nodes=False, scale=False)
    for one in (up, down, status, make, whole):
        one.add_argument(
            "--dir", type=Path, default=paths.default_directory(), help="the network's folder (default: %(default)s)"
        )
    return parser


def _show(args: argparse.Namespace) -> int:
    fresh = not (args.dir.resolve() / STATE).is_file()
    code = _up(args)
    if code == 0 and fresh:
        print("making packets stuck, one class after the other (half a minute) …", flush=True)
        code = _stick(argparse.Namespace(dir=args.dir, kind=None))
    return code or show.list_packets(Network.attach(args.dir.resolve()))


def _build(_args: argparse.Namespace) -> int:
    built = build.build()
    print(f"{'built ' + ', '.join(built) if built else 'nothing to build'}: {paths.programs()}")
    return 0


def _up(args: argparse.Namespace) -> int:
    directory = args.dir.resolve()
    build.build()
    started = time.monotonic()
    if (directory / STATE).is_file():
        network = Network.attach(directory)
        if all(node.is_running() for node in network.nodes()):
            print(f"already running in {directory}")
            return _status(args)
        network.stop()
        network.launch(guarded=False)
    elif args.scale:
        from tests.localnet import scale  # noqa: PLC0415  only this command measures

        scale.up(directory)
    else:
        template: Template = "expired" if args.expired else "plain"
        Network.start(directory, template=template, second_nodes=args.second_nodes, guarded=False)
    print(f"ready in {time.monotonic() - started:.1f} s")
    return _status(args)


def _down(args: argparse.Namespace) -> int:
    directory = args.dir.resolve()
    if not (directory / STATE).is_file():
        print(f"no network in {directory}")
        return 0
    Network.attach(directory).stop()
    if args.remove:
        shutil.rmtree(directory)
    print(f"stopped{' and removed' if args.remove else ''}: {directory}")
    return 0


def _status(args: argparse.Namespace) -> int:
    directory = args.dir.resolve()
    if not (directory / STATE).is_file():
        print(f"no network in {directory}; start one with: python -m tests.localnet up")
        return 1
    network = Network.attach(directory)
    heights = {node.home.name: _height(node) for node in network.nodes()}
    as_expected = all(height is not None for height in heights.values())
    if getattr(args, "json", False):
        kept = json.loads((directory / STATE).read_text(encoding="utf-8"))
        print(json.dumps({**kept, "heights": heights}, indent=1))
        return 0 if as_expected else 1
    for node in network.nodes():
        height = heights[node.home.name]
        state = (
            f"height {height}, pid {node.pid}"
            if height is not None
            else "not answering"
            if node.is_running()
            else "stopped"
        )
        print(f"{node.home.name:<16} {state:<26} rpc {node.rpc}  grpc {node.grpc}  gas {node.gas_denom}")
    kinds = [channel.kind for channel in network.channels]
    print("channels         " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)))
    print(f"hermes config    {network.hermes_config}")
    return 0 if as_expected else 1


def _height(node: Node) -> int | None:
    try:
        return node.height() if node.is_running() else None
    except RpcError:
        return None


def _stick(args: argparse.Namespace) -> int:
    directory = args.dir.resolve()
    if not (directory / STATE).is_file():
        return _status(args)
    network = Network.attach(directory)
    known = stick.names(network)
    if args.kind and args.kind not in known:
        print(f"error: no class {args.kind!r} on this network; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for kind in [args.kind] if args.kind else known:
        made = stick.make(network, kind)
        listed = ", ".join(map(str, made.sequences))
        print(f"{kind:<17} {made.chain} {made.port}/{made.channel} {listed}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
