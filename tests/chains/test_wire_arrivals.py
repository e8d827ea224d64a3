"""Whose memo and whose coins: transactions of chains that no simulation has, and those that somebody made up."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz_tx
from cosmpy.protos.cosmos.bank.v1beta1 import bank_pb2
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from google.protobuf import any_pb2
from hypothesis import given
from hypothesis import strategies as st

from relayclear.chains.index import FoundTx
from relayclear.chains.wire_arrivals import arrivals, block_movements, movements
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.rehearsal.keys import encode_address, escrow_address, module_address

AT = datetime(2026, 1, 2, tzinfo=UTC)


def account(name: str, size: int = 20) -> str:
    return encode_address("cosmos", sha256(name.encode()).digest()[:size])


PAYEE, ALICE, BOB, CAROL = (account(name) for name in ("payee", "alice", "bob", "carol"))
CONTRACT = account("contract", 32)
MEMO = "rc1memo"
SEND, MULTI_SEND, EXEC = (
    "/cosmos.bank.v1beta1.MsgSend",
    "/cosmos.bank.v1beta1.MsgMultiSend",
    "/cosmos.authz.v1beta1.MsgExec",
)
WASM, RECEIVE = "/cosmwasm.wasm.v1.MsgExecuteContract", "/ibc.core.channel.v1.MsgRecvPacket"


def event(kind: str, mark: Mapping[str, str] | None = None, /, **attributes: str) -> dict[str, Any]:
    """An event as JSON-RPC shows it, marked with its message."""
    rows = {**attributes, **(mark or {})}
    return {"type": kind, "attributes": [{"key": key, "value": value, "index": True} for key, value in rows.items()]}


def message(index: int, inner: int | None = None) -> dict[str, str]:
    """The marks of SDK 0.50."""
    return {**({} if inner is None else {"authz_msg_index": str(inner)}), "msg_index": str(index)}


def came(mark: Mapping[str, str] | None, sender: str | None = ALICE, amount: str = "5stake") -> list[dict[str, Any]]:
    """The events of coins that come to the payee."""
    row = {} if sender is None else {"sender": sender}
    return [
        event("coin_spent", mark, spender=sender or BOB, amount=amount),
        event("coin_received", mark, receiver=PAYEE, amount=amount),
        event("transfer", mark, recipient=PAYEE, **row, amount=amount),
        event("message", mark, **row),
    ]


def signed(*names: str) -> list[dict[str, Any]]:
    """The events of signatures."""
    return [event("tx", acc_seq=f"{name}/3") for name in names]


def pack(url: str, made: Any = b"") -> Any:
    return any_pb2.Any(type_url=url, value=made if isinstance(made, bytes) else made.SerializeToString())


def coins(text: str) -> list[Any]:
    return [coin_pb2.Coin(denom=coin.denom, amount=str(coin.amount)) for coin in Coin.parse_many(text)]


def send(sender: str = ALICE, to: str = PAYEE, amount: str = "5stake") -> Any:
    return pack(SEND, bank_tx.MsgSend(from_address=sender, to_address=to, amount=coins(amount)))


def multi_send(inputs: Sequence[str], to: str = PAYEE, amount: str = "5stake") -> Any:
    made = bank_tx.MsgMultiSend(outputs=[bank_pb2.Output(address=to, coins=coins(amount))])
    made.inputs.extend(bank_pb2.Input(address=one, coins=coins(amount)) for one in inputs)
    return pack(MULTI_SEND, made)


def execute(*inside: Any) -> Any:
    return pack(EXEC, authz_tx.MsgExec(grantee=BOB, msgs=inside))


def tx(messages: Sequence[Any], events: Sequence[Any], *, memo: str = MEMO, raw: str | None = None) -> FoundTx:
    body = tx_pb2.TxBody(messages=messages, memo=memo).SerializeToString()
    made = base64.b64encode(tx_pb2.TxRaw(body_bytes=body).SerializeToString()).decode()
    return FoundTx("AB" * 32, 7, 0, 0, [*events], made if raw is None else raw)


def read(messages: Sequence[Any], events: Sequence[Any], **more: Any) -> list[Arrival]:
    return arrivals("alpha-1", tx(messages, events, **more), AT, PAYEE)


def one(messages: Sequence[Any], events: Sequence[Any], **more: Any) -> Arrival:
    [found] = read(messages, events, **more)
    return found


# Who paid, by the message and by the event


def test_a_sender_in_capitals_is_another_account() -> None:
    found = one([send(ALICE.upper(), PAYEE.upper())], came(message(0)))
    assert (found.kind, found.sender, found.memo, found.signed) == (ArrivalKind.SEND, ALICE, MEMO, True)
    events = came(message(0), ALICE.upper())
    events[2] = event("transfer", message(0), recipient=PAYEE.upper(), sender=ALICE.upper(), amount="5stake")
    found = one([multi_send([ALICE.upper()], PAYEE.upper())], events)
    assert (found.kind, found.sender, found.signed) == (ArrivalKind.MULTI_SEND, ALICE, True)


def test_a_tax_kept_by_the_chain_makes_a_payment_none() -> None:
    found = one([send(amount="7stake")], came(message(0)))
    assert (found.kind, found.coin, found.memo) == (ArrivalKind.SEND, Coin("stake", 5), MEMO)


@pytest.mark.parametrize(
    "odd",
    [send(amount="4stake"), send(amount="5other"), send(BOB), send(to=BOB), multi_send([BOB]), pack(SEND, b"\xff")],
)
def test_events_that_contradict_the_message_are_believed_without_a_look(odd: Any) -> None:
    found = one([odd], came(message(0)))
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (ArrivalKind.OTHER, ALICE, "", MEMO)
    assert not found.signed


def test_of_many_payers_one_gets_it_all_back() -> None:
    found = one([multi_send([ALICE, BOB])], came(message(0), None))
    assert (found.kind, found.sender, found.senders, found.signed) == (ArrivalKind.MULTI_SEND, None, 2, False)
    assert found.memo == MEMO


def test_the_payee_among_the_payers_is_nobody() -> None:
    assert read([multi_send([PAYEE])], came(message(0), None)) == []


def test_a_sender_without_a_key_is_refunded_by_itself() -> None:
    found = one([send(CONTRACT)], came(message(0), CONTRACT))
    assert (found.kind, found.sender, found.signed) == (ArrivalKind.SEND, CONTRACT, False)
    assert not one([send("cosmos1rubbish")], came(message(0), "cosmos1rubbish")).signed


def test_a_contract_that_pays_is_taken_for_an_account() -> None:
    found = one([pack(WASM)], [*signed(ALICE), *came(message(0), CONTRACT)])
    assert (found.kind, found.sender, found.memo, found.signed) == (ArrivalKind.CONTRACT, CONTRACT, MEMO, False)
    # Even where it moves the caller's own coins: who granted it what, nobody knows.
    assert not one([pack(WASM)], [*signed(ALICE), *came(message(0))]).signed


def test_an_execution_of_a_contract_is_one_of_a_contract() -> None:
    found = one([execute(pack(WASM), send())], came(message(0, 0), CONTRACT))
    assert (found.kind, found.sender, found.memo) == (ArrivalKind.CONTRACT, CONTRACT, MEMO)


def test_an_execution_in_an_execution_hides_who_granted_it() -> None:
    inner = execute(send(CAROL, BOB), execute(send()))
    events = came({"authz_msg_index": "0", "msg_index": "0"})
    found = one([inner], events)
    assert (found.kind, found.sender, found.memo, found.signed) == (ArrivalKind.OTHER, ALICE, "", False)
    found = one([execute(execute(execute(send())))], events)
    assert (found.kind, found.sender, found.signed) == (ArrivalKind.EXEC, ALICE, True)


@pytest.mark.parametrize(
    "inside", [execute(execute(execute(execute(send())))), execute(pack(EXEC, b"\xff")), pack(EXEC, b"\xff")]
)
def test_an_execution_that_is_too_deep_or_broken_stops_the_reading(inside: Any) -> None:
    found = one([inside], came(message(0)))
    assert (found.kind, found.memo, found.outer_memo) == (ArrivalKind.OTHER, "", MEMO)


def test_a_message_nobody_knows_gives_its_signers_coins_and_memo() -> None:
    found = one([pack("/thorchain.types.MsgSend")], [*signed(CAROL, ALICE), *came(message(0))])
    assert (found.kind, found.sender, found.memo, found.signed) == (ArrivalKind.OTHER, ALICE, MEMO, True)


def test_a_bridges_relayer_claims_strangers_coins_with_a_memo() -> None:
    bridge = account("bridge module")
    found = one([pack("/circle.cctp.v1.MsgReceiveMessage")], [*signed(BOB), *came(message(0), bridge)])
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (ArrivalKind.OTHER, bridge, "", MEMO)
    assert not found.signed


def test_coins_made_from_nothing_have_no_sender() -> None:
    events = [event("coin_received", message(0), receiver=PAYEE, amount="5stake"), event("coinbase", message(0))]
    assert one([pack("/x.Mint")], [*signed(ALICE), *events]).sender is None


def test_the_sender_beside_another_amount_is_taken() -> None:
    first = event("coin_received", message(0), receiver=PAYEE, amount="5stake")
    found = read([pack("/x.Y")], [first, *came(message(0), amount="6stake")])
    assert [(item.ordinal, item.sender) for item in found] == [(0, None), (1, ALICE)]
    [alone] = read([pack("/x.Y")], [first, event("transfer", message(0), recipient=PAYEE, sender=BOB, amount="6stake")])
    assert alone.sender is None


# What can't be decoded


@pytest.mark.parametrize("raw", ["", "!!!", base64.b64encode(b"\xff\xff\xff").decode()])
def test_a_transaction_that_can_not_be_decoded_loses_its_coins(raw: str) -> None:
    found = one([], [*signed(ALICE), *came(message(0))], raw=raw)
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (ArrivalKind.OTHER, ALICE, "", "")
    old = one([], [event("message", action=SEND), *came(None)], raw=raw)
    assert (old.kind, old.sender, old.memo) == (ArrivalKind.OTHER, ALICE, "")


@pytest.mark.parametrize("mark", [{"msg_index": "7"}, {"msg_index": "x"}, {"msg_index": "-1"}, {"msg_index": ""}])
def test_a_mark_of_no_message_stops_the_reading(mark: dict[str, str]) -> None:
    found = one([send()], came(mark))
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (ArrivalKind.OTHER, ALICE, "", MEMO)


@pytest.mark.parametrize(
    "events",
    [
        None,
        "events",
        [None, 3, {}, {"type": "coin_received"}, {"type": "coin_received", "attributes": [{}]}],
        [event("coin_received", message(0), receiver=PAYEE)],
        [event("coin_received", message(0), receiver=PAYEE, amount="lots, of, it")],
        [event("coin_received", message(0), receiver=PAYEE, amount="0stake")],
        [event("coin_received", message(0), receiver=BOB, amount="5stake")],
        [event("coin_received", message(0), amount="5stake")],
    ],
)
def test_events_without_sense_bring_coins(events: Any) -> None:
    found = replace_events(tx([send()], []), events)
    assert arrivals("alpha-1", found, AT, PAYEE) == []
    assert movements("alpha-1", found, PAYEE) == []


def replace_events(found: FoundTx, events: Any) -> FoundTx:
    return found._replace(events=events)


@given(st.binary(max_size=200), st.text(max_size=50))
def test_bytes_and_marks_of_any_kind_stop_the_reading(raw: bytes, mark: str) -> None:
    found = one([], came({"msg_index": mark}), raw=base64.b64encode(raw).decode())
    assert (found.coin, found.ordinal) == (Coin("stake", 5), 0)


def test_several_denoms_are_arrivals_of_their_own_under_one_ordinal() -> None:
    amount = "5factory/cosmos1abc/x,7ibc/27394FB0,2stake,1stake"
    found = read([send(amount=amount)], came(message(0), amount=amount))
    assert [(item.ordinal, str(item.coin)) for item in found] == [
        (0, "5factory/cosmos1abc/x"),
        (0, "7ibc/27394FB0"),
        (0, "3stake"),
    ]


# Fees


def test_a_fee_that_is_given_back_is_a_payment() -> None:
    found = tx([send()], [*came(None, BOB, "9stake"), *came(message(0))])
    [arrival] = arrivals("alpha-1", found, AT, PAYEE)
    # Its number counts what came before it, payment or not: a number must never depend on what we think of others.
    assert (arrival.ordinal, arrival.coin.amount) == (1, 5)
    assert [(row.fee, row.ordinal, row.coin.amount) for row in movements("alpha-1", found, PAYEE)] == [
        (True, 0, 9),
        (False, 1, 5),
    ]


def test_the_fee_of_a_failed_transaction_is_forgotten() -> None:
    fee = event("coin_spent", spender=PAYEE, amount="9stake")
    found = tx([send()], [fee])._replace(code=5)
    [row] = movements("alpha-1", found, PAYEE)
    assert (row.fee, row.incoming, row.coin, row.ordinal) == (True, False, Coin("stake", 9), 0)
    assert arrivals("alpha-1", replace_events(found, came(message(0))), AT, PAYEE) == []


def test_what_a_block_pays_out_has_no_fee() -> None:
    rows = block_movements("alpha-1", 9, [*came({"mode": "EndBlock"})], PAYEE)
    assert [(row.tx_hash, row.height, row.fee, row.incoming) for row in rows] == [("", 9, False, True)]


# SDK 0.47 and before: no marks


def action(url: str) -> dict[str, Any]:
    return event("message", action=url)


def test_messages_of_old_chains_are_told_apart_by_their_actions() -> None:
    found = read(
        [send(), pack("/x.Y"), multi_send([BOB])],
        [
            event("coin_spent", spender=ALICE, amount="1stake"),
            *signed(ALICE),
            *[action(SEND), *came(None)],
            *[action("/x.Y"), action("something_of_its_own"), *came(None, CAROL, "6stake")],
            *[action(MULTI_SEND), *came(None, None)],
        ],
    )
    assert [(item.ordinal, item.kind, item.sender, item.memo) for item in found] == [
        (0, ArrivalKind.SEND, ALICE, MEMO),
        (1, ArrivalKind.OTHER, CAROL, ""),
        (2, ArrivalKind.MULTI_SEND, BOB, MEMO),
    ]


def test_actions_that_are_not_those_of_the_messages_give_a_memo_to_somebody() -> None:
    found = one([send(), send()], [action(SEND), *came(None)])
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (ArrivalKind.OTHER, ALICE, "", MEMO)
    assert read([send()], came(None)) == []


def test_the_base64_of_old_nodes_hides_payments() -> None:
    def encoded(one: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {key: base64.b64encode(row[key].encode()).decode() for key in ("key", "value")} for row in one["attributes"]
        ]
        return {**one, "attributes": rows}

    found = one([send()], [encoded(row) for row in [action(SEND), *came(None)]])
    assert (found.kind, found.sender, found.memo, found.coin) == (ArrivalKind.SEND, ALICE, MEMO, Coin("stake", 5))


# Packets


def packet(kind: str, mark: Mapping[str, str] | None, number: int = 4) -> dict[str, Any]:
    row = {
        "packet_sequence": str(number),
        "packet_src_port": "transfer",
        "packet_src_channel": "channel-1",
        "packet_dst_port": "transfer",
        "packet_dst_channel": "channel-2",
    }
    return event(kind, mark, **row)


def moved(mark: Mapping[str, str] | None, memo: str = "packet memo", **changed: str) -> dict[str, Any]:
    row = {"sender": "osmo1sender", "receiver": PAYEE, "amount": "5", "denom": "uosmo", "memo": memo, "success": "true"}
    return event("fungible_token_packet", mark, **{**row, **changed})


ESCROW = escrow_address("transfer", "channel-1", "cosmos")
KEY, HERE = PacketKey("", "transfer", "channel-1", 4), ChannelEnd("alpha-1", "transfer", "channel-2")


def test_a_packet_is_paid_with_its_own_memo() -> None:
    mark = message(1)
    found = one([pack("/x"), pack(RECEIVE)], [packet("recv_packet", mark), *came(mark, ESCROW), moved(mark)])
    assert (found.kind, found.sender, found.memo, found.outer_memo) == (
        ArrivalKind.IBC,
        "osmo1sender",
        "packet memo",
        MEMO,
    )
    assert (found.packet, found.channel, found.signed, found.senders) == (KEY, HERE, False, 1)
    assert (
        one([pack(RECEIVE)], [packet("recv_packet", message(0)), *came(message(0)), moved(message(0), "")]).memo == ""
    )


@pytest.mark.parametrize(
    "changed", [{"success": "false"}, {"receiver": BOB}, {"amount": "6"}, {"success": ""}, {"receiver": CONTRACT}]
)
def test_coins_that_a_packet_did_not_send_us_get_its_memo(changed: dict[str, str]) -> None:
    mark = message(0)
    found = one([pack(RECEIVE)], [packet("recv_packet", mark), *came(mark, CONTRACT), moved(mark, **changed)])
    assert (found.kind, found.sender, found.memo, found.packet) == (ArrivalKind.IBC, None, "", KEY)


def test_coins_that_follow_a_packets_transfer_get_its_memo() -> None:
    mark = message(0)
    events = [packet("recv_packet", mark), moved(mark, receiver=CONTRACT), *came(mark, CONTRACT)]
    found = one([pack(RECEIVE)], events)
    assert (found.kind, found.memo, found.packet) == (ArrivalKind.IBC, "", KEY)


def test_packets_of_channel_v2_are_paid_with_the_relayers_memo() -> None:
    mark = message(0)
    recv = event("recv_packet", mark, packet_source_client="07-tendermint-1", packet_sequence="4")
    found = one([pack("/ibc.core.channel.v2.MsgRecvPacket")], [recv, *came(mark, ESCROW), moved(mark)])
    assert (found.kind, found.memo, found.outer_memo, found.packet) == (ArrivalKind.IBC, "packet memo", MEMO, None)
    assert found.channel is None


def test_a_packet_relayed_by_a_contract_is_paid_with_the_callers_memo() -> None:
    mark = message(0)
    events = [packet("recv_packet", mark, 3), packet("recv_packet", mark), *came(mark, ESCROW), moved(mark)]
    found = one([pack(WASM)], [*signed(BOB), *events])
    assert (found.kind, found.memo, found.packet) == (ArrivalKind.IBC, "packet memo", KEY)


def test_coins_before_several_packets_are_given_to_one() -> None:
    mark = message(0)
    events = [*came(mark), packet("recv_packet", mark, 3), packet("recv_packet", mark)]
    found = one([execute(send(), pack(RECEIVE), pack(RECEIVE))], events)
    assert (found.kind, found.sender, found.memo, found.packet) == (ArrivalKind.OTHER, ALICE, "", None)


def test_old_chains_packets_of_one_transaction_are_told_apart() -> None:
    events = []
    for number, memo in ((3, "three"), (4, "four")):
        events += [action(RECEIVE), packet("recv_packet", None, number), *came(None, ESCROW), moved(None, memo)]
    found = read([pack(RECEIVE), pack(RECEIVE)], events)
    assert [(item.memo, item.packet and item.packet.sequence) for item in found] == [("three", 3), ("four", 4)]
    unsure = read([pack(RECEIVE)], events)
    assert [(item.memo, item.packet and item.packet.sequence) for item in unsure] == [("three", 3), ("four", 4)]


@pytest.mark.parametrize("kind", ["acknowledge_packet", "timeout_packet", "timeout_on_close_packet"])
@pytest.mark.parametrize("refunder", [ESCROW, module_address("transfer", "cosmos")])
def test_returning_coins_are_a_payment(kind: str, refunder: str) -> None:
    mark = message(0)
    found = one([pack("/ibc.core.channel.v1.Msg")], [*came(mark, refunder), packet(kind, mark)])
    key = PacketKey("alpha-1", "transfer", "channel-1", 4)
    assert (found.kind, found.packet, found.channel) == (ArrivalKind.RETURNED, key, key.end)
    assert (found.sender, found.memo, found.outer_memo, found.signed) == (None, "", MEMO, False)


def test_a_relayers_fee_is_taken_for_returning_coins() -> None:
    mark, fees = message(0), module_address("feeibc", "cosmos")
    found = one(
        [pack("/ibc.core.channel.v1.MsgAcknowledgement")], [packet("acknowledge_packet", mark), *came(mark, fees)]
    )
    assert (found.kind, found.sender, found.memo, found.packet) == (ArrivalKind.OTHER, fees, "", None)


def test_a_packet_message_without_a_packet_event_gives_its_signers_memo() -> None:
    found = one([pack(RECEIVE)], [*signed(ALICE), *came(message(0))])
    assert (found.kind, found.sender, found.memo, found.signed) == (ArrivalKind.OTHER, ALICE, "", False)


@pytest.mark.parametrize("number", ["", "x", "-1"])
def test_a_packet_without_a_number_stops_the_reading(number: str) -> None:
    mark = message(0)
    recv = packet("recv_packet", mark)
    recv["attributes"][0]["value"] = number
    assert one([pack(RECEIVE)], [recv, *came(mark, ESCROW), moved(mark)]).packet is None


def test_a_hostile_memo_is_changed() -> None:
    hostile = "\x1b[2J\u202e rc1"
    assert one([send()], came(message(0)), memo=hostile).memo == hostile
    assert replace(one([send()], came(message(0))), memo="") == replace(
        one([send()], came(message(0)), memo="x"), memo=""
    )
