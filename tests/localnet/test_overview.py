"""`chains`, `channels`, `doctor` and `operations` over a real network."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from tests.localnet.commands import Relayclear, stand_in
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network


def test_chains_show_the_keys_and_what_they_hold(network: Network, tmp_path: Path) -> None:
    relayclear = Relayclear(network, tmp_path)
    shown = relayclear.run("chains")
    assert shown.code == 0
    for row in shown.document["chains"]:
        node = network.chains[row["chain"]]
        assert (row["status"], row["endpoint"], row["tx_index"]) == ("ok", node.rpc, True)
        assert 0 < row["height"] <= node.height()
        assert [(key["role"], key["name"], key["address"]) for key in row["keys"]] == [
            (role, role, network.address(row["chain"], role)) for role in ("daemon", "clearing")
        ]
        daemon = row["keys"][0]
        held = network.balance(row["chain"], "daemon", node.gas_denom)
        assert daemon["gas"] == {"denom": node.gas_denom, "amount": str(held)}
    text = relayclear.run("chains", as_json=False)
    assert text.code == 0
    assert ALPHA in text.stdout
    assert "ubeta" in text.stdout


def test_channels_show_each_path_from_both_ends_with_its_clients(expired_network: Network, tmp_path: Path) -> None:
    network = expired_network
    shown = Relayclear(network, tmp_path).run("channels")
    assert shown.code == 0
    rows = {(row["chain"], row["port"], row["channel"]): row for row in shown.document["channels"]}
    ends = [(one, other) for channel in network.channels for one, other in _both_ways(channel)]
    assert set(rows) == {(one.chain, one.port, one.channel) for one, _ in ends}
    for one, other in ends:
        row = rows[one.chain, one.port, one.channel]
        assert row["counterparty"] == {"chain": other.chain, "port": other.port, "channel": other.channel}
        assert (row["connection"], row["client"]["client"]) == (one.connection, one.client)
        assert row["client"]["status"] == network.client_status(one.chain, one.client).lower()
    half = network.of_kind("half_expired").alpha
    row = rows[half.chain, half.port, half.channel]
    assert (row["client"]["status"], row["counterparty_client"]["status"]) == ("expired", "active")
    ordered = network.of_kind("ordered").alpha
    assert rows[ALPHA, "mock", ordered.channel]["ordering"] == "ordered"
    assert (shown.document["broken"], shown.document["failures"]) == ([], [])


def test_doctor_finds_nothing_wrong_with_a_healthy_network(network: Network, tmp_path: Path) -> None:
    relayclear = Relayclear(network, tmp_path)
    healthy = relayclear.run("doctor")
    assert [one for one in healthy.document["findings"] if one["severity"] != "ok"] == []
    assert healthy.code == 0
    text = relayclear.run("doctor", as_json=False)
    assert text.code == 0
    assert text.stdout.rstrip().endswith("fine, 0 warnings, 0 failures.")


def test_doctor_prints_the_commands_for_a_key_of_its_own(network: Network, tmp_path: Path) -> None:
    shared = Relayclear(network, tmp_path, clearing_key=None).run("doctor")
    assert shared.code == 10
    warned = {one["chain"]: one for one in shared.document["findings"] if one["severity"] == "warn"}
    assert set(warned) == {ALPHA, BETA}
    for chain, finding in warned.items():
        assert finding["check"] == "clearing_key"
        add, fund, config = finding["next"].splitlines()
        assert shlex.split(add) == [
            *("hermes", "--config", str(network.hermes_config), "keys", "add", "--chain", chain),
            *("--key-name", "relayclear", "--mnemonic-file", "MNEMONIC_FILE"),
        ]
        assert f"--node {network.chains[chain].rpc}" in fund
        assert f'[chains."{chain}"] clearing_key = "relayclear"' in config


def test_doctor_fails_without_a_usable_hermes_or_with_a_key_that_is_not_there(network: Network, tmp_path: Path) -> None:
    missing = Relayclear(network, tmp_path, hermes=[str(tmp_path / "missing")]).run("doctor", "--offline")
    assert missing.code == 3
    assert [one["check"] for one in _failed(missing.document)] == ["hermes"]
    unknown = Relayclear(network, tmp_path, clearing_key="nosuchkey").run("doctor")
    assert unknown.code == 1
    assert [(one["check"], one["chain"]) for one in _failed(unknown.document)] == [
        ("clearing_key", ALPHA),
        ("clearing_key", BETA),
    ]
    assert all("keys add --chain" in one["next"] for one in _failed(unknown.document))
    poor = Relayclear(network, tmp_path, clearing_key="pauper").run("doctor")
    assert poor.code == 1
    assert {one["check"] for one in _failed(poor.document)} == {"clearing_gas"}
    alpha = next(one for one in _failed(poor.document) if one["chain"] == ALPHA)
    assert network.address(ALPHA, "pauper") in alpha["next"]


def test_doctor_warns_of_dead_clients(expired_network: Network, tmp_path: Path) -> None:
    warned = Relayclear(expired_network, tmp_path).run("doctor")
    assert warned.code == 10
    found = [one["finding"] for one in warned.document["findings"] if one["severity"] == "warn"]
    assert found == [
        "client 07-tendermint-1, which follows beta-1, is expired",
        "client 07-tendermint-2, which follows beta-1, is expired",
        "client 07-tendermint-1, which follows alpha-1, is expired",
    ]


def test_operations_keep_the_proof_and_the_very_command(network: Network, channel: Channel, tmp_path: Path) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here, count=2)
    lazy = stand_in(tmp_path, 'echo \'{"result":[],"status":"success"}\'')
    failed = Relayclear(network, tmp_path, hermes=lazy).clear(ALPHA, here, "1")
    relayclear = Relayclear(network, tmp_path)
    cleared = relayclear.clear(ALPHA, here, "1")
    assert (failed.code, cleared.code) == (1, 0)
    listed = relayclear.run("operations", "list").document["operations"]
    assert [(one["operation"], one["state"]) for one in listed] == [
        (one.document["operation"], state) for one, state in ((cleared, "cleared"), (failed, "failed"))
    ]
    kept = relayclear.run("operations", "show", cleared.document["operation"])
    assert kept.code == 0
    told = [(row["what"], row["sequences"]) for row in kept.document["timeline"]]
    assert told[0] == ("asked", "1")
    # What it cost is known a moment after it is told that it was cleared.
    since = {"timeline", "costs", "packet_costs"}
    assert {key: value for key, value in kept.document.items() if key not in since} == cleared.document
    assert since <= kept.document.keys()
    text = relayclear.run("operations", "show", cleared.document["operation"], as_json=False)
    assert shlex.join(cleared.document["hermes"]["argv"]) in text.stdout
    assert cleared.result()["tx_hash"] in text.stdout
    assert relayclear.run("operations", "show", "op-nothing").code == 2


def test_text_of_a_clear_says_what_was_done_and_where_the_proof_is(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    words = relayclear.clear_words(ALPHA, here, "1")
    unasked = relayclear.run(*[word for word in words if word != "--yes"], as_json=False)
    assert unasked.code == 2
    assert "--yes" in unasked.stderr
    assert network.commitments(ALPHA, here) == [1]
    cleared = relayclear.run(*words, as_json=False)
    assert cleared.code == 0
    assert f"✓ {ALPHA}/{here} cleared" in cleared.stdout
    assert "#1 delivered, by us" in cleared.stdout
    (operation,) = relayclear.run("operations", "list").document["operations"]
    for tx in operation["packets"][0]["txs"]:
        assert f"{tx['step']} {tx['hash']} on {tx['chain']}, fee {tx['fee']['amount']} " in cleared.stdout
    assert f"relayclear operations proof {operation['operation']}" in cleared.stdout
    assert "#1 delivered, says Hermes" in cleared.stderr


def _both_ways(channel: Channel) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (channel.alpha, channel.beta), (channel.beta, channel.alpha)


def _failed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in document["findings"] if one["severity"] == "fail"]
