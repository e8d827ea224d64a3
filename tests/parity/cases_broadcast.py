"""Transactions that a node or a block refuses: codes and texts."""

from __future__ import annotations

import re
from typing import Any

from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from google.protobuf import any_pb2

from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.transactions import Terms, encode, hash_of
from tests.localnet.channels import Channel
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.side import MONTH, SPECS, Purse, Side

_TOO_MUCH = 10**15


def _refused(side: Side, chain: str = ALPHA, messages: Any = None, **terms: Any) -> Any:
    """What a node says to a signed payment with something wrong in it."""
    purse = side.purse()
    chosen = [_payment(purse)] if messages is None else messages(purse)
    return side.broadcast(chain, side.sign(chain, purse, chosen, **{"gas": 200_000, **terms}))


def _payment(purse: Purse, amount: int = 700) -> Any:
    return wires.send(purse.address, wires.STRANGER, wires.coin(amount))


def once_sent(side: Side) -> tuple[bytes, Any]:
    """A payment's bytes and the node's answer to its broadcast."""
    purse = side.purse()
    raw = side.sign(ALPHA, purse, [_payment(purse)], gas=200_000)
    return raw, side.broadcast(ALPHA, raw)


@case
def broadcast_that_is_taken(side: Side) -> Any:
    return side.scene(once_sent)[1]


@case
def broadcast_that_is_in_the_cache_already(side: Side) -> Any:
    return side.broadcast(ALPHA, side.scene(once_sent)[0])


@case
def broadcast_of_a_transaction_in_a_block(side: Side) -> Any:
    raw, _ = side.scene(once_sent)
    side.found(ALPHA, hash_of(raw))
    return side.broadcast(ALPHA, raw)


@case
def broadcast_of_rubbish(side: Side) -> Any:
    return side.broadcast(ALPHA, b"rubbish")


@case
def broadcast_of_nothing(side: Side) -> Any:
    return side.broadcast(ALPHA, b"")


@case
def broadcast_that_is_too_large(side: Side) -> Any:
    # The body's limit comes before the mempool's: base64 of this is larger.
    return side.broadcast(ALPHA, bytes(1_100_000))


@case
def broadcast_that_is_no_base64(side: Side) -> Any:
    return side.call(ALPHA, "broadcast_tx_sync", tx="not base64!")


@case
def sequence_too_low(side: Side) -> Any:
    purse = side.purse()
    side.commit(ALPHA, purse, _payment(purse))
    return side.broadcast(ALPHA, side.sign(ALPHA, purse, [_payment(purse)], sequence=0))


@case
def sequence_too_high(side: Side) -> Any:
    return _refused(side, sequence=7)


@case
def sequence_too_high_on_a_newer_chain(side: Side) -> Any:
    return _refused(side, BETA, sequence=7)


@case
def second_transaction_before_the_first_is_in_a_block(side: Side) -> Any:
    purse = side.purse()
    replies = [side.broadcast(ALPHA, side.sign(ALPHA, purse, [_payment(purse)], sequence=number)) for number in (0, 1)]
    return [reply["body"]["result"] for reply in replies]


@case
def signature_for_another_chain(side: Side) -> Any:
    purse = side.purse()
    number, sequence = side.numbers(ALPHA, purse.address)
    raw = encode(SPECS[BETA], [_payment(purse)], Terms(sequence, number, fee_denom="stake"), key=purse.key)
    return side.broadcast(ALPHA, raw)


@case
def signature_with_a_wrong_account_number(side: Side) -> Any:
    return _refused(side, account_number=999_999)


@case
def signature_of_another_key(side: Side) -> Any:
    purse, thief = side.purse(), side.purse()
    number, sequence = side.numbers(ALPHA, purse.address)
    return side.broadcast(ALPHA, encode(SPECS[ALPHA], [_payment(purse)], Terms(sequence, number), key=thief.key))


@case
def no_signature(side: Side) -> Any:
    purse = side.purse()
    whole = tx_pb2.TxRaw.FromString(side.sign(ALPHA, purse, [_payment(purse)]))
    del whole.signatures[:]
    return side.broadcast(ALPHA, whole.SerializeToString())


@case
def account_nobody_has(side: Side) -> Any:
    poor = Key.of_name("parity without an account")
    raw = encode(SPECS[ALPHA], [_payment(Purse(poor))], Terms(0), key=poor)
    return side.broadcast(ALPHA, raw)


@case
def no_messages(side: Side) -> Any:
    return _refused(side, messages=lambda _: [], memo="nothing else")


@case
def message_of_a_type_nobody_knows(side: Side) -> Any:
    return _refused(side, messages=lambda _: [any_pb2.Any(type_url="/cosmos.nothing.v1.MsgNothing", value=b"")])


@case
def fee_too_small(side: Side) -> Any:
    return _refused(side, fee=1)


@case
def fee_too_small_on_a_newer_chain(side: Side) -> Any:
    return _refused(side, BETA, fee=1)


@case
def fee_in_another_coin(side: Side) -> Any:
    return _refused(side, fee=5000, fee_denom="token")


@case
def no_fee(side: Side) -> Any:
    return _refused(side, fee=0)


@case
def fee_nobody_can_pay(side: Side) -> Any:
    return _refused(side, fee=_TOO_MUCH)


@case
def fee_from_a_granter_who_never_granted(side: Side) -> Any:
    reply = _refused(side, granter=side.purse().address)
    # The SDK prints addresses as raw bytes here.
    result = reply["body"]["result"]
    result["log"] = re.sub(
        r"(?s)^.*( does not allow to pay fees for ).*?(: fee-grant)", r"<raw>\1<raw>\2", result["log"]
    )
    return reply


@case
def gas_too_small_for_the_bytes(side: Side) -> Any:
    return _refused(side, gas=1000)


@case
def no_gas(side: Side) -> Any:
    return _refused(side, gas=0, fee=400)


@case
def memo_too_long(side: Side) -> Any:
    return _refused(side, memo="m" * 257)


@case
def timeout_height_passed(side: Side) -> Any:
    return _refused(side, timeout_height=3)


@case
def timeout_height_passed_on_a_newer_chain(side: Side) -> Any:
    return _refused(side, BETA, timeout_height=3)


@case
def timeout_height_ahead(side: Side) -> Any:
    return _refused(side, timeout_height=1_000_000)


# What a node takes and a block refuses


def _failed(side: Side, chain: str, messages: Any, **terms: Any) -> Any:
    purse = side.purse()
    return side.commit(chain, purse, *messages(purse), **terms)["tx_result"]


@case
def payment_of_more_than_is_there(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [_payment(purse, _TOO_MUCH)])


@case
def payment_of_more_than_is_there_on_a_newer_chain(side: Side) -> Any:
    return _failed(side, BETA, lambda purse: [_payment(purse, _TOO_MUCH)])


@case
def payment_of_a_coin_nobody_has(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [wires.send(purse.address, wires.STRANGER, wires.coin(1, "nothing"))])


@case
def payment_of_nothing(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [_payment(purse, 0)])


@case
def payment_without_coins(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [wires.send(purse.address, wires.STRANGER)])


@case
def payment_to_no_address(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [wires.send(purse.address, "nobody", wires.coin(1))])


@case
def payment_to_an_address_with_a_slip(side: Side) -> Any:
    slip = wires.STRANGER[:-1] + ("q" if wires.STRANGER[-1] != "q" else "p")
    return _failed(side, ALPHA, lambda purse: [wires.send(purse.address, slip, wires.coin(1))])


@case
def payment_to_an_address_of_another_chain(side: Side) -> Any:
    foreign = Key.of_name("parity stranger").address("osmo")
    return _failed(side, ALPHA, lambda purse: [wires.send(purse.address, foreign, wires.coin(1))])


@case
def second_message_fails_and_the_first_is_undone(side: Side) -> Any:
    return _failed(side, ALPHA, lambda purse: [_payment(purse), _payment(purse, _TOO_MUCH)])


@case
def out_of_gas_in_a_block(side: Side) -> Any:
    return _out_of_gas(side, ALPHA)


@case
def out_of_gas_in_a_block_of_a_newer_chain(side: Side) -> Any:
    return _out_of_gas(side, BETA)


@case
def multi_send_that_does_not_add_up(side: Side) -> Any:
    return _failed(
        side, ALPHA, lambda purse: [wires.multi_send(purse.address, {wires.STRANGER: wires.coin(5)}, over=1)]
    )


@case
def execution_nobody_allowed(side: Side) -> Any:
    granter = side.purse()
    return _failed(side, ALPHA, lambda purse: [wires.execute(purse.address, _payment(granter))])


# Transfers that are never sent


def closed_world(side: Side) -> Channel:
    """A channel for what never becomes a packet."""
    return side.fresh_channel()


def _unsent(side: Side, chain: str = ALPHA, receiver: str = wires.STRANGER, **transfer: Any) -> Any:
    end = side.scene(closed_world).end(chain)
    return _failed(side, chain, lambda purse: [wires.transfer(purse.address, end, receiver, **transfer)])


def _unsent_broadcast(side: Side, chain: str, receiver: str, **transfer: Any) -> Any:
    end = side.scene(closed_world).end(chain)
    return _refused(side, chain, lambda purse: [wires.transfer(purse.address, end, receiver, **transfer)])


@case
def transfer_over_a_channel_nobody_opened(side: Side) -> Any:
    end = side.scene(closed_world).alpha
    nowhere = type(end)(end.chain, end.port, "channel-999", end.connection, end.client)
    return _failed(side, ALPHA, lambda purse: [wires.transfer(purse.address, nowhere, wires.STRANGER)])


@case
def transfer_over_a_channel_nobody_opened_on_a_newer_chain(side: Side) -> Any:
    end = side.scene(closed_world).beta
    nowhere = type(end)(end.chain, end.port, "channel-999", end.connection, end.client)
    return _failed(side, BETA, lambda purse: [wires.transfer(purse.address, nowhere, wires.STRANGER)])


@case
def transfer_over_an_expired_client(side: Side) -> Any:
    end = side.of_kind("expired").alpha
    return _failed(side, ALPHA, lambda purse: [wires.transfer(purse.address, end, wires.STRANGER)])


@case
def transfer_over_an_expired_client_of_a_newer_chain(side: Side) -> Any:
    end = side.of_kind("expired").beta
    return _failed(side, BETA, lambda purse: [wires.transfer(purse.address, end, wires.STRANGER)])


@case
def transfer_of_more_than_is_there(side: Side) -> Any:
    return _unsent(side, amount=_TOO_MUCH)


@case
def transfer_whose_timeout_is_past(side: Side) -> Any:
    # Past for the client too, which last heard of the other chain when the network's template was made.
    return _unsent(side, timeout_seconds=-MONTH)


@case
def transfer_whose_timeout_is_past_on_a_newer_chain(side: Side) -> Any:
    return _unsent(side, BETA, timeout_seconds=-MONTH)


@case
def transfer_whose_timeout_height_is_past(side: Side) -> Any:
    return _unsent(side, timeout_seconds=0, timeout_height=3)


@case
def transfer_without_a_timeout(side: Side) -> Any:
    return _unsent(side, timeout_seconds=0)


@case
def transfer_of_nothing(side: Side) -> Any:
    return _unsent_broadcast(side, ALPHA, wires.STRANGER, amount=0)


@case
def transfer_of_nothing_on_a_newer_chain(side: Side) -> Any:
    return _unsent_broadcast(side, BETA, wires.STRANGER, amount=0)


@case
def transfer_to_nobody_at_all(side: Side) -> Any:
    return _unsent_broadcast(side, ALPHA, "")


@case
def transfer_with_a_memo_above_the_limit(side: Side) -> Any:
    return _unsent_broadcast(side, ALPHA, wires.STRANGER, memo="m" * 32769)


@case
def transfer_of_an_unknown_voucher(side: Side) -> Any:
    return _unsent(side, denom=f"ibc/{'AB' * 32}")


def _out_of_gas(side: Side, chain: str) -> Any:
    """A payment whose gas is enough for the checks; without the place where it ran out, which follows its amount."""
    purse = side.purse()
    # An account's first transaction costs more.
    side.commit(chain, purse, _payment(purse))
    result = side.commit(chain, purse, _payment(purse), gas=60_000)["tx_result"]
    head, _, tail = result["log"].partition("location: ")
    result["log"] = f"{head}location: <location>{tail[tail.index(';') :]}"
    return result
