"""Chains and channels: a row for what can't be read, never a gap."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relayclear.errors import NodeError, RefusedError, UsageError
from relayclear.ibc.coin import DenomPath
from relayclear.ibc.packet import ChannelState
from relayclear.ibc.topology import ClientStatus
from relayclear.rehearsal.channels import channel_key
from relayclear.usecases.chains_view import ChainView, ChannelList, list_chains, list_channels
from relayclear.usecases.scan import Scope
from tests.fakes.rig import Rig
from tests.fakes.world import address


def chains(rig: Rig) -> list[ChainView]:
    return asyncio.run(list_chains(rig.desk))


def channels(rig: Rig, chain: str | None = None) -> ChannelList:
    return asyncio.run(list_channels(rig.desk, Scope(chain)))


def test_each_chain_tells_its_head_and_what_its_keys_hold(rig: Rig) -> None:
    alpha, _ = chains(rig)
    assert alpha.head is not None
    assert alpha.head.height == rig.alpha.height
    assert [(key.role, str(key.gas)) for key in alpha.keys] == [
        ("daemon", "1000000000stake"),
        ("clearing", "1000000000stake"),
    ]


def test_a_chain_that_does_not_answer_has_its_error_in_its_row(rig: Rig) -> None:
    rig.beta.down = NodeError("502")
    alpha, beta = chains(rig)
    assert alpha.error is None
    assert (beta.head, beta.keys) == (None, ())
    assert beta.error is not None


def test_a_key_without_account_without_address_or_unknown_is_shown_as_that(rig: Rig) -> None:
    rig.relayer.addresses["alpha-1", "clearing"] = address("nobody", "alpha-1")
    rig.relayer.addresses["beta-1", "clearing"] = None
    del rig.relayer.addresses["beta-1", "daemon"]
    alpha, beta = chains(rig)
    assert alpha.keys[1].account is None
    assert beta.keys[0].key is None
    assert isinstance(beta.keys[0].error, RefusedError)
    assert beta.keys[1].key is not None
    assert beta.keys[1].gas is None


def test_without_a_clearing_key_only_the_daemons_is_shown(rig: Rig) -> None:
    rig.clearing_keys.clear()
    assert [[key.role for key in chain.keys] for chain in chains(rig)] == [["daemon"], ["daemon"]]


def test_both_directions_of_a_channel_are_listed_with_fresh_states_and_clients(rig: Rig) -> None:
    channels(rig)
    rig.world.set_state(rig.far, ChannelState.CLOSED)
    rig.world.set_client(rig.source, ClientStatus.EXPIRED)
    near, far = channels(rig).channels
    assert (near.source_state, near.destination_state) == (ChannelState.OPEN, ChannelState.CLOSED)
    assert near.source_client is not None
    assert near.source_client.status is ClientStatus.EXPIRED
    assert far.source_state is ChannelState.CLOSED
    assert len(channels(rig, "beta-1").channels) == 1


def test_a_channel_that_lies_about_its_other_end_is_listed_apart(rig: Rig) -> None:
    second, far = rig.world.connect("alpha-1", "beta-1")
    rig.world.edit_channel(far, lambda found: setattr(found.counterparty, "channel_id", "channel-77"))
    found = channels(rig)
    assert {view.path.source for view in found.channels} == {rig.source, rig.far}
    assert {broken.end for broken in found.broken} == {second, far}
    assert [broken.end for broken in channels(rig, "alpha-1").broken] == [second]


def test_a_chain_whose_states_cannot_be_read_is_named_and_its_channels_stay(rig: Rig) -> None:
    channels(rig)
    rig.beta.down = NodeError("502")
    found = channels(rig)
    assert set(found.failures) == {"beta-1"}
    assert len(found.channels) == 2
    assert found.channels[0].destination_client is None
    assert {found.channels[0].source_state, found.channels[0].destination_state} == {"open", "unknown"}


def test_a_single_channel_that_cannot_be_read_is_unknown_and_makes_the_list_incomplete(rig: Rig) -> None:
    channels(rig)
    rig.world.write("beta-1", channel_key(rig.far.port, rig.far.channel), None)
    found = channels(rig)
    assert set(found.failures) == {"beta-1"}
    assert {found.channels[0].source_state, found.channels[0].destination_state} == {"open", "unknown"}


def test_an_unknown_chain_is_a_usage_error(rig: Rig) -> None:
    with pytest.raises(UsageError):
        channels(rig, "gamma-1")


def test_a_gas_denom_from_elsewhere_is_told_with_its_way_and_asked_for_once(rig: Rig) -> None:
    full = DenomPath.parse("transfer/channel-0/uatom")
    rig.beta.state.spec = replace(rig.beta.state.spec, gas_denom=full.voucher)
    rig.world.set_account("beta-1", address("daemon", "beta-1"))
    assert chains(rig)[1].keys[0].gas_path is None
    rig.world.know_denom("beta-1", str(full))
    beta = chains(rig)[1]
    assert beta.keys[0].gas_path == full
    rig.beta.asked.clear()
    assert chains(rig)[1].keys[0].gas_path == full
    assert "denom_path" not in rig.beta.asked
