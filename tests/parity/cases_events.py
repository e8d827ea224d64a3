"""What the chains of both generations emit when all goes well."""

from __future__ import annotations

from typing import Any

from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import attributes
from tests.parity import envelopes, wires
from tests.parity.normal import hide_fees
from tests.parity.registry import case
from tests.parity.scenes import failing, relayed
from tests.parity.side import Side

_SEND = "/cosmos.bank.v1beta1.MsgSend"


def _done(side: Side, chain: str, *messages: Any, **terms: Any) -> Any:
    purse = side.purse()
    return side.commit(chain, purse, *[message(purse.address) for message in messages], **terms)["tx_result"]


def _pay(amount: int) -> Any:
    return lambda sender: wires.send(sender, wires.STRANGER, wires.coin(amount))


@case
def payment_events(side: Side) -> Any:
    return _done(side, ALPHA, _pay(700))


@case
def payment_events_of_a_newer_chain(side: Side) -> Any:
    return _done(side, BETA, _pay(700))


@case
def payment_of_two_coins(side: Side) -> Any:
    coins = (wires.coin(500, "stake"), wires.coin(700))
    return _done(side, ALPHA, lambda sender: wires.send(sender, wires.STRANGER, *coins))


@case
def payment_with_a_memo(side: Side) -> Any:
    return _done(side, BETA, _pay(700), memo="rc1parity")


@case
def two_payments_in_one_transaction(side: Side) -> Any:
    return _done(side, ALPHA, _pay(700), _pay(701))


@case
def payment_to_oneself(side: Side) -> Any:
    return _done(side, ALPHA, lambda sender: wires.send(sender, sender, wires.coin(5)))


@case
def payment_to_a_new_account(side: Side) -> Any:
    fresh = wires.fresh_address(side.name)
    return _done(side, ALPHA, lambda sender: wires.send(sender, fresh, wires.coin(5)))


@case
def second_payment_of_an_account(side: Side) -> Any:
    purse = side.purse()
    for _ in range(2):
        done = side.commit(ALPHA, purse, wires.send(purse.address, wires.STRANGER, wires.coin(1)))
    return done["tx_result"]


def _to_two(sender: str) -> Any:
    return wires.multi_send(sender, {wires.STRANGER: wires.coin(5), wires.SECOND: wires.coin(7)})


@case
def payment_to_several_events(side: Side) -> Any:
    return _done(side, ALPHA, _to_two)


@case
def payment_to_several_events_of_a_newer_chain(side: Side) -> Any:
    return _done(side, BETA, _to_two)


def _executed(side: Side, chain: str) -> dict[str, Any]:
    granter, grantee = side.purse(), side.purse()
    granted = side.commit(chain, granter, wires.grant(granter.address, grantee.address, _SEND))
    paid = wires.send(granter.address, wires.STRANGER, wires.coin(9))
    used = side.commit(chain, grantee, wires.execute(grantee.address, paid, paid))
    return {"granted": granted["tx_result"], "used": used["tx_result"]}


@case
def authz_events(side: Side) -> Any:
    return _executed(side, ALPHA)


@case
def authz_events_of_a_newer_chain(side: Side) -> Any:
    return _executed(side, BETA)


@case
def fees_paid_by_a_granter(side: Side) -> Any:
    granter, grantee = side.purse(), side.purse()
    granted = side.commit(ALPHA, granter, wires.allow_fees(granter.address, grantee.address))
    paid = wires.send(grantee.address, wires.STRANGER, wires.coin(9))
    used = side.commit(ALPHA, grantee, paid, granter=granter.address)
    return {"granted": granted["tx_result"], "used": used["tx_result"]}


# Packets


@case
def transfer_events(side: Side) -> Any:
    return side.scene(relayed).sent["tx_result"]


@case
def transfer_events_of_a_newer_chain(side: Side) -> Any:
    return side.scene(relayed).back["tx_result"]


def _relay_tx(side: Side, chain: str, event: str, sequence: int, channel: str) -> Any:
    """The transaction on a chain that has an event of a packet of this channel; `channel` is the sender's own id."""
    query = f"{event}.packet_sequence='{sequence}' AND {event}.packet_src_channel='{channel}'"
    found = side.ask(chain).call("tx_search", query=query, prove=False, page="1", per_page="30", order_by="asc")
    (tx,) = [one for one in found["txs"] if channel in attributes(one["tx_result"], event, "packet_src_channel")]
    return tx


def _relay_events(side: Side, chain: str, event: str, sequence: int, channel: str) -> Any:
    tx = _relay_tx(side, chain, event, sequence, channel)
    assert envelopes.from_base64(tx["tx"])
    del tx["tx_result"]["gas_wanted"]
    return hide_fees(tx["tx_result"])


@case
def receiving_events(side: Side) -> Any:
    relay = side.scene(relayed)
    return _relay_events(side, ALPHA, "recv_packet", 1, relay.channel.beta.channel)


@case
def receiving_events_of_a_newer_chain(side: Side) -> Any:
    relay = side.scene(relayed)
    return _relay_events(side, BETA, "recv_packet", 1, relay.channel.alpha.channel)


@case
def acknowledging_events(side: Side) -> Any:
    relay = side.scene(relayed)
    return _relay_events(side, ALPHA, "acknowledge_packet", 1, relay.channel.alpha.channel)


@case
def acknowledging_events_of_a_newer_chain(side: Side) -> Any:
    relay = side.scene(relayed)
    return _relay_events(side, BETA, "acknowledge_packet", 1, relay.channel.beta.channel)


@case
def receiving_events_of_a_transfer_to_nobody(side: Side) -> Any:
    return _relay_events(side, BETA, "recv_packet", 1, side.scene(failing).channel.alpha.channel)


@case
def receiving_events_of_a_transfer_to_nobody_on_an_older_chain(side: Side) -> Any:
    return _relay_events(side, ALPHA, "recv_packet", 1, side.scene(failing).channel.beta.channel)


@case
def acknowledging_events_of_a_transfer_to_nobody(side: Side) -> Any:
    return _relay_events(side, ALPHA, "acknowledge_packet", 1, side.scene(failing).channel.alpha.channel)


@case
def acknowledging_events_of_a_transfer_to_nobody_on_a_newer_chain(side: Side) -> Any:
    return _relay_events(side, BETA, "acknowledge_packet", 1, side.scene(failing).channel.beta.channel)


@case
def timeout_events(side: Side) -> Any:
    return _relay_events(side, ALPHA, "timeout_packet", 2, side.scene(failing).channel.alpha.channel)


@case
def timeout_events_of_a_newer_chain(side: Side) -> Any:
    return _relay_events(side, BETA, "timeout_packet", 2, side.scene(failing).channel.beta.channel)


@case
def voucher_sent_back(side: Side) -> Any:
    return side.scene(failing).voucher["tx_result"]


@case
def voucher_sent_back_from_an_older_chain(side: Side) -> Any:
    return side.scene(failing).older_voucher["tx_result"]


@case
def voucher_that_arrives_home(side: Side) -> Any:
    relay = side.scene(failing)
    return _relay_events(side, ALPHA, "recv_packet", 3, relay.channel.beta.channel)


@case
def voucher_that_arrives_home_on_a_newer_chain(side: Side) -> Any:
    relay = side.scene(failing)
    return _relay_events(side, BETA, "recv_packet", 4, relay.channel.alpha.channel)


@case
def search_finds_the_sending_of_a_packet(side: Side) -> Any:
    tx = _relay_tx(side, ALPHA, "send_packet", 2, side.scene(relayed).channel.alpha.channel)
    return {"same": tx["hash"] == side.scene(relayed).sent["hash"], "keys": sorted(tx)}
