"""What payers are told of a chain: only what a wallet or shell may safely be given."""

from __future__ import annotations

import asyncio

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint

from relayclear.chains.paying import read_program, read_unit
from relayclear.chains.wire import Reply
from relayclear.errors import NodeError
from relayclear.ibc.units import Unit
from tests.chains.fake import Answer
from tests.chains.test_accounts import UNKNOWN, chain_of, dead


def metadata(*units: tuple[str, int], base: str = "uatom", display: str = "atom", symbol: str = "ATOM") -> Reply:
    answer = bank.QueryDenomMetadataResponse()
    answer.metadata.base, answer.metadata.display, answer.metadata.symbol = base, display, symbol
    for denom, exponent in units:
        answer.metadata.denom_units.add(denom=denom, exponent=exponent)
    return Reply(answer.SerializeToString(), 7)


USUAL = (("uatom", 0), ("matom", 3), ("atom", 6))


@pytest.mark.parametrize(
    ("reply", "unit"),
    [
        (metadata(*USUAL), Unit("ATOM", 6)),
        (metadata(*USUAL, symbol=""), Unit("atom", 6)),
        (metadata(("uatom", 0), display="uatom", symbol="UATOM"), Unit("UATOM", 0)),
        (metadata(*USUAL, base="uosmo"), None),
        (metadata(*USUAL, display="osmo"), None),
        (metadata(("uatom", 3), ("atom", 6)), None),
        (metadata(("uatom", 0), ("atom", 37)), None),
        (metadata(*USUAL, symbol="AT\x1b[2JOM"), None),
        (metadata(*USUAL, symbol="1000 ATOM"), None),
        (metadata(*USUAL, symbol="A" * 21), None),
        (metadata(), None),
        (Reply(b"", 7), None),
    ],
)
def test_a_unit_counts_only_where_it_says_plainly_how_many_base_units_it_is(reply: Reply, unit: Unit | None) -> None:
    assert read_unit("uatom", reply) == unit


def test_the_program_is_what_the_node_was_built_as() -> None:
    answer = tendermint.GetNodeInfoResponse()
    answer.application_version.app_name = "gaiad"
    assert read_program(Reply(answer.SerializeToString(), 7)) == "gaiad"
    assert read_program(Reply(b"", 7)) == ""


METADATA = "/cosmos.bank.v1beta1.Query/DenomMetadata"
NODE_INFO = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo"


def node_info(name: str) -> bytes:
    answer = tendermint.GetNodeInfoResponse()
    answer.application_version.app_name = name
    return bytes(answer.SerializeToString())


def test_a_chain_is_asked_for_its_unit_and_its_program() -> None:
    chain = chain_of({METADATA: metadata(*USUAL).value, NODE_INFO: node_info("simd")})
    assert asyncio.run(chain.unit("uatom")) == Unit("ATOM", 6)
    assert asyncio.run(chain.program()) == "simd"


@pytest.mark.parametrize("answer", [(22, "client metadata for denom uatom: key not found"), UNKNOWN])
def test_a_denom_without_metadata_has_no_unit(answer: Answer) -> None:
    assert asyncio.run(chain_of({METADATA: answer}).unit("uatom")) is None


@pytest.mark.parametrize("name", ["", "rm -rf /", "$(curl x)", "x" * 40])
def test_a_program_that_no_shell_should_see_is_none(name: str) -> None:
    assert asyncio.run(chain_of({NODE_INFO: node_info(name)}).program()) is None


def test_a_node_that_refuses_has_told_nothing() -> None:
    assert asyncio.run(dead().program()) is None
    with pytest.raises(NodeError):
        asyncio.run(dead().unit("uatom"))
