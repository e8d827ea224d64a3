"""`operations verify --rpc`: on a machine that knows nothing but a file and two addresses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore
from relayclear.clearing.proof_document import proof_of, write_proof
from relayclear.cli.app import run
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import Ordering, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.triage import PacketClass
from relayclear.rehearsal import relaying, staging
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.serving import Served, standing
from relayclear.rehearsal.stage import Stage
from relayclear.rehearsal.staging import ALPHA, BETA, address
from tests.fakes import read

AT = datetime(2027, 1, 15, 8, tzinfo=UTC)


def stage_and_proof() -> tuple[Stage, str]:
    """Two chains between which a packet was relayed, and the proof of it."""
    world = staging.founded(int(AT.timestamp()) * 10**9)
    source, far = world.connect("alpha-1", "beta-1")
    key = staging.transfer(world, source, amount=5)
    near, there = world.chains["alpha-1"], world.chains["beta-1"]
    before = PacketBefore(1, PacketClass.STUCK, read.commitments(near.store, source)[1], {"alpha-1": near.height})
    assert relaying.relay(world, key, address(ALPHA, "clearing"), address(BETA, "clearing")) == ["recv", "ack"]
    world.step(3)
    txs = (*read.relay_txs(there, key, RelayStep.RECV, far), *read.relay_txs(near, key, RelayStep.ACK, far))
    heights = {"alpha-1": near.height, "beta-1": there.height}
    after = PacketAfter(
        1, Fate.DELIVERED, Doer.US, committed=False, received=True, ack_success=True, heights=heights, txs=txs
    )
    attempt = Attempt(1, AT, (before,), after=(after,), ended_at=AT)
    operation = Operation("op-1", AT, source, far, SequenceRanges.of([1]), (attempt,))
    connection, client = "connection-0", "07-tendermint-0"
    path = RelayPath(source, far, Ordering.UNORDERED, "ics20-1", connection, connection, client, client)
    sent = read.sent_packet(near, source, "beta-1", PacketKey(*key).sequence)
    assert sent is not None
    nodes = {name: Node(chain, NodeFaults(), name) for name, chain in world.chains.items()}
    return Stage(world, nodes), write_proof(proof_of(operation, path, {1: sent}, "stranger", AT))


@contextmanager
def served(stage: Stage) -> Iterator[Served]:
    """The stage on loopback, in a thread of its own: the command has a loop of its own."""
    found: list[Served] = []
    up, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with standing(stage) as listening:
            found.append(listening)
            up.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert up.wait(10)
        yield found[0]
    finally:
        done.set()
        thread.join()


def test_two_addresses_are_all_that_is_needed(
    tmp_path: Path, home: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    stage, text = stage_and_proof()
    file = tmp_path / "proof.json"
    file.write_text(text, encoding="utf-8")

    def verified(alpha: str, beta: str) -> tuple[int, dict[str, object]]:
        argv = ["operations", "verify", str(file), "--rpc", f"alpha-1={alpha}", "--rpc", f"beta-1={beta}", "--json"]
        code = run(argv)
        return int(code), json.loads(capsysbinary.readouterr().out)

    with served(stage) as nodes:
        alpha, beta = nodes.nodes["alpha-1"], nodes.nodes["beta-1"]
        code, document = verified(alpha, beta)
        assert (code, document["verdict"]) == (0, "confirmed")
        asked = document["asked"]
        assert asked == [
            {"chain": "alpha-1", "endpoints": [alpha], "height": stage.node("alpha-1").height},
            {"chain": "beta-1", "endpoints": [beta], "height": stage.node("beta-1").height},
        ]
        stage.node("beta-1").faults.tx_index = False
        assert verified(alpha, beta)[0] == 0, "the block tells what the index doesn't"
        stage.node("beta-1").faults.hidden_txs.append(json.loads(text)["packets"][0]["transactions"][0]["hash"])
        assert verified(alpha, beta)[0] == 1
        code, document = verified(alpha, alpha)
        assert (code, document["verdict"]) == (3, "unreadable")
        assert "is chain 'alpha-1', not 'beta-1'" in json.dumps(document)
        assert verified(alpha, "http://127.0.0.1:1")[0] == 3
    assert [*home.iterdir()] == []
