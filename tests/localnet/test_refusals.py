"""Clears that are refused before Hermes runs: exit 4, by name, with nothing signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.localnet import stick
from tests.localnet.commands import Relayclear, said
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.commands import Outcome
    from tests.localnet.network import Network


def test_excluded_packet_is_refused_and_left_out_of_a_mixed_clear(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    (barred,) = stick.excluded(network, channel)
    (free,) = network.transfer(ALPHA, here)
    refused = relayclear.clear(ALPHA, here, str(barred))
    _assert_refused(refused, "not_clearable", f"{ALPHA}/{here}/{barred} can't be cleared: excluded: ")
    assert refused.error["hint"] == f"relayclear packets show {ALPHA}/{here}/{barred}"
    mixed = relayclear.clear(ALPHA, here, f"{barred},{free}")
    assert mixed.code == 1
    assert mixed.document["state"] == "partial"
    assert mixed.document["hermes"]["argv"][-1] == str(free)
    left, moved = mixed.document["packets"]
    assert said(left) == (barred, "stuck", "still_pending", False, "unknown")
    assert left["reason"].startswith("excluded: ")
    assert said(moved) == (free, "stuck", "delivered", True, "us")
    assert network.commitments(ALPHA, here) == [barred]


def test_memo_longer_than_hermes_relays_is_refused(network: Network, channel: Channel, tmp_path: Path) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    (sequence,) = stick.oversized(network, channel)
    refused = relayclear.clear(ALPHA, here, str(sequence))
    _assert_refused(refused, "not_clearable", "too_large: memo of 6000 bytes, Hermes relays up to 4096")
    story = relayclear.run("packets", "show", f"{ALPHA}/{here}/{sequence}").document
    assert story["packet"]["blocked"]["reason"] == "too_large"
    assert story["fix"] is None
    network.configure(max_memo="8KiB")
    allowed = relayclear.clear(ALPHA, here, str(sequence))
    assert said(allowed.result()) == (sequence, "stuck", "delivered", True, "us")


def test_packet_over_an_expired_client_is_refused(expired_network: Network, tmp_path: Path) -> None:
    here = expired_network.of_kind("expired").on(ALPHA)
    refused = Relayclear(expired_network, tmp_path).clear(ALPHA, here, "1..3")
    _assert_refused(refused, "not_clearable", "client_expired: 07-tendermint-1 on the destination chain is expired")
    assert refused.error["message"].endswith("(and 2 more)")
    assert expired_network.commitments(ALPHA, here) == [1, 2, 3]


def test_packet_that_waits_for_the_receiving_application_is_refused(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    (sequence,) = stick.async_ack(network, channel)
    refused = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence))
    _assert_refused(refused, "not_clearable", "there is nothing to relay")


def test_sequence_never_sent_is_refused_with_the_next_one(network: Network, channel: Channel, tmp_path: Path) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    _assert_refused(relayclear.clear(ALPHA, here, "1"), "never_sent", "never sent #1: the next sequence it will send")
    network.transfer(ALPHA, here, count=2)
    refused = relayclear.clear(ALPHA, here, "2..3")
    _assert_refused(refused, "never_sent", "never sent #3: the next sequence it will send is 3")
    assert network.commitments(ALPHA, here) == [1, 2]


def test_unknown_chain_and_channel_are_answered_with_near_names(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    relayclear = Relayclear(network, tmp_path)
    chain = relayclear.clear("alpha-2", channel.on(ALPHA), "1")
    assert (chain.code, chain.error["code"]) == (2, "usage")
    assert "did you mean alpha-1" in chain.error["message"]
    wrong = relayclear.clear(ALPHA, "chanel-1", "1")
    assert (wrong.code, wrong.error["code"]) == (2, "usage")
    assert "did you mean channel-1" in wrong.error["message"]


def test_key_nobody_has_is_refused_by_name(network: Network, channel: Channel, tmp_path: Path) -> None:
    network.transfer(ALPHA, channel.on(ALPHA))
    refused = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), "1", "--key-name", "nosuchkey")
    _assert_refused(refused, "refused", "key 'nosuchkey' is unknown on ")
    assert "clearing, daemon, pauper" in refused.error["message"]
    assert "keys add --chain" in refused.error["hint"]
    assert "--key-name nosuchkey" in refused.error["hint"]


def test_key_without_an_account_and_then_without_gas_is_refused_by_name(own_network: Network, tmp_path: Path) -> None:
    network, here = own_network, own_network.fresh_channel().on(ALPHA)
    network.transfer(ALPHA, here)
    relayclear = Relayclear(network, tmp_path)
    poor = relayclear.clear(ALPHA, here, "1", "--key-name", "pauper")
    _assert_refused(poor, "no_account", "key 'pauper' on ")
    assert "has no account" in poor.error["message"]
    for chain in (ALPHA, BETA):
        network.send(chain, user="alice", to=network.address(chain, "pauper"), amount=5)
    dry = relayclear.clear(ALPHA, here, "1", "--key-name", "pauper")
    _assert_refused(dry, "no_gas", "can't pay gas")
    assert network.commitments(ALPHA, here) == [1]


def test_daemons_key_is_refused_while_the_daemon_signs(network: Network, channel: Channel, tmp_path: Path) -> None:
    (sequence,) = stick.ack_missing(network, channel)
    network.clear(BETA, channel.on(BETA), network.transfer(BETA, channel.on(BETA), user="bob"))
    # Nodes index after the block: until then relayclear refuses too, but can't say when the key signed.
    for chain in (ALPHA, BETA):
        network.wait_indexed(chain, "daemon")
    relayclear = Relayclear(network, tmp_path, clearing_key=None)
    refused = relayclear.clear(ALPHA, channel.on(ALPHA), str(sequence))
    _assert_refused(refused, "daemon_key", "is the key of hermes start and signed ")
    assert "relayclear doctor" in refused.error["hint"]
    by_name = Relayclear(network, tmp_path).clear(ALPHA, channel.on(ALPHA), str(sequence), "--key-name", "daemon")
    _assert_refused(by_name, "daemon_key", "'daemon' on ")
    assert network.commitments(ALPHA, channel.on(ALPHA)) == [sequence]


def test_fee_caps_that_fit_no_chain_or_buy_nothing_are_refused(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    wrong = relayclear.clear(ALPHA, here, "1", "--max-fee", "500uatom")
    _assert_refused(wrong, "wrong_fee_denom", "gas is paid in stake on alpha-1 and ubeta on beta-1")
    nothing = relayclear.clear(ALPHA, here, "1", "--max-fee", "0ubeta")
    _assert_refused(nothing, "fee_too_small", "--max-fee 0ubeta buys no gas on beta-1")
    assert network.commitments(ALPHA, here) == [1]
    assert relayclear.leftovers() == []


def _assert_refused(outcome: Outcome, code: str, words: str) -> None:
    assert outcome.code == 4, outcome
    assert outcome.error["code"] == code
    assert words in outcome.error["message"]
    assert outcome.error["retryable"] is False
