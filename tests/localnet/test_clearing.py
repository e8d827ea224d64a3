"""What becomes of packets when `relayclear clear` clears them: judged by the chains' own state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.localnet import stick
from tests.localnet.commands import Relayclear, said, stand_in
from tests.localnet.fixtures import discard
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.commands import Outcome

_HASH = re.compile(r"[0-9A-F]{64}")


def test_clearing_one_of_three_leaves_the_others_alone(network: Network, channel: Channel, tmp_path: Path) -> None:
    here, there = channel.on(ALPHA), channel.on(BETA)
    assert network.transfer(ALPHA, here, count=3) == [1, 2, 3]
    cleared = Relayclear(network, tmp_path).clear(ALPHA, here, "2")
    assert cleared.code == 0
    assert network.commitments(ALPHA, here) == [1, 3]
    assert [network.received(BETA, there, sequence) for sequence in (1, 2, 3)] == [False, True, False]
    document = cleared.document
    assert document["state"] == "cleared"
    assert document["extra_packets"] == []
    assert document["path"]["counterparty"] == {"chain": BETA, "port": "transfer", "channel": there}
    assert document["hermes"]["version"] == "1.10.5"
    assert document["hermes"]["exit_code"] == 0
    assert document["hermes"]["argv"][-2:] == ["--packet-sequences", "2"]
    row = cleared.result()
    assert said(row) == (2, "stuck", "delivered", True, "us")
    _assert_paid_by(network, row, "clearing", {"recv": BETA, "ack": ALPHA})
    proof = row["proof"]
    assert len(proof["commitment_before"]) == 64
    assert (proof["received"], proof["acknowledged"], proof["ack_success"]) == (True, True, True)
    assert all(proof["height_after"][chain] >= proof["height_before"][chain] for chain in (ALPHA, BETA))


def test_several_sequences_in_hermes_spelling_are_cleared_and_no_other(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(BETA)
    bob = network.address(ALPHA, "bob")
    network.transfer(BETA, here, count=5, receiver=bob)
    cleared = Relayclear(network, tmp_path).clear(BETA, here, "1,3..4")
    assert cleared.code == 0
    assert [said(row) for row in cleared.document["packets"]] == [
        (sequence, "stuck", "delivered", True, "us") for sequence in (1, 3, 4)
    ]
    assert network.commitments(BETA, here) == [2, 5]


def test_timed_out_goes_back_to_its_sender(network: Network, channel: Channel, tmp_path: Path) -> None:
    before = network.balance(ALPHA, "alice")
    (sequence,) = stick.timed_out(network, channel, seconds=3)
    cleared = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert cleared.code == 0
    assert cleared.document["state"] == "cleared"
    row = cleared.result()
    assert said(row) == (sequence, "timed_out", "returned_to_sender", False, "us")
    _assert_paid_by(network, row, "clearing", {"timeout": ALPHA})
    assert row["proof"]["received"] is False
    assert network.commitments(ALPHA, channel.on(ALPHA)) == []
    assert network.balance(ALPHA, "alice") == before


def test_invalid_receiver_ends_in_an_error_and_a_refund(network: Network, channel: Channel, tmp_path: Path) -> None:
    before = network.balance(ALPHA, "alice")
    (sequence,) = stick.error_ack(network, channel)
    cleared = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert cleared.code == 0
    assert cleared.document["state"] == "cleared"
    row = cleared.result()
    assert said(row) == (sequence, "stuck", "delivered_with_error", True, "us")
    assert row["proof"]["ack_success"] is False
    _assert_paid_by(network, row, "clearing", {"recv": BETA, "ack": ALPHA})
    assert network.balance(ALPHA, "alice") == before


def test_half_relayed_one_ends_acknowledged(network: Network, channel: Channel, tmp_path: Path) -> None:
    (sequence,) = stick.ack_missing(network, channel)
    cleared = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert cleared.code == 0
    row = cleared.result()
    assert said(row) == (sequence, "ack_missing", "acknowledged", True, "us")
    assert row["proof"]["ack_success"] is True
    _assert_paid_by(network, row, "clearing", {"ack": ALPHA})
    assert network.commitments(ALPHA, channel.on(ALPHA)) == []


def test_what_a_rival_cleared_before_is_not_claimed_as_ours(network: Network, channel: Channel, tmp_path: Path) -> None:
    (sequence,) = stick.cleared_by_rival(network, channel)
    looked = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert looked.code == 0
    assert looked.document["state"] == "nothing_to_do"
    assert looked.document["hermes"] is None
    row = looked.result()
    assert said(row) == (sequence, None, "delivered", True, "other")
    _assert_paid_by(network, row, "rival", {"recv": BETA, "ack": ALPHA})


def test_rival_who_is_faster_than_our_own_run_gets_the_credit(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    (sequence,) = network.transfer(ALPHA, channel.on(ALPHA))
    rival = f"--config {network.config('rival')} clear packets --chain {ALPHA} --port transfer"
    first = f"hermes {rival} --channel {channel.on(ALPHA)} --packet-sequences {sequence} > /dev/null"
    relayclear = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, f'{first}\nexec hermes "$@"'))
    cleared = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert cleared.code == 0
    assert cleared.document["state"] == "cleared"
    assert cleared.document["extra_packets"] == []
    row = cleared.result()
    assert said(row) == (sequence, "stuck", "delivered", True, "other")
    _assert_paid_by(network, row, "rival", {"recv": BETA, "ack": ALPHA})


def test_cleared_twice_is_nothing_to_do_and_keeps_its_fate(network: Network, channel: Channel, tmp_path: Path) -> None:
    relayclear = Relayclear(network, tmp_path)
    network.transfer(ALPHA, channel.on(ALPHA), count=2)
    first = relayclear.clear(ALPHA, channel.on(ALPHA), "1")
    assert first.code == 0
    again = relayclear.clear(ALPHA, channel.on(ALPHA), "1")
    assert again.code == 0
    assert again.document["state"] == "nothing_to_do"
    assert said(again.result()) == (1, None, "delivered", True, "us")
    assert again.result()["txs"] == first.result()["txs"]
    assert network.commitments(ALPHA, channel.on(ALPHA)) == [2]


def test_one_gone_and_one_pending_are_both_judged(network: Network, channel: Channel, tmp_path: Path) -> None:
    network.transfer(ALPHA, channel.on(ALPHA), count=2)
    network.clear(ALPHA, channel.on(ALPHA), [1], key="rival")
    cleared = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), "1..2")
    assert cleared.code == 0
    assert cleared.document["state"] == "cleared"
    assert cleared.document["hermes"]["argv"][-1] == "2"
    assert [said(row) for row in cleared.document["packets"]] == [
        (1, None, "delivered", True, "other"),
        (2, "stuck", "delivered", True, "us"),
    ]


def test_packet_in_flight_is_cleared_after_a_word_of_warning(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    relayclear = Relayclear(network, tmp_path, stuck_after="1h")
    (sequence,) = network.transfer(ALPHA, channel.on(ALPHA))
    plan = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence), "--dry-run")
    assert plan.code == 0
    (warning,) = plan.document["plans"][0]["warnings"]
    assert re.fullmatch(rf"#{sequence} was sent \d+ s ago: it may still arrive by itself", warning)
    cleared = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence))
    assert said(cleared.result()) == (sequence, "in_flight", "delivered", True, "us")


def test_dry_run_shows_plan_keys_and_worst_fee_and_moves_nothing(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    relayclear = Relayclear(network, tmp_path)
    network.transfer(ALPHA, channel.on(ALPHA), count=3)
    shown = relayclear.clear(ALPHA, channel.on(ALPHA), "1,3", "--dry-run", "--max-fee", "700stake")
    assert shown.code == 0
    assert shown.document["dry_run"] is True
    (plan,) = shown.document["plans"]
    assert (plan["run"], plan["gone"], plan["left_out"]) == ([1, 3], [], [])
    assert [(key["chain"], key["key"], key["address"]) for key in plan["keys"]] == [
        (chain, "clearing", network.address(chain, "clearing")) for chain in (ALPHA, BETA)
    ]
    # What was allowed here, and 10,000,000 gas at the binary value of 0.002 by the Hermes config, rounded up.
    assert plan["worst_fees"] == [
        {"chain": ALPHA, "denom": "stake", "amount": "700"},
        {"chain": BETA, "denom": "ubeta", "amount": "20001"},
    ]
    assert network.commitments(ALPHA, channel.on(ALPHA)) == [1, 2, 3]
    assert relayclear.run("operations", "list").document["operations"] == []


def test_fee_cap_holds_on_both_chains(network: Network, channel: Channel, tmp_path: Path) -> None:
    (sequence,) = network.transfer(ALPHA, channel.on(ALPHA))
    caps = ("--max-fee", "900stake", "--max-fee", "900ubeta")
    relayclear = Relayclear(network, tmp_path)
    cleared = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence), *caps)
    assert cleared.code == 0
    fees = {tx["step"]: int(tx["fee"]["amount"]) for tx in cleared.result()["txs"]}
    assert set(fees) == {"recv", "ack"}
    assert max(fees.values()) <= 900
    assert relayclear.leftovers() == []


def test_fee_cap_too_small_moves_nothing_and_says_so(network: Network, channel: Channel, tmp_path: Path) -> None:
    (sequence,) = network.transfer(ALPHA, channel.on(ALPHA))
    balances = [network.balance(chain, "clearing", coin) for chain, coin in ((ALPHA, "stake"), (BETA, "ubeta"))]
    relayclear = Relayclear(network, tmp_path)
    tried = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence), "--max-fee", "1ubeta")
    assert tried.code == 1
    assert tried.document["state"] == "failed"
    row = tried.result()
    assert said(row) == (sequence, "stuck", "still_pending", False, "unknown")
    assert "gas" in row["reason"]
    assert network.commitments(ALPHA, channel.on(ALPHA)) == [sequence]
    assert [network.balance(chain, "clearing", coin) for chain, coin in ((ALPHA, "stake"), (BETA, "ubeta"))] == balances
    assert relayclear.leftovers() == []


def test_daemons_key_is_used_when_it_is_shared_on_purpose(network: Network, channel: Channel, tmp_path: Path) -> None:
    # The daemon's key delivers, so it signed a moment ago on beta-1.
    (sequence,) = stick.ack_missing(network, channel)
    relayclear = Relayclear(network, tmp_path, clearing_key=None)
    cleared = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence), "--share-key")
    assert cleared.code == 0
    assert said(cleared.result()) == (sequence, "ack_missing", "acknowledged", True, "us")
    _assert_paid_by(network, cleared.result(), "daemon", {"ack": ALPHA})


def test_ordered_packets_go_together_and_in_order(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel("ordered")
    network.mock_send(channel, count=3)
    relayclear = Relayclear(network, tmp_path)
    alone = relayclear.clear(BETA, channel.on(BETA), "2", port="mock")
    assert alone.code == 4
    assert "behind #1" in alone.error["message"]
    cleared = relayclear.clear(BETA, channel.on(BETA), "1..2", port="mock")
    assert cleared.code == 0
    assert [said(row) for row in cleared.document["packets"]] == [
        (sequence, "stuck", "delivered", True, "us") for sequence in (1, 2)
    ]
    assert network.commitments(BETA, channel.on(BETA), "mock") == [3]


def test_timeout_on_an_ordered_channel_needs_leave_to_close_it(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel("ordered")
    here = channel.on(BETA)
    network.mock_send(channel, timeout_seconds=2)
    relayclear = Relayclear(network, tmp_path)
    _wait_for_class(relayclear, BETA, here, "timed_out")
    refused = relayclear.clear(BETA, here, "1", port="mock")
    assert refused.code == 4
    assert refused.error["code"] == "would_close_channel"
    assert f"--close-channel {here}" in refused.error["hint"]
    by_filter = relayclear.run("clear", "--filter", f"port:mock channel:{here}", "--max-fee", "900ubeta", "--yes")
    assert by_filter.code == 4
    assert "close the ordered channel" in by_filter.error["message"]
    assert network.commitments(BETA, here, "mock") == [1]
    cleared = relayclear.clear(BETA, here, "1", "--close-channel", here, port="mock")
    assert cleared.code == 0
    assert said(cleared.result()) == (1, "timed_out", "returned_to_sender", False, "us")
    assert network.channel_state(BETA, here, "mock") == 4


def test_timeout_on_close_gives_the_packet_back(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel("mock")
    made = stick.timeout_on_close(network, channel)
    relayclear = Relayclear(network, tmp_path)
    cleared = relayclear.clear(BETA, channel.on(BETA), "1", port="mock")
    assert made == [1]
    assert cleared.code == 0
    row = cleared.result()
    assert said(row) == (1, "timeout_on_close", "returned_to_sender", False, "us")
    _assert_paid_by(network, row, "clearing", {"timeout": BETA})
    assert network.commitments(BETA, channel.on(BETA), "mock") == []


def test_filter_clears_many_channels_one_result_each(network: Network, tmp_path: Path) -> None:
    channels = [network.fresh_channel() for _ in range(2)]
    for channel in channels:
        network.transfer(ALPHA, channel.on(ALPHA), user="pool-3")
    network.transfer(ALPHA, channels[0].on(ALPHA), user="pool-4")
    relayclear = Relayclear(network, tmp_path)
    wanted = ("clear", "--filter", f"sender:{network.address(ALPHA, 'pool-3')}", "--yes")
    uncapped = relayclear.run(*wanted)
    assert uncapped.code == 2
    assert "--max-fee" in uncapped.error["message"]
    fees = ("--max-fee", "900stake", "--max-fee", "900ubeta")
    too_many = relayclear.run(*wanted, *fees, "--max-packets", "1")
    assert (too_many.code, too_many.error["code"]) == (4, "too_many")
    cleared = relayclear.run(*wanted, *fees)
    assert cleared.code == 0
    operations = cleared.document["operations"]
    assert sorted(one["path"]["channel"] for one in operations) == sorted(one.on(ALPHA) for one in channels)
    for one in operations:
        assert one["state"] == "cleared"
        assert [said(row) for row in one["packets"]] == [(1, "stuck", "delivered", True, "us")]
    assert (cleared.document["failures"], cleared.document["left_out"]) == ([], [])
    assert [network.commitments(ALPHA, one.on(ALPHA)) for one in channels] == [[2], []]


@pytest.mark.usefixtures("_programs")
def test_half_dead_path_delivers_and_says_that_the_acknowledgement_cannot_come_back(tmp_path: Path) -> None:
    network = Network.start(tmp_path / "network", template="expired")
    try:
        here = network.of_kind("half_expired").on(ALPHA)
        relayclear = Relayclear(network, tmp_path)
        (warning,) = relayclear.clear(ALPHA, here, "1", "--dry-run").document["plans"][0]["warnings"]
        assert "07-tendermint-2 on the source chain is expired" in warning
        assert "acknowledgement can't come back" in warning
        cleared = relayclear.clear(ALPHA, here, "1")
        assert cleared.code == 1
        assert cleared.document["state"] == "partial"
        row = cleared.result()
        assert said(row) == (1, "stuck", "delivered", False, "us")
        _assert_paid_by(network, row, "clearing", {"recv": BETA})
        assert network.commitments(ALPHA, here) == [1, 2, 3]
        shown = relayclear.list("--chain", ALPHA, "--channel", here).packets()[ALPHA, here, 1]
        assert (shown["class"], shown["blocked"]["reason"]) == ("ack_missing", "client_expired")
        again = relayclear.clear(ALPHA, here, "1")
        assert again.code == 4
        assert "client_expired" in again.error["message"]
    finally:
        discard(network)


def _assert_paid_by(network: Network, row: dict[str, Any], key: str, steps: dict[str, str]) -> None:
    """The row's transactions are these steps on these chains, signed by this key, and stand in blocks with a fee."""
    assert {tx["step"]: tx["chain"] for tx in row["txs"]} == steps
    for tx in row["txs"]:
        node = network.chains[tx["chain"]]
        assert _HASH.fullmatch(tx["hash"])
        assert tx["relayer"] == network.address(tx["chain"], key)
        assert tx["fee"]["denom"] == node.gas_denom
        assert int(tx["fee"]["amount"]) > 0
        found = node.ask.tx(tx["hash"])
        assert (int(found["height"]), found["tx_result"]["code"]) == (tx["height"], 0)
    assert row["tx_hash"] == row["txs"][0]["hash"]
    assert row["relayer"] == row["txs"][0]["relayer"]


def _wait_for_class(relayclear: Relayclear, chain: str, channel: str, wanted: str) -> None:
    def listed() -> bool | None:
        found: Outcome = relayclear.list("--chain", chain, "--channel", channel, "--port", "mock")
        return all(row["class"] == wanted for row in found.document["packets"]) or None

    wait_for(listed, f"{channel} to be {wanted}", timeout=30)
