"""Planning a clear: what may run, what is gone, what is refused before Hermes is even looked at."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relayclear.errors import HermesError, NodeError, RefusedError, UnreachableError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Ordering, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.clear_plan import MAX_SEQUENCES, ClearPlan, ClearRequest, plan_clear
from tests.fakes.rig import Rig
from tests.fakes.world import address


def plan(rig: Rig, text: str, source: ChannelEnd | None = None, **wanted: Any) -> ClearPlan:
    request = ClearRequest(source or rig.source, SequenceRanges.parse(text), **wanted)
    return asyncio.run(plan_clear(rig.desk, request))


def refusal(rig: Rig, text: str, source: ChannelEnd | None = None, **wanted: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        plan(rig, text, source, **wanted)
    assert rig.relayer.jobs == []
    return caught.value


def test_a_plan_holds_exactly_the_asked_sequences(rig: Rig) -> None:
    rig.stuck(count=3)
    made = plan(rig, "2")
    assert made.run == (2,)
    assert (made.gone, made.left_out, made.warnings) == ((), (), ())
    assert made.version == "1.10.5"
    assert [(key.chain, key.name) for key in made.keys] == [("alpha-1", "clearing"), ("beta-1", "clearing")]
    before = made.before[2]
    assert before.packet_class is PacketClass.STUCK
    assert before.commitment is not None
    assert before.heights == {"alpha-1": rig.alpha.height, "beta-1": rig.beta.height}


def test_a_sequence_already_gone_is_no_reason_to_refuse_the_others(rig: Rig) -> None:
    first, _ = rig.stuck(count=2)
    rig.world.relay(first)
    made = plan(rig, "1,2")
    assert (made.run, made.gone) == ((2,), (1,))
    assert made.before[1].commitment is None


def test_nothing_but_gone_needs_neither_keys_nor_hermes(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.relay(key)
    rig.relayer.addresses.clear()
    rig.relayer.says = HermesError("there is no program 'hermes'")
    made = plan(rig, "1")
    assert (made.run, made.gone, made.keys, made.version) == ((), (1,), (), None)


@pytest.mark.parametrize("text", ["7", "1,7", "5..9", "1..18446744073709551615"])
def test_a_sequence_never_sent_is_refused_with_the_next_one(rig: Rig, text: str) -> None:
    rig.stuck(count=2)
    error = refusal(rig, text)
    assert error.code == "never_sent"
    assert "the next sequence it will send is 3" in error.message


def test_more_sequences_than_one_clear_holds_are_refused(rig: Rig) -> None:
    rig.stuck()
    rig.world.skip(rig.source, MAX_SEQUENCES)
    assert f"the most is {MAX_SEQUENCES}" in refusal(rig, f"1..{MAX_SEQUENCES + 1}").message
    assert len(plan(rig, f"1..{MAX_SEQUENCES}").gone) == MAX_SEQUENCES - 1


def test_an_excluded_packet_is_refused_and_named(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1, 2])}, None, None)
    error = refusal(rig, "1,2")
    assert error.code == "not_clearable"
    assert "alpha-1/channel-0/1 can't be cleared: excluded" in error.message
    assert "(and 1 more)" in error.message


def test_a_packet_that_hermes_would_drop_for_its_size_is_refused(rig: Rig) -> None:
    rig.world.send(rig.source, memo="x" * 100)
    rig.clock.step(600)
    rig.relayer.rules_of["alpha-1"] = RelayRules({}, 99, None)
    assert "memo of 100 bytes, Hermes relays up to 99" in refusal(rig, "1").message


def test_a_packet_over_an_expired_client_is_refused(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_client(rig.far, ClientStatus.EXPIRED)
    assert "client_expired" in refusal(rig, "1").message


def test_a_packet_that_waits_for_the_application_is_refused(rig: Rig) -> None:
    (key,) = rig.stuck(memo=HOLD_MEMO)
    rig.world.deliver(key)
    assert "nothing to relay" in refusal(rig, "1").message


def test_what_cannot_go_is_left_out_with_a_warning_and_the_rest_goes(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, None, None)
    made = plan(rig, "1,2")
    assert made.run == (2,)
    assert [left.sequence for left in made.left_out] == [1]
    assert any(word.startswith("#1 is left out: excluded") for word in made.warnings)
    assert made.before[1].blocked == "excluded"


def test_one_in_flight_is_cleared_after_a_word_of_warning(rig: Rig) -> None:
    rig.world.send(rig.source)
    rig.clock.step(12)
    made = plan(rig, "1")
    assert made.run == (1,)
    assert made.warnings == ("#1 was sent 12 s ago: it may still arrive by itself",)


def test_a_packet_whose_transaction_our_node_lost_may_go_with_a_warning(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.lost.add(1)
    made = plan(rig, "1")
    assert made.run == (1,)
    assert "our node lost the transaction" in made.warnings[0]


def test_a_half_dead_path_is_warned_of_before_the_coins_leave(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_client(rig.source, ClientStatus.EXPIRED)
    assert "the acknowledgement can't come back" in plan(rig, "1").warnings[0]


def ordered_and_late(rig: Rig) -> ChannelEnd:
    end, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.world.send(end, timeout_seconds=60)
    rig.clock.step(600)
    return end


def test_a_timeout_on_an_ordered_channel_needs_the_channels_name(rig: Rig) -> None:
    end = ordered_and_late(rig)
    error = refusal(rig, "1", end)
    assert error.code == "would_close_channel"
    assert error.hint is not None
    assert f"--close-channel {end.channel}" in error.hint
    refusal(rig, "1", end, close_channel="channel-0")
    assert plan(rig, "1", end, close_channel=end.channel).run == (1,)


def test_an_ordered_channels_second_goes_only_together_with_its_first(rig: Rig) -> None:
    end, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.stuck(end, count=2)
    assert "behind #1" in refusal(rig, "2", end).message
    assert plan(rig, "1,2", end).run == (1, 2)


def test_an_ordered_channel_that_may_be_late_is_not_closed_by_accident_when_no_index_tells(rig: Rig) -> None:
    end = ordered_and_late(rig)
    rig.alpha.tx_index = False
    assert refusal(rig, "1", end).code == "would_close_channel"


def share(rig: Rig) -> None:
    rig.clearing_keys.clear()


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_the_daemons_key_is_not_borrowed_within_ten_minutes_of_its_last_signature(rig: Rig, chain: str) -> None:
    for other in ("alpha-1", "beta-1"):
        rig.world.sign(other, address("daemon", other))
    rig.stuck()
    share(rig)
    assert plan(rig, "1").run == (1,)
    rig.world.sign(chain, address("daemon", chain))
    rig.clock.step(599)
    error = refusal(rig, "1")
    assert error.code == "daemon_key"
    assert f"'daemon' on {chain}" in error.message
    assert "signed 599 s ago" in error.message
    assert plan(rig, "1", share_key=True).run == (1,)
    rig.clock.step(1)
    assert plan(rig, "1").run == (1,)


def test_the_daemons_key_is_refused_too_when_no_index_tells_when_it_signed(rig: Rig) -> None:
    rig.stuck()
    share(rig)
    rig.alpha.tx_index = False
    error = refusal(rig, "1")
    assert error.code == "daemon_key"
    assert "may have signed just now" in error.message


def test_a_daemons_key_that_never_signed_may_be_used(rig: Rig) -> None:
    rig.stuck()
    share(rig)
    for chain in ("alpha-1", "beta-1"):
        rig.world.set_account(chain, address("daemon", chain), sequence=0)
    assert plan(rig, "1").run == (1,)


def test_the_daemons_key_by_name_is_still_the_daemons_key(rig: Rig) -> None:
    rig.stuck()
    assert refusal(rig, "1", key_name="daemon").code == "daemon_key"


def test_one_key_name_stands_for_both_chains(rig: Rig) -> None:
    rig.stuck()
    for chain in ("alpha-1", "beta-1"):
        rig.add_key(chain, "spare")
    assert {key.name for key in plan(rig, "1", key_name="spare").keys} == {"spare"}


def test_an_unknown_key_is_refused_by_name(rig: Rig) -> None:
    rig.stuck()
    error = refusal(rig, "1", key_name="nobody")
    assert "'nobody'" in error.message


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_a_key_without_an_account_is_refused_by_name(rig: Rig, chain: str) -> None:
    rig.stuck()
    rig.relayer.addresses[chain, "clearing"] = address("nobody", chain)
    error = refusal(rig, "1")
    assert error.code == "no_account"
    assert f"'clearing' on {chain}" in error.message


def test_a_key_without_gas_is_refused_unless_somebody_else_pays(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_account("beta-1", address("clearing", "beta-1"), amount=0)
    error = refusal(rig, "1")
    assert error.code == "no_gas"
    assert "holds 0ubeta" in error.message
    rig.relayer.granters["beta-1"] = address("granter", "beta-1")
    assert plan(rig, "1").run == (1,)


def test_a_key_whose_address_stays_hidden_is_used_as_it_is(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.addresses["alpha-1", "clearing"] = None
    assert plan(rig, "1").keys[0].address is None


def test_a_fee_cap_reaches_the_chain_that_pays_in_its_denom(rig: Rig) -> None:
    rig.stuck()
    made = plan(rig, "1", max_fees=(Coin("ubeta", 900),))
    assert [(cap.chain, str(cap.fee)) for cap in made.caps] == [("beta-1", "900ubeta")]


def test_a_fee_cap_that_fits_neither_chain_is_refused(rig: Rig) -> None:
    rig.stuck()
    error = refusal(rig, "1", max_fees=(Coin("stake", 5), Coin("uatom", 900)))
    assert error.code == "wrong_fee_denom"
    assert "gas is paid in stake on alpha-1 and ubeta on beta-1" in error.message


def test_a_fee_cap_that_buys_no_gas_is_refused(rig: Rig) -> None:
    rig.stuck()
    error = refusal(rig, "1", max_fees=(Coin("ubeta", 0),))
    assert error.code == "fee_too_small"
    assert "0ubeta buys no gas on beta-1" in error.message


def test_a_hermes_that_cannot_be_used_ends_the_plan(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.says = HermesError("Hermes 1.8.1 can't clear by sequence")
    with pytest.raises(HermesError):
        plan(rig, "1")


def test_no_hermes_that_knows_both_chains_is_a_refusal(rig: Rig) -> None:
    rig.stuck()
    with pytest.raises(RefusedError, match="no Hermes config has both alpha-1 and beta-1"):
        asyncio.run(plan_clear(rig.alone("alpha-1"), ClearRequest(rig.source, SequenceRanges.of([1]))))


@pytest.mark.parametrize("read_before", [True, False])
@pytest.mark.parametrize("down", ["alpha-1", "beta-1"])
def test_a_side_that_cannot_be_read_ends_the_plan_as_unreachable(rig: Rig, down: str, read_before: bool) -> None:  # noqa: FBT001
    rig.stuck()
    if read_before:
        plan(rig, "1")
    rig.chains[down].down = NodeError("frozen")
    with pytest.raises(UnreachableError, match="frozen"):
        plan(rig, "1")


def test_an_unknown_chain_or_channel_is_a_usage_error(rig: Rig) -> None:
    with pytest.raises(UsageError, match="no chain 'gamma-1'"):
        plan(rig, "1", ChannelEnd("gamma-1", "transfer", "channel-0"))
    with pytest.raises(UsageError, match="no channel 'channel-9'"):
        plan(rig, "1", ChannelEnd("alpha-1", "transfer", "channel-9"))
