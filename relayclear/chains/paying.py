"""What a payer is told about a chain: the unit its wallets show, and its own command line program."""

from __future__ import annotations

import re

from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint

from relayclear.chains import jsonrpc
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.wire import DeclinedError, Reply, decoded
from relayclear.errors import NotFoundError, RelayclearError
from relayclear.ibc.units import MAX_DECIMALS, Unit

# A symbol stands in front of payers, and a program's name in a shell: a node may send anything.
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,19}")
_PROGRAM = re.compile(r"[a-z][a-z0-9_-]{1,31}")


async def unit(endpoints: Endpoints, denom: str) -> Unit | None:
    """The denom's unit by its metadata; None where the chain has none, or it says what can't be.

    Raises NodeError where no endpoint answers.
    """
    request = bank.QueryDenomMetadataRequest(denom=denom).SerializeToString()
    try:
        reply = await endpoints.query(jsonrpc.query("/cosmos.bank.v1beta1.Query/DenomMetadata", request))
    except (NotFoundError, DeclinedError):
        return None
    found = decoded(lambda got: read_unit(denom, got), reply)
    return None if isinstance(found, RelayclearError) else found


def read_unit(denom: str, reply: Reply) -> Unit | None:
    """The unit that the metadata displays the denom in: only one whose own base is the denom counts."""
    metadata = bank.QueryDenomMetadataResponse.FromString(reply.value).metadata
    exponents = {entry.denom: entry.exponent for entry in metadata.denom_units}
    decimals = exponents.get(metadata.display)
    if metadata.base != denom or exponents.get(denom) != 0 or decimals is None or decimals > MAX_DECIMALS:
        return None
    symbol = metadata.symbol or metadata.display
    return Unit(symbol, decimals) if _SYMBOL.fullmatch(symbol) else None


async def program(endpoints: Endpoints) -> str | None:
    """The program's name as it was built with (`version.AppName`); None where the node doesn't tell."""
    request = tendermint.GetNodeInfoRequest().SerializeToString()
    try:
        reply = await endpoints.query(jsonrpc.query("/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo", request))
    except RelayclearError:
        return None
    found = decoded(read_program, reply)
    return found if isinstance(found, str) and _PROGRAM.fullmatch(found) else None


def read_program(reply: Reply) -> str:
    """The name, empty where it was built without one."""
    return str(tendermint.GetNodeInfoResponse.FromString(reply.value).application_version.app_name)
