"""What a clear does to packets, what it says of it, and how it lies: as the real Hermes 1.10.5 was seen to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.rehearsal import channels, clients, relaying
from relayclear.rehearsal.hermes.links import link
from relayclear.rehearsal.hermes.relaying import receive
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import KeyKind
from relayclear.rehearsal.transactions import decode
from tests.rehearsal.hermes.playing import ALPHA, BETA, Killed, Playground


def test_a_clear_takes_the_packet_asked_for_and_no_other(ground: Playground) -> None:
    for _ in range(3):
        ground.send()
    ran = ground.clear("2")
    assert (ran.code, ran.status) == (0, "success")
    assert ran.kinds == ["UpdateClient", "WriteAcknowledgement", "UpdateClient", "AcknowledgePacket"]
    assert ground.committed() == [1, 3]


def test_a_late_packet_is_refunded_on_its_own_chain(ground: Playground) -> None:
    ground.send(seconds=3)
    ground.world.step(10)
    assert ground.clear("1").kinds == ["UpdateClient", "TimeoutPacket"]
    assert ground.committed() == []


def test_a_packet_at_its_very_limit_fails_once_and_is_refunded_by_the_next_run(ground: Playground) -> None:
    # Chains say `too late` at the limit itself, Hermes only after it.
    ground.send(seconds=2)
    ground.world.step(2)
    assert ground.world.chains["beta-1"].time_ns == ground.world.clock.now_ns()
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    assert "timeout elapsed" in ran.said("ERROR")[0]
    assert ground.clear("1").kinds == ["UpdateClient", "TimeoutPacket"]


def test_an_error_acknowledgement_reaches_the_result_in_upper_case(ground: Playground) -> None:
    ground.send(receiver="nobody")
    (written,) = [one["WriteAcknowledgement"] for one in ground.clear("1").result if "WriteAcknowledgement" in one]
    assert bytes.fromhex(written["ack"]).startswith(b'{"error":"ABCI code: ')
    assert written["ack"] == written["ack"].upper()
    assert written["packet"]["data"] == written["packet"]["data"].upper() != ""


def test_without_sequences_both_directions_are_cleared(ground: Playground) -> None:
    ground.send()
    ground.send(end=ground.far)
    ran = ground.clear()
    assert sorted(set(ran.kinds)) == ["AcknowledgePacket", "UpdateClient", "WriteAcknowledgement"]
    assert ground.committed() == ground.committed(ground.far) == []


def test_with_sequences_nothing_of_the_other_direction_is_touched(ground: Playground) -> None:
    ground.send()
    ground.send(end=ground.far)
    ground.clear("1")
    assert (ground.committed(), ground.committed(ground.far)) == ([], [1])


@pytest.mark.parametrize("sequences", ["1,77", "..", "3..", "..1"])
def test_what_is_not_pending_is_success_with_nothing(ground: Playground, sequences: str) -> None:
    ran = ground.clear(sequences)
    assert (ran.code, ran.result, ran.status) == (0, [], "success")


def test_the_log_tells_each_step_as_the_adapter_reads_it(ground: Playground) -> None:
    ground.send()
    (told, _) = [said for said in ground.clear("1").said("INFO") if said.startswith("[Sync->")]
    assert told.startswith("[Sync->beta-1] result events:\n\tUpdateClient(UpdateClient { Attributes { client_id: ")
    assert "\n\tWriteAcknowledgement(WriteAcknowledgement { packet: seq:1, path:channel-0/transfer->" in told
    assert ", ack: [ 123, 34, " in told
    assert told.endswith("\n")


def test_a_half_relayed_packet_is_only_acknowledged(ground: Playground) -> None:
    ground.send()
    assert ground.step("packet-recv").kinds == ["UpdateClient", "WriteAcknowledgement"]
    assert ground.committed() == [1]
    assert ground.clear("1").kinds == ["UpdateClient", "AcknowledgePacket"]
    assert ground.committed() == []


def test_packet_ack_is_asked_of_the_chain_that_wrote_it(ground: Playground) -> None:
    ground.send()
    ground.step("packet-recv", "1")
    assert ground.step("packet-ack", "1").kinds == ["UpdateClient", "AcknowledgePacket"]


def test_packet_data_can_be_read_from_one_block(ground: Playground) -> None:
    ground.send()
    height = ground.world.chains["alpha-1"].height
    ground.node_faults["alpha-1"].tx_index = False
    where = ("--src-port", "transfer", "--src-channel", ground.near.channel)
    words = ("tx", "packet-recv", "--dst-chain", "beta-1", "--src-chain", "alpha-1", *where)
    ran = ground.hermes(*words, "--packet-data-query-height", str(height))
    assert "WriteAcknowledgement" in ran.kinds


def test_excluded_sequences_are_left_alone_by_a_clear_but_not_by_packet_recv(ground: Playground) -> None:
    for _ in range(3):
        ground.send()
    ground.tables["chains"][0]["excluded_sequences"] = {ground.near.channel: [1, "2-2"]}
    ran = ground.clear("1,2")
    assert (ran.code, ran.result) == (0, [])
    assert "0 unreceived packets found: [  ] " in ran.said("INFO")
    assert ground.step("packet-recv", "1").kinds == ["UpdateClient", "WriteAcknowledgement"]


def test_a_memo_over_the_limit_is_a_warning_and_success(ground: Playground) -> None:
    ground.send(memo="x" * 5000)
    packets = {"enabled": True, "ics20_max_memo_size": {"enabled": True, "size": "4KiB"}}
    off = {"enabled": False}
    ground.tables["mode"] = {"clients": off, "connections": off, "channels": off, "packets": packets}
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    assert ran.said("WARN") == [
        "found invalid ICS-20 packet data, not relaying packet!",
        "    ICS-20 memo:     invalid, size `5000` is greater than max `4096`",
        "    ICS-20 receiver: valid",
    ]


def test_a_key_without_account_is_one_line_of_the_log_and_success(ground: Playground) -> None:
    ground.send()
    for spec in (ALPHA, BETA):
        ground.add_key(spec, "pauper")
    for table in ground.tables["chains"]:
        table["key_name"] = "pauper"
    ran = ground.clear("1")
    assert (ran.code, ran.result, ran.status) == (0, [], "success")
    (said,) = ran.said("ERROR")
    assert said.startswith("Failed to relay forward recv and timeout packets: link failed with underlying error: gRPC")
    assert "gRPC call `query_account` failed with status: status: NotFound" in said
    step = ground.step("packet-recv", "1")
    assert (step.code, step.status) == (1, "error")
    assert step.result.startswith("link error: link failed with underlying error: gRPC call")


def test_a_key_that_is_not_there_is_the_same(ground: Playground) -> None:
    ground.send()
    ground.tables["chains"][1]["key_name"] = "nosuch"
    (said,) = ground.clear("1").said("ERROR")
    assert "could not retrieve signer from src chain beta-1: keyring error: cannot find" in said


def test_the_key_flags_of_a_clear_change_nothing(ground: Playground) -> None:
    ground.send()
    where = ("--chain", "alpha-1", "--port", "transfer", "--channel", ground.near.channel)
    ran = ground.hermes("clear", "packets", *where, "--key-name", "nosuchkey", "--counterparty-key-name", "nosuchkey")
    assert "AcknowledgePacket" in ran.kinds


def test_more_gas_than_allowed_is_an_error_without_splitting(ground: Playground) -> None:
    ground.send()
    ground.tables["chains"][1]["max_gas"] = 100_000
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    estimate, phase = ran.said("ERROR")
    assert estimate == "gas estimation failed or encountered another unrecoverable error"
    assert "from simulated Tx exceeds the maximum configured 100000" in phase
    assert ground.committed() == [1]


def test_a_price_below_the_nodes_minimum_is_given_up_after_five_tries(ground: Playground) -> None:
    ground.send()
    ground.tables["chains"][1]["gas_price"]["price"] = 0.0001
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    assert ran.said("ERROR") == ["failed to broadcast tx with unrecoverable error"] * 5 + [
        "5/5 retries exhausted, giving up"
    ]


def test_fees_and_memo_are_what_the_config_says(ground: Playground) -> None:
    ground.send()
    ground.tables["chains"][1] |= {"memo_overwrite": "rc-tag", "gas_multiplier": 1.5}
    ground.clear("1")
    beta = ground.world.chains["beta-1"]
    ((block, place),) = [(block, place) for block in beta.blocks for place, _ in enumerate(block.txs)]
    tx = decode(block.txs[place])
    limit = tx.auth.fee.gas_limit
    assert tx.body.memo == "rc-tag"
    # The simulated transaction differs a little in length from the one that is sent.
    assert abs(limit / block.results[place].gas_used - 1.5) < 0.01
    assert int(tx.auth.fee.amount[0].amount) == -(-limit * 2 // 1000)


def test_messages_are_split_and_sent_before_the_first_part_stands_in_a_block(ground: Playground) -> None:
    for _ in range(4):
        ground.send()
    ground.tables["chains"][1]["max_msg_num"] = 2
    ran = ground.step("packet-recv")
    assert ran.kinds == ["UpdateClient", *["WriteAcknowledgement"] * 4]
    assert ran.said("WARN") == []
    beta = ground.world.chains["beta-1"]
    assert [len(block.txs) for block in beta.blocks if block.txs] == [3]


def test_a_simulation_that_fails_for_a_later_sequence_falls_back_on_the_default_gas(ground: Playground) -> None:
    ground.send()
    ground.tables["chains"][1]["default_gas"] = 500_000
    session, out = ground.session()
    chain = session.chain("beta-1")
    chain.account = chain.look_up_account()
    chain.account.sequence += 1
    path = link(session, session.chain("alpha-1"), chain, "transfer", ground.near.channel)
    assert [event.name for event in receive(path)] == ["UpdateClient", "WriteAcknowledgement"]
    assert "falling back on default gas because the error is potentially recoverable" in out.getvalue()
    assert "failed to broadcast tx because of a mismatched account sequence number" in out.getvalue()


def test_a_pruned_node_is_a_warning_and_success(ground: Playground) -> None:
    ground.send()
    hashes = [*ground.world.chains["alpha-1"].places]
    ground.node_faults["alpha-1"].hidden_txs = hashes
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    (said,) = ran.said("WARN")
    assert said.startswith("no packet data was pulled at height <=1-")
    assert "for sequences 1..=1, this might be due to the data not being available" in said


def test_a_node_without_index_is_a_warning_and_success(ground: Playground) -> None:
    ground.send()
    ground.node_faults["alpha-1"].tx_index = False
    ran = ground.clear("1")
    assert (ran.code, ran.result) == (0, [])
    (said,) = ran.said("WARN")
    assert said.startswith("encountered query failure while pulling packet data: RPC error to endpoint http://alpha-1/")


def test_an_expired_client_is_said_in_the_log_only(ground: Playground) -> None:
    link = ground.world.link("alpha-1", "beta-1", trusting_seconds=(1000, 30))
    near, _ = ground.world.open_channel(link)
    ground.send(end=near)
    ground.world.step(60)
    ran = ground.clear("1", near)
    assert (ran.code, ran.result) == (0, [])
    invalid, phase = ran.said("ERROR")
    assert invalid == "client state is not valid: latest height is outside of trusting period!"
    assert "failed during a client operation: client 07-tendermint-1 on chain id beta-1 is expired" in phase


def test_a_frozen_client_is_named_so(ground: Playground) -> None:
    ground.send()
    client = ground.world.client_of(ground.far)
    ground.world.chains["beta-1"].edit(lambda ctx: clients.freeze(ctx, client))
    (phase,) = ground.clear("1").said("ERROR")
    assert f"client {client} on chain id beta-1 is frozen: client state reports that client is frozen" in phase


def test_a_closed_channel_gives_the_coins_back(ground: Playground) -> None:
    ground.send()
    ground.world.edit_channel(ground.far, lambda end: setattr(end, "state", channels.CLOSED))
    assert ground.clear("1").kinds == ["UpdateClient", "TimeoutPacket"]


def test_an_ordered_channel_times_out_one_packet_and_closes(ground: Playground) -> None:
    near, _ = ground.ordered_channel()
    for _ in range(2):
        ground.send(seconds=3, end=near)
    ground.world.step(10)
    assert ground.clear(end=near).kinds == ["UpdateClient", "TimeoutPacket"]
    assert ground.committed(near) == [2]


def test_a_rival_that_was_first_leaves_nothing_to_do_and_no_error(ground: Playground) -> None:
    key = ground.send()
    rival = Key.of_name("alice").address("cosmos")
    beta = ground.world.chains["beta-1"]
    original = beta.broadcast

    def first(raw: bytes) -> object:
        relaying.deliver(ground.world, key, rival)
        beta.broadcast = original  # type: ignore[method-assign]
        return original(raw)

    beta.broadcast = first  # type: ignore[assignment, method-assign]
    ran = ground.step("packet-recv", "1")
    assert (ran.code, ran.result) == (0, [])
    assert ran.said("ERROR") == []
    said = "broadcast tx was not completed, all packets in tx have been relayed already, no fees were consumed"
    assert said in ran.said("INFO")
    assert "exhausted all events from this operational data" in ran.said("INFO")


def test_a_sequence_that_another_process_used_up_is_fetched_anew_and_tried_once(ground: Playground) -> None:
    ground.send()
    ground.send()
    session, _ = ground.session()
    chain = session.chain("beta-1")
    chain.account = chain.look_up_account()
    ground.step("packet-recv", "1")
    assert chain.account is not None
    path = link(session, session.chain("alpha-1"), chain, "transfer", ground.near.channel)
    assert [event.name for event in receive(path)] == ["UpdateClient", "WriteAcknowledgement"]
    assert chain.account.sequence == 1, "the retry forgets to count on"


def test_no_block_in_two_minutes_is_an_error(ground: Playground) -> None:
    ground.send()
    ground.world.chains["beta-1"].dropping = 1
    ran = ground.step("packet-recv", "1")
    assert ran.code == 1
    assert "failed tx: no confirmation" in ran.result


@pytest.mark.parametrize(("step", "left"), [("recv", [1]), ("ack", [])])
def test_it_dies_right_after_the_step_it_was_told(ground: Playground, step: str, left: list[int]) -> None:
    ground.send()
    ground.faults.die_after = step
    with pytest.raises(Killed):
        ground.clear("1")
    ground.world.tick()
    assert ground.committed() == left


def test_it_does_nothing_when_it_was_told_so(ground: Playground) -> None:
    ground.send()
    ground.faults.do_nothing = True
    assert (ground.clear("1").result, ground.committed()) == ([], [1])


def test_chains_of_the_ethereum_kind_are_signed_for(tmp_path: Path) -> None:
    eth = replace(
        BETA, prefix="evmos", key_kind=KeyKind.ETH_SECP256K1, pub_key_type="/ethermint.crypto.v1.ethsecp256k1.PubKey"
    )
    ground = Playground(tmp_path, (ALPHA, eth))
    kind = {"derivation": "ethermint", "proto_type": {"pk_type": eth.pub_key_type}}
    ground.tables["chains"][1]["address_type"] = kind
    ground.add_key(eth, "daemon")
    ground.send()
    assert ground.clear("1").kinds == ["UpdateClient", "WriteAcknowledgement", "UpdateClient", "AcknowledgePacket"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("nowhere-1", "channel-0"),
            "failed to spawn chain runtime: missing chain config for 'nowhere-1'",
        ),
        (
            ("alpha-1", "channel-99"),
            "supervisor error: channel transfer/channel-99 on chain alpha-1 is",
        ),
    ],
)
def test_what_fails_before_the_link_stands_is_an_error(ground: Playground, words: tuple[str, str], said: str) -> None:
    ran = ground.hermes("clear", "packets", "--chain", words[0], "--port", "transfer", "--channel", words[1])
    assert (ran.code, ran.status) == (1, "error")
    assert ran.result.startswith(said)


def test_a_node_that_is_down_is_an_error(ground: Playground) -> None:
    ground.down.add("beta-1")
    ran = ground.clear("1")
    assert ran.code == 1
    assert ran.result.startswith("failed to spawn chain runtime: relayer error: RPC error to end")
    (said,) = ran.said("WARN")
    assert said.startswith("Failed to fetch version specs for chain 'beta-1'")


def test_errors_have_a_line_for_each_cause_where_backtraces_are_wanted(
    ground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUST_BACKTRACE", "1")
    ground.down.add("beta-1")
    said = str(ground.clear("1").result)
    assert said.startswith("failed to spawn chain runtime\n\nCaused by:\n   0: relayer error\n   1: RPC error to end")
    assert "\n\nLocation:\n" in said
