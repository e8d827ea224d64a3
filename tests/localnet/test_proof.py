"""A proof of clear of real chains, checked by a stranger who has two endpoints and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.localnet import stick
from tests.localnet.commands import Outcome, Relayclear
from tests.localnet.fixtures import discard
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from collections.abc import Iterator

_REPOSITORY = Path(__file__).resolve().parents[2]


def _verified(network: Network, folder: Path, proof: Path, *options: str) -> Outcome:
    """What `operations verify` says on a machine without Hermes, config, keys and database."""
    folder.mkdir(exist_ok=True)
    named = [f"--rpc={chain}={_rpc(network, chain)}" for chain in (ALPHA, BETA)]
    done = subprocess.run(
        [sys.executable, "-m", "relayclear", "operations", "verify", str(proof), *(options or named), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(_REPOSITORY), "HOME": str(folder)},
    )
    assert [*folder.iterdir()] == []
    return Outcome(done.returncode, done.stdout, done.stderr)


def _rpc(network: Network, chain: str) -> str:
    """The chain's second node: the proof was written by what the first one said."""
    second = network.chains[chain].second
    assert second is not None
    return second.rpc


def _tampered(proof: Path, change: Any) -> Path:
    document = json.loads(proof.read_text(encoding="utf-8"))
    change(document["packets"])
    forged = proof.with_name("forged.json")
    forged.write_text(json.dumps(document), encoding="utf-8")
    return forged


@pytest.fixture
def network(tmp_path: Path, _programs: None) -> Iterator[Network]:
    """A network whose chains have two nodes each."""
    own = Network.start(tmp_path / "network", second_nodes=True)
    yield own
    discard(own)


def test_a_stranger_confirms_a_proof_and_notices_one_changed_hash(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel()
    relayclear = Relayclear(network, tmp_path)
    (first,) = network.transfer(ALPHA, channel.on(ALPHA))
    (late,) = stick.timed_out(network, channel, seconds=3)
    cleared = relayclear.clear(ALPHA, channel.on(ALPHA), f"{first},{late}")
    assert cleared.code == 0
    proof = tmp_path / "proof.json"
    written = relayclear.run("operations", "proof", cleared.document["operation"], "-o", str(proof))
    assert (written.code, written.document["packets"]) == (0, 2)
    home = tmp_path / "stranger"

    confirmed = _verified(network, home, proof)
    assert (confirmed.code, confirmed.document["verdict"]) == (0, "confirmed")
    assert [(row["sequence"], row["fate"], row["by"]) for row in confirmed.document["packets"]] == [
        (first, "delivered", "us"),
        (late, "returned_to_sender", "us"),
    ]
    assert [row["endpoints"] for row in confirmed.document["asked"]] == [
        [_rpc(network, chain)] for chain in (ALPHA, BETA)
    ]

    other_hash = _tampered(proof, lambda packets: packets[0]["transactions"][0].update(hash="AB" * 32))
    contradicted = _verified(network, home, other_hash)
    assert (contradicted.code, contradicted.document["verdict"]) == (1, "contradicted")
    assert contradicted.document["packets"][0]["findings"][0]["flaw"] == "no_such_tx"

    other_packet = _tampered(proof, lambda packets: packets[0]["sent"].update(data_hex="7b7d"))
    assert _verified(network, home, other_packet).code == 1

    swapped = [f"--rpc={ALPHA}={_rpc(network, BETA)}", f"--rpc={BETA}={_rpc(network, BETA)}"]
    assert _verified(network, home, proof, *swapped).code == 3
    assert relayclear.run("operations", "verify", str(proof)).code == 0
