"""Finished homes that networks are copied from: handshakes take minutes, a copy takes a moment."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.localnet import build, genesis, paths, relayer
from tests.localnet.network import STATE, Network
from tests.localnet.node import ALPHA, BETA, Node, Ports
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.localnet.genesis import Key

# Hermes' clients live 14 days from their last update; older homes would come up dead.
_MAX_AGE = 7 * 86400.0
_EXTRA_TRANSFER = 15
_EXTRA_MOCK = 2
_PARALLEL = 6
# It must outlive the handshake, whose steps update the client every few seconds.
SHORT_TRUST = "60s"
_DEAD_PACKETS = 3
_NOTE = "template.json"

Keys = dict[str, dict[str, "Key"]]


def copy(template: str, directory: Path) -> None:
    """Copy a template to `directory`, making the template first when there is none that fits."""
    with paths.locked(f"template-{template}"):
        source = paths.templates() / template
        if not _fits(source):
            _make(template)
        shutil.copytree(source, directory, dirs_exist_ok=True)


def wait_until_expired(network: Network) -> None:
    """Wait until the clients that are meant to be dead are dead; at once unless the template was made a moment ago."""
    dead = [channel.alpha for channel in network.channels if channel.kind in {"expired", "half_expired"}]
    dead += [channel.beta for channel in network.channels if channel.kind == "expired"]
    for end in dead:

        def expired(chain: str = end.chain, client: str = end.client) -> bool | None:
            return network.client_status(chain, client) == "Expired" or None

        wait_for(expired, f"{end.client} on {end.chain} to expire", timeout=120, every=0.2)


def _fits(folder: Path) -> bool:
    note = folder / _NOTE
    if not note.is_file():
        return False
    kept = json.loads(note.read_text(encoding="utf-8"))
    return bool(kept["fingerprint"] == _fingerprint() and time.time() - kept["made_at"] < _MAX_AGE)


def _fingerprint() -> str:
    """Changes with the programs and with the code that makes the homes; its layout and comments don't count."""
    sources = [ast.dump(ast.parse((paths.SOURCES / name).read_bytes())) for name in ("genesis.py", "templates.py")]
    return hashlib.sha256("\0".join((*sources, *map(build.fingerprint, build.NAMES))).encode()).hexdigest()


def _make(template: str) -> None:
    started = time.time()
    part = paths.templates() / f"{template}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    made_at = _make_expired(part) if template == "expired" else _make_plain(part)
    note = {"made_at": made_at, "fingerprint": _fingerprint()}
    (part / _NOTE).write_text(json.dumps(note), encoding="utf-8")
    shutil.rmtree(paths.templates() / template, ignore_errors=True)
    part.rename(paths.templates() / template)
    _say(f"template {template}: done in {time.time() - started:.0f} s")


def _make_plain(part: Path) -> float:
    made_at = time.time()
    _say("template plain: making two chains and their channels, once a week, about three minutes")
    nodes = {chain: Node(chain, part / chain, Ports("", 0, 0, 0)) for chain in (ALPHA, BETA)}
    keys = {chain: genesis.make_home(node) for chain, node in nodes.items()}
    addresses = {chain: {name: key.address for name, key in named.items()} for chain, named in keys.items()}
    network = Network(part, nodes, {"addresses": addresses, "channels": [], "template": "plain"})
    network.launch(guarded=True)
    try:
        _add_keys(network, keys)
        _say("template plain: first channel, with clients and connection")
        first = (
            "create",
            "channel",
            "--a-chain",
            ALPHA,
            "--b-chain",
            BETA,
            "--a-port",
            "transfer",
            "--b-port",
            "transfer",
        )
        relayer.result(network.hermes(*first, "--new-client-connection", "--yes", timeout=600))
        _open_more(network, keys)
        network.rediscover()
    finally:
        network.stop()
    _tidy(network)
    return made_at


def _make_expired(part: Path) -> float:
    copy("plain", part)
    made_at = float(json.loads((part / _NOTE).read_text(encoding="utf-8"))["made_at"])
    network = Network.from_copy(part)
    network.template = "expired"
    network.launch(guarded=True)
    try:
        for kind, beta_trust in (("expired", ("--trusting-period", SHORT_TRUST)), ("half_expired", ())):
            _say(f"template expired: the {kind} path")
            dead_path(network, beta_trust)
            network.transfer(ALPHA, network.of_kind(kind).on(ALPHA), count=_DEAD_PACKETS)
    finally:
        network.stop()
    _tidy(network)
    return made_at


def dead_path(network: Network, beta_trust: tuple[str, ...]) -> None:
    """A channel whose client on alpha-1 dies soon, and the one on beta-1 too where it is given a short trust."""

    def made(*args: str) -> Any:
        return relayer.result(network.hermes("create", *args, timeout=300))

    alpha_trust = ("--trusting-period", SHORT_TRUST)
    # The long-lived client first: the short one's time runs from here to the end of the handshake.
    on_beta = made("client", "--host-chain", BETA, "--reference-chain", ALPHA, *beta_trust)
    on_alpha = made("client", "--host-chain", ALPHA, "--reference-chain", BETA, *alpha_trust)
    clients = (_client_id(on_alpha), _client_id(on_beta))
    made("connection", "--a-chain", ALPHA, "--a-client", clients[0], "--b-client", clients[1])
    number = sum(1 for _ in {channel.alpha.connection for channel in network.channels})
    network.open_channel(connection=f"connection-{number}")


def _client_id(result: Any) -> str:
    return str(result["CreateClient"]["client_id"])


def _add_keys(network: Network, keys: Keys) -> None:
    for chain, named in keys.items():
        for folder, names in relayer.KEYS.items():
            for name in names:
                relayer.add_key(network.directory / folder / "config.toml", chain, name, named[name])


def _open_more(network: Network, keys: Keys) -> None:
    """Open the other channels, several handshakes at once: each has a Hermes with a key of its own."""
    wanted: list[tuple[str, ...]] = [("transfer",)] * _EXTRA_TRANSFER
    wanted += [("mock", "--order", "ordered", "--channel-version", "mock-version")] * _EXTRA_MOCK
    wanted += [("mock", "--channel-version", "mock-version")] * _EXTRA_MOCK
    _say(f"template plain: {len(wanted)} more channels")
    configs = [_builder(network, keys, number) for number in range(_PARALLEL)]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for done in pool.map(_worker(configs), wanted):
            relayer.result(done)


def _builder(network: Network, keys: Keys, number: int) -> Path:
    name = f"pool-{number}"
    config = network.directory / "builders" / name / "config.toml"
    relayer.write_config(config, network.chains, name, network.settings)
    for chain, named in keys.items():
        relayer.add_key(config, chain, name, named[name])
    return config


def _worker(configs: list[Path]) -> Callable[[tuple[str, ...]], Any]:
    free = list(configs)

    def open_one(wanted: tuple[str, ...]) -> Any:
        # As many threads as configs, so there is always a free one; list operations are atomic.
        config = free.pop()
        port, *args = wanted
        ends = ("--a-chain", ALPHA, "--a-connection", "connection-0", "--a-port", port, "--b-port", port)
        try:
            done = relayer.run(config, "create", "channel", *ends, *args, timeout=600)
            if done.returncode != 0:
                # Once more, as a step may fail on an overloaded machine; the half-open channel is never used.
                done = relayer.run(config, "create", "channel", *ends, *args, timeout=600)
            return done
        finally:
            free.append(config)

    return open_one


def _tidy(network: Network) -> None:
    shutil.rmtree(network.directory / "builders", ignore_errors=True)
    for node in network.nodes():
        node.log.unlink()
    assert (network.directory / STATE).is_file()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
