"""`health-check`: all that matters is said in the log (`cli/commands/health.rs`, `rly/chain/cosmos.rs`)."""

from __future__ import annotations

from cosmpy.protos.cosmos.base.tendermint.v1beta1 import query_pb2

from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.sequences import LAST, Range
from relayclear.rehearsal.hermes.session import Session

# The Cosmos SDK that Hermes 1.10.5 knows.
_OLDEST, _TOO_NEW = (0, 45), (0, 51)


def run(session: Session, parsed: Parsed) -> int:  # noqa: ARG001  as every command's
    """Look at every chain; exit code 0 whatever is found.  Raises Failure at the first that doesn't answer."""
    for config in session.config.chains:
        with session.output.span("health_check", {"chain": config.id}):
            session.output.info("performing health check...")
            chain = session.chain(config.id)
            if check(session, chain) is None:
                session.output.info("chain is healthy")
            else:
                session.output.warn("chain is not healthy")
    said = "performed health check for all chains in the config"
    return session.output.succeed(said, said)


def check(session: Session, chain: Chain) -> str | None:
    """Why a chain isn't healthy, as it is also logged, or None."""
    output = session.output
    for channel, ranges in chain.config.excluded.items():
        if ranges:
            said = f"chain '{chain.id}' will not clear packets on channel '{channel}' with sequences: {_shown(ranges)}."
            output.warn(f"{said} Ignore this warning if this configuration is correct.")
    status = chain.status()
    if status.network != chain.id:
        said = f"/status endpoint from chain '{chain.id}' reports network identifier to be '{status.network}'."
        output.error(f"{said} This is usually a sign of misconfiguration, please check your config.toml")
    reason = None if status.indexing else _NO_INDEX.format(chain.id)
    reason = reason or _incompatible(chain)
    if reason is not None:
        output.warn(f"health check failed for chain '{chain.id}'")
        output.warn(f"reason: {reason}")
        output.warn("some Hermes features may not work in this mode!")
    return reason


_NO_INDEX = "transaction indexing for chain '{}' is disabled (`node_info.other.tx_index` is off)"


def _incompatible(chain: Chain) -> str | None:
    path = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo"
    answer = query_pb2.GetNodeInfoResponse
    try:
        told = chain.query(path, query_pb2.GetNodeInfoRequest(), answer, "fetch_version_specs").application_version
    except Failure:
        return None
    version = str(told.cosmos_sdk_version).removeprefix("v")
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    if len(numbers) < len(_OLDEST) or _OLDEST <= (numbers[0], numbers[1]) < _TOO_NEW:
        return None
    said = f"compatibility check failed for chain '{chain.id}' at '{chain.config.grpc_addr}/'"
    return f"{said}: SDK module at version '{version}' does not meet compatibility requirements >=0.45, <0.51"


def _shown(ranges: tuple[Range, ...]) -> str:
    return ", ".join(f"{first}..={min(last, LAST)}" for first, last in ranges)
