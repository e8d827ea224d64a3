"""The main job on a fresh machine: a real network with stuck packets, listed by relayclear."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.localnet import paths

if TYPE_CHECKING:
    from tests.localnet.network import Network

_CONFIG = """\
[scan]
stuck_after = "30s"           # a rehearsal: on a real relayer leave it at five minutes
[chains."alpha-1"]
clearing_key = "clearing"
[chains."beta-1"]
clearing_key = "clearing"
"""


def environment(network: Network) -> dict[str, str]:
    """What points relayclear at the network; its config and database live in the network's folder."""
    config = network.directory / "relayclear.toml"
    if not config.is_file():
        config.write_text(_CONFIG, encoding="utf-8")
    return {
        "RELAYCLEAR_CONFIG": str(config),
        "RELAYCLEAR_DB": str(network.directory / "relayclear.db"),
        "RELAYCLEAR_HERMES_CONFIG": str(network.hermes_config),
        "PATH": os.pathsep.join([str(paths.programs()), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def list_packets(network: Network) -> int:
    """Run ``relayclear packets list --all`` on the network and say how to go on; its exit code."""
    added = environment(network)
    command = [sys.executable, "-m", "relayclear", "packets", "list", "--all"]
    print(f"\n$ relayclear {' '.join(command[3:])}", flush=True)
    code = subprocess.run(command, env={**os.environ, **added}, check=False).returncode
    exports = " ".join(f"{name}={value}" for name, value in added.items() if name != "PATH")
    print("\nGo on in this shell:")
    print(f"  export {exports}")
    print(f"  export PATH={paths.programs()}:{Path(sys.executable).parent}:$PATH")
    print("  relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 2")
    print(f"End the network with: {sys.executable} -m tests.localnet down --dir {network.directory} --remove")
    return code
