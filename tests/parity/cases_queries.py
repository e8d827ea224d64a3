"""Paths, stores and heights of `abci_query`, with good and bad questions."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.store.internal.kv.v1beta1 import kv_pb2
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2  # noqa: F401  client states decode with it

from tests.localnet.node import ALPHA, BETA
from tests.parity import envelopes, wires
from tests.parity.questions import BANK
from tests.parity.registry import case
from tests.parity.scenes import relayed
from tests.parity.side import Side

# Paths, stores, heights


@case
def path_nobody_answers(side: Side) -> Any:
    return side.query(ALPHA, "/cosmos.nothing.v1.Query/Nothing")


@case
def path_nobody_answers_on_a_newer_chain(side: Side) -> Any:
    return side.query(BETA, "/cosmos.nothing.v1.Query/Nothing")


@case
def path_that_is_none(side: Side) -> Any:
    return side.query(ALPHA, "nonsense")


@case
def path_that_is_empty(side: Side) -> Any:
    return side.query(ALPHA, "")


@case
def data_that_is_no_hex(side: Side) -> Any:
    return side.call(ALPHA, "abci_query", path=f"{BANK}Params", data="xyz", height="0", prove=False)


@case
def data_that_is_no_protobuf(side: Side) -> Any:
    return side.query(ALPHA, f"{BANK}Balance", b"\xff\xff\xff")


def _balance(side: Side, height: int) -> Any:
    request = bank.QueryBalanceRequest(address=wires.UNUSED, denom="token")
    return side.query(ALPHA, f"{BANK}Balance", request, height=height)


@case
def height_ahead(side: Side) -> Any:
    return _balance(side, 1_000_000)


@case
def height_ahead_of_a_store(side: Side) -> Any:
    return side.query(ALPHA, "store/bank/key", b"none", height=1_000_000)


@case
def height_below_zero(side: Side) -> Any:
    return _balance(side, -1)


@case
def store_nobody_has(side: Side) -> Any:
    return side.query(ALPHA, "store/nothing/key", b"none")


@case
def store_asked_for_nothing_it_knows(side: Side) -> Any:
    return side.query(ALPHA, "store/ibc/nonsense", b"none")


@case
def store_without_a_question(side: Side) -> Any:
    return side.query(ALPHA, "store/ibc", b"none")


@case
def store_key_that_is_there(side: Side) -> Any:
    end = side.scene(relayed).channel.alpha
    return side.query(ALPHA, "store/ibc/key", f"nextSequenceSend/ports/transfer/channels/{end.channel}".encode())


@case
def store_key_that_is_not_there(side: Side) -> Any:
    return side.query(ALPHA, "store/ibc/key", b"nextSequenceSend/ports/transfer/channels/channel-999")


@case
def store_key_of_the_next_channel(side: Side) -> Any:
    reply = side.query(ALPHA, "store/ibc/key", b"nextChannelSequence")
    value = envelopes.from_base64(reply["body"]["result"]["response"].pop("value"))
    return {"reply": reply, "bytes": len(value)}


@case
def store_key_that_is_empty(side: Side) -> Any:
    return side.query(ALPHA, "store/ibc/key", b"")


@case
def store_subspace_of_commitments(side: Side) -> Any:
    prefix = f"commitments/ports/transfer/channels/{side.scene(relayed).channel.alpha.channel}/".encode()
    return _readable_pairs(side.query(ALPHA, "store/ibc/subspace", prefix, kv_pb2.Pairs))


@case
def store_subspace_with_nothing_in_it(side: Side) -> Any:
    return side.query(ALPHA, "store/ibc/subspace", b"nothing/", kv_pb2.Pairs)


def _readable_pairs(reply: dict[str, Any]) -> Any:
    response = reply["body"]["result"]["response"]
    response["key"] = envelopes.from_base64(response["key"]).decode()
    for pair in response["value"]["pairs"]:
        pair["key"] = envelopes.from_base64(pair["key"]).decode()
    return reply
