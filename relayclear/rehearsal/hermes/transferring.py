"""`tx ft-transfer`: test traffic (`cli/commands/tx/transfer.rs`)."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2

from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.links import OPEN
from relayclear.rehearsal.hermes.session import Session
from relayclear.rehearsal.hermes.submitting import submit
from relayclear.rehearsal.transactions import wrap

_BILLION = 10**9
_STATES = {1: "INIT", 2: "TRYOPEN", 4: "CLOSED", 5: "FLUSHING", 6: "FLUSHCOMPLETE"}


def run(session: Session, parsed: Parsed) -> int:
    """Send transfers and wait for them; the exit code.  Raises Failure."""
    asked = parsed.values
    for end, name in (("source", asked["src_chain"]), ("destination", asked["dst_chain"])):
        if session.config.chain(name) is None:
            raise Failure(f"missing configuration for {end} chain '{name}'", located=False)
    if not asked["number_msgs"]:
        raise Failure("number of messages should be greater than zero", located=False)
    source = session.chain(asked["src_chain"], key_name=asked["key_name"])
    destination = session.chain(asked["dst_chain"])
    _check(source, asked["src_port"], asked["src_channel"])
    try:
        message = _message(source, destination, asked)
        events = submit(session, source, [message] * asked["number_msgs"], "ft-transfer")
    except Failure as failed:
        submitting = f"failed while submitting the Transfer message to chain {source.id}"
        raise failed.wrapped("transfer error", submitting) from failed
    for event in events:
        if event.name == "ChainError":
            raise Failure("transfer error", f"tx response event consists of an error: {event.text}")
    revision = source.config.revision
    rows = [{"event": event.document, "height": _height(revision, event.height)} for event in events]
    return session.output.succeed(rows)


def _check(chain: Chain, port: str, channel: str) -> None:
    end = chain.channel(port, channel)
    if end is not None and end.state == OPEN:
        return
    state = "UNINITIALIZED" if end is None else _STATES.get(end.state, "UNINITIALIZED")
    said = f"the requested port/channel ('{port}'/'{channel}') on chain id '{chain.id}' is in state '{state}'"
    raise Failure(f"{said}; expected 'open' state", located=False)


def _message(source: Chain, destination: Chain, asked: Any) -> Any:
    sender = source.signer().account
    made = tx_pb2.MsgTransfer(
        source_port=asked["src_port"],
        source_channel=asked["src_channel"],
        sender=sender,
        receiver=asked["receiver"] if asked["receiver"] is not None else destination.signer().account,
        memo=asked["memo"] or "",
    )
    made.token.denom, made.token.amount = asked["denom"], str(asked["amount"])
    status = destination.status()
    if asked["timeout_height_offset"]:
        made.timeout_height.revision_number = destination.config.revision
        made.timeout_height.revision_height = status.height + asked["timeout_height_offset"]
    if asked["timeout_seconds"]:
        made.timeout_timestamp = status.time_ns + asked["timeout_seconds"] * _BILLION
    return wrap("/ibc.applications.transfer.v1.MsgTransfer", made)


def _height(revision: int, shown: str) -> dict[str, int]:
    return {"revision_number": revision, "revision_height": int(shown.rpartition("-")[2])}
