"""Nodes that fail while `relayclear` reads them: unknown is never shown as nothing stuck, or as done."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from tests.localnet.commands import Outcome, Relayclear, said, stand_in
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network


def test_frozen_node_is_unknown_to_every_command_and_nothing_stuck_to_none(
    own_network: Network, tmp_path: Path
) -> None:
    network, here = own_network, own_network.fresh_channel().on(ALPHA)
    network.transfer(ALPHA, here)
    relayclear, cold = Relayclear(network, tmp_path), Relayclear(network, _folder(tmp_path, "cold"))
    assert relayclear.list().code == 0
    network.chains[BETA].freeze()
    check = ("packets", "list", "--check")
    # Together, because each waits its ten seconds for the node.
    listed, told, chains, channels, doctor, cleared, first, first_told = _together(
        (relayclear, (*check, "--all"), True),
        (relayclear, check, False),
        (relayclear, ("chains",), True),
        (relayclear, ("channels",), True),
        (relayclear, ("doctor",), True),
        (relayclear, relayclear.clear_words(ALPHA, here, "1"), True),
        (cold, check, True),
        (cold, check, False),
    )
    assert [one.code for one in (listed, told, chains, channels, cleared, first, first_told)] == [3] * 7
    assert doctor.code == 3
    paths = listed.document["paths"]
    assert len(paths) == 2 * len(network.channels)
    assert {(path["status"], path["pending"], path["stuck"]) for path in paths} == {("failed", None, None)}
    assert {path["error"]["code"] for path in paths} == {"node_unreachable"}
    assert all("did not answer" in path["error"]["message"] for path in paths)
    assert {one["chain"]: one["status"] for one in listed.document["chains"]} == {ALPHA: "ok", BETA: "failed"}
    assert [one["chain"] for one in first.document["chains"] if one["status"] == "failed"] == [BETA]
    for text in (told, first_told):
        assert "✗ beta-1 could not be read" in text.stdout
        assert "What is stuck is not known." in text.stdout
        assert "Nothing stuck" not in text.stdout
        assert not re.search(r"\b0 stuck", text.stdout)
    assert {one["chain"]: one["status"] for one in chains.document["chains"]} == {ALPHA: "ok", BETA: "failed"}
    assert [one["chain"] for one in channels.document["failures"]] == [BETA]
    (unread,) = [one for one in doctor.document["findings"] if one["severity"] == "fail"]
    assert (unread["chain"], unread["check"]) == (BETA, "node")
    assert cleared.error["code"] == "node_unreachable"
    assert cleared.error["retryable"] is True
    network.chains[BETA].thaw()
    assert network.commitments(ALPHA, here) == [1]
    assert relayclear.run("operations", "list").document["operations"] == []


def test_node_that_freezes_before_the_proof_leaves_the_outcome_unknown(own_network: Network, tmp_path: Path) -> None:
    network, here = own_network, own_network.fresh_channel().on(ALPHA)
    network.transfer(ALPHA, here)
    node = network.chains[BETA]
    freezing = stand_in(tmp_path, f'hermes "$@"\nkill -STOP {node.pid}')
    cleared = Relayclear(network, tmp_path, hermes=freezing).clear(ALPHA, here, "1")
    node.thaw()
    assert cleared.code == 3
    assert cleared.document["state"] == "unknown"
    assert cleared.document["hermes"]["exit_code"] == 0
    row = cleared.result()
    assert said(row) == (1, "stuck", "unknown", None, "unknown")
    assert "did not answer" in row["reason"]
    assert row["proof"]["received"] is None
    assert set(row["proof"]["height_after"]) == {ALPHA}
    later = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert later.document["state"] == "nothing_to_do"
    assert said(later.result()) == (1, None, "delivered", True, "us")


def test_dead_first_endpoint_is_replaced_by_the_living_second(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    dead = _with_rpc(network, tmp_path, ALPHA, f"http://127.0.0.1:{_closed_port()}")
    living = {ALPHA: [network.chains[ALPHA].rpc]}
    alone = Relayclear(network, _folder(tmp_path, "alone"), hermes_config=dead).list()
    assert alone.code == 3
    listed = Relayclear(network, tmp_path, hermes_config=dead, endpoints=living).list()
    assert listed.code == 0
    assert {path["status"] for path in listed.document["paths"]} == {"ok"}
    assert listed.packets()[ALPHA, here, 1]["details_verified"] is True
    chains = Relayclear(network, tmp_path, hermes_config=dead, endpoints=living).run("chains").document["chains"]
    assert {one["chain"]: one["endpoint"] for one in chains} == {
        chain: node.rpc for chain, node in network.chains.items()
    }


def test_endpoint_of_another_chain_is_refused_by_name(network: Network, channel: Channel, tmp_path: Path) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    wrong = _with_rpc(network, tmp_path, ALPHA, network.chains[BETA].rpc)
    assert Relayclear(network, tmp_path).list().code == 0
    listed = Relayclear(network, tmp_path, hermes_config=wrong).list()
    assert listed.code == 3
    assert {path["status"] for path in listed.document["paths"]} == {"failed"}
    (failed,) = [one for one in listed.document["chains"] if one["status"] == "failed"]
    assert failed["chain"] == ALPHA
    assert "is chain 'beta-1', not 'alpha-1'" in failed["error"]["message"]
    right = {ALPHA: [network.chains[ALPHA].rpc]}
    saved = Relayclear(network, tmp_path, hermes_config=wrong, endpoints=right).list()
    assert saved.code == 0
    assert (ALPHA, here, 1) in saved.packets()


def test_far_node_without_an_index_leaves_the_doer_unknown_and_the_fate_certain(
    own_network: Network, tmp_path: Path
) -> None:
    network, here = own_network, own_network.fresh_channel().on(ALPHA)
    network.transfer(ALPHA, here, count=2)
    network.clear(ALPHA, here, [1], key="clearing")
    _switch_index_off(network, BETA)
    relayclear = Relayclear(network, tmp_path)
    looked = relayclear.clear(ALPHA, here, "1")
    assert looked.code == 0
    assert looked.document["state"] == "nothing_to_do"
    row = looked.result()
    assert said(row) == (1, None, "delivered", True, "unknown")
    assert [tx["step"] for tx in row["txs"]] == ["ack"]
    chains = relayclear.run("chains").document["chains"]
    assert {one["chain"]: one["tx_index"] for one in chains} == {ALPHA: True, BETA: False}


def test_near_node_without_an_index_lists_packets_without_their_details(own_network: Network, tmp_path: Path) -> None:
    network, here = own_network, own_network.fresh_channel().on(ALPHA)
    network.transfer(ALPHA, here, count=2)
    network.recv_only(ALPHA, here, [2])
    _switch_index_off(network, ALPHA)
    relayclear = Relayclear(network, tmp_path)
    listed = relayclear.list("--chain", ALPHA, "--channel", here)
    assert listed.code == 0
    first, second = (listed.packets()[ALPHA, here, sequence] for sequence in (1, 2))
    assert (first["class"], first["blocked"]["reason"]) == ("pending", "no_packet_data")
    assert (first["sender"], first["coin"], first["send_tx"], first["details_verified"]) == (None, None, None, None)
    assert second["class"] == "ack_missing"
    story = relayclear.run("packets", "show", f"{ALPHA}/{here}/1").document
    assert story["details_error"]["code"] == "indexer_off"


def _together(*calls: tuple[Relayclear, Sequence[str], bool]) -> list[Outcome]:
    started = [program.start(*words, as_json=as_json) for program, words, as_json in calls]
    ended = [process.communicate(timeout=240) for process in started]
    return [Outcome(one.returncode, *texts) for one, texts in zip(started, ended, strict=True)]


def _with_rpc(network: Network, folder: Path, chain: str, rpc: str) -> Path:
    """The operator's config with another RPC address for one chain."""
    text = network.hermes_config.read_text(encoding="utf-8")
    file = folder / "hermes.toml"
    file.write_text(text.replace(network.chains[chain].rpc, rpc), encoding="utf-8")
    return file


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _switch_index_off(network: Network, chain: str) -> None:
    node = network.chains[chain]
    node.stop()
    file = node.home / "config" / "config.toml"
    text, count = re.subn(r'(?m)^indexer = "kv"$', 'indexer = "null"', file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(text, encoding="utf-8")
    node.start()
    node.wait_ready()
