"""What transactions would cost, and why they would fail: simulations over `abci_query`."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2

from relayclear.rehearsal.keys import Key, module_address
from relayclear.rehearsal.transactions import Terms, encode
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.scenes import relayed
from tests.parity.side import SPECS, Purse, Side

_PATH = "/cosmos.tx.v1beta1.Service/Simulate"


def _simulated(side: Side, chain: str, raw: bytes) -> Any:
    """The answer without gas and events: the first is each world's own, the others are those of a block."""
    reply = side.query(chain, _PATH, service_pb2.SimulateRequest(tx_bytes=raw), service_pb2.SimulateResponse)
    value = reply["body"]["result"]["response"]["value"]
    if value:
        value["gas_info"] = {key: int(amount) > 0 for key, amount in value["gas_info"].items()}
        value["result"]["events"] = [event["type"] for event in value["result"]["events"]]
    return reply


def _payment(side: Side, chain: str, amount: int = 5, **terms: Any) -> bytes:
    purse = side.purse()
    message = wires.send(purse.address, wires.STRANGER, wires.coin(amount))
    return side.sign(chain, purse, [message], **terms)


@case
def simulated_payment(side: Side) -> Any:
    return _simulated(side, ALPHA, _payment(side, ALPHA))


@case
def simulated_payment_on_a_newer_chain(side: Side) -> Any:
    return _simulated(side, BETA, _payment(side, BETA))


@case
def simulated_payment_of_more_than_is_there(side: Side) -> Any:
    return _simulated(side, ALPHA, _payment(side, ALPHA, 10**15))


@case
def simulated_payment_of_more_than_is_there_on_a_newer_chain(side: Side) -> Any:
    return _simulated(side, BETA, _payment(side, BETA, 10**15))


def _to_a_module(side: Side, chain: str) -> Any:
    purse = side.purse()
    receiver = module_address("distribution", purse.address.partition("1")[0])
    return _simulated(side, chain, side.sign(chain, purse, [wires.send(purse.address, receiver, wires.coin(5))]))


@case
def simulated_payment_to_a_module(side: Side) -> Any:
    return _to_a_module(side, ALPHA)


@case
def simulated_payment_to_a_module_of_a_newer_chain(side: Side) -> Any:
    return _to_a_module(side, BETA)


@case
def simulated_payment_with_a_sequence_that_is_ahead(side: Side) -> Any:
    return _simulated(side, ALPHA, _payment(side, ALPHA, sequence=7))


@case
def simulated_payment_that_somebody_else_signed(side: Side) -> Any:
    return _simulated(side, ALPHA, _payment(side, ALPHA, account_number=999_999))


@case
def simulated_payment_that_timed_out(side: Side) -> Any:
    return _simulated(side, ALPHA, _payment(side, ALPHA, timeout_height=3))


@case
def simulated_payment_of_nobody(side: Side) -> Any:
    poor = Purse(Key.of_name("parity without an account"))
    message = wires.send(poor.address, wires.STRANGER, wires.coin(5))
    return _simulated(side, BETA, encode(SPECS[BETA], [message], Terms(0), key=poor.key))


@case
def simulated_transfer(side: Side) -> Any:
    purse, end = side.purse(), side.scene(relayed).channel.alpha
    raw = side.sign(ALPHA, purse, [wires.transfer(purse.address, end, wires.STRANGER)])
    return _simulated(side, ALPHA, raw)


@case
def simulated_rubbish(side: Side) -> Any:
    return _simulated(side, ALPHA, b"rubbish")


@case
def simulated_nothing(side: Side) -> Any:
    return _simulated(side, ALPHA, b"")
