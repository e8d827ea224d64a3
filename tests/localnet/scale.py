"""The scale network: two v8 chains with 200 channels between them and 2,000 to a chain that isn't there.

It is a `Network` like any other, started from kept homes: about a second from the second time on. What stands in which
channel: `scale_genesis.py`. Most of its packets are invented: they can be listed, and never relayed. Packets sent
after the start are real.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from tests.localnet import build, genesis, paths, relayer, scale_client, scale_genesis, scale_homes
from tests.localnet.channels import Channel, End
from tests.localnet.network import STATE, Network
from tests.localnet.node import ALPHA, BETA, Node, Ports

_NOTE = "template.sources"
# Which config's key folder is which, in the words of `relayer.KEYS`.
_FOLDERS = {"hermes": "daemon", "rival": "rival"}


def start(directory: Path, *, guarded: bool = True) -> Network:
    """Start the scale network in `directory` (made if need be); returns when both chains make blocks.

    A guarded one ends with this process. `RuntimeError` when one is already running there.
    """
    # Absolute: Hermes expands nothing, and a node is recognised by the home in its command line.
    directory = directory.resolve()
    if (directory / STATE).exists() and any(node.is_running() for node in Network.attach(directory).nodes()):
        raise RuntimeError(f"a network is already running in {directory}")
    with paths.locked("template-scale"):
        kept = _template()
        for name in (path.name for path in kept.iterdir() if path.is_dir()):
            # Files of an older run would mix with the copied database.
            shutil.rmtree(directory / name, ignore_errors=True)
        shutil.copytree(kept, directory, dirs_exist_ok=True)
    network = Network(directory, _nodes(directory), json.loads((directory / STATE).read_text(encoding="utf-8")))
    network.launch(guarded=guarded)
    return network


def up(directory: Path) -> None:
    """Start the scale network in `directory` and leave it running; `down` stops it."""
    start(directory, guarded=False)


def down(directory: Path) -> None:
    """Stop the network that `up` started in `directory`, if it runs; the folder stays."""
    if (directory / STATE).exists():
        Network.attach(directory).stop()


def _template() -> Path:
    """The kept homes, made on the first call (some ten seconds) and whenever their recipe or the program changes.

    To be called under the template's lock. They don't age: the clients made by hand are trusted for ten years.
    """
    kept = paths.templates() / "scale"
    note = kept / _NOTE
    if not note.is_file() or note.read_text(encoding="utf-8") != _fingerprint():
        part = paths.templates() / "scale.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _make_template(part)
        (part / _NOTE).write_text(_fingerprint(), encoding="utf-8")
        shutil.rmtree(kept, ignore_errors=True)
        part.rename(kept)
    return kept


def _fingerprint() -> str:
    digest = hashlib.sha256(build.fingerprint("simd").encode())
    for module in (scale_client, scale_genesis, scale_homes, genesis, relayer):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


def _make_template(directory: Path) -> None:
    """A network that has read its genesis and made a block: reading it is what takes the time."""
    nodes = _nodes(directory)
    keys = scale_homes.make_homes(nodes[ALPHA], nodes[BETA])
    addresses = {chain: {name: key.address for name, key in named.items()} for chain, named in keys.items()}
    channels = [_channel(lane.number).as_json() for lane in scale_genesis.to_beta()]
    network = Network(directory, nodes, {"template": "scale", "addresses": addresses, "channels": channels})
    network.launch(guarded=True)
    try:
        for folder, names in relayer.KEYS.items():
            for name in names:
                for chain in nodes:
                    relayer.add_key(network.config(_FOLDERS[folder]), chain, name, keys[chain][name])
    finally:
        network.stop()
    for node in nodes.values():
        node.log.unlink()


def _nodes(directory: Path) -> dict[str, Node]:
    # Both of the older generation: the genesis is written for it.
    return {chain: Node(chain, directory / chain, Ports("", 0, 0, 0), program="simd") for chain in (ALPHA, BETA)}


def _channel(number: int) -> Channel:
    alpha, beta = (
        End(chain, scale_genesis.PORT, f"channel-{number}", "connection-0", "07-tendermint-0")
        for chain in (ALPHA, BETA)
    )
    return Channel("transfer", alpha, beta)
