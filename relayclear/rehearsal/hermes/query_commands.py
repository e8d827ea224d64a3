"""`query packet …`, `query channel …`, `query channels`, `query client status` (`cli/commands/query/`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channel_query
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2

from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.links import Link, link, other_chain
from relayclear.rehearsal.hermes.packet_messages import since_update
from relayclear.rehearsal.hermes.relaying import unacknowledged, unreceived
from relayclear.rehearsal.hermes.sequences import collated
from relayclear.rehearsal.hermes.session import Session

_STATES = {0: "Uninitialized", 1: "Init", 2: "TryOpen", 3: "Open", 4: "Closed", 5: "Flushing", 6: "FlushComplete"}
_ORDERINGS = {0: "Uninitialized", 1: "Unordered", 2: "Ordered"}


def run(session: Session, parsed: Parsed) -> int:
    """Carry one of them out; the exit code.  Raises Failure."""
    commands: dict[str, Callable[..., int]] = {
        "packet acks": _acks,
        "packet commitments": _commitments,
        "packet pending": _pending,
        "packet pending-acks": _pending_acks,
        "packet pending-sends": _pending_sends,
        "channel client": _channel_client,
        "channel end": _channel_end,
        "channels": _channels,
        "client status": _client_status,
    }
    return commands[" ".join(parsed.command.words[1:])](session, **parsed.values)


def _both_ways(session: Session, chain: str, port: str, channel: str) -> tuple[Link, Link]:
    source = session.chain(chain)
    forward = link(session, source, session.chain(other_chain(source, port, channel)), port, channel)
    return forward, forward.reversed()


def _summary(forward: Link) -> dict[str, list[int]]:
    """What is pending of the packets that a link's source sent."""
    waiting, _ = unreceived(forward)
    written, _ = unacknowledged(forward.reversed())
    return {"unreceived_packets": waiting, "unreceived_acks": written}


def _pending(session: Session, *, chain: str, port: str, channel: str) -> int:
    forward, reverse = _both_ways(session, chain, port, channel)
    sides = {"source": (forward.source.chain.id, _summary(forward))}
    sides["destination"] = (reverse.source.chain.id, _summary(reverse))
    lines = ["Summary of pending packets:"]
    for side, (name, rows) in sides.items():
        lines.append(f"Packets pending on {side} chain ({name}):")
        for label, key in (("packets", "unreceived_packets"), ("acks", "unreceived_acks")):
            lines += [f"  Unreceived {label}:", *(f"    {one}" for one in collated(rows[key]))]
    (near, mine), (far, theirs) = sides["source"], sides["destination"]
    result = {"src": mine, "dst": theirs, "src_chain": near, "dst_chain": far}
    return session.output.succeed(result, "\n".join(lines) + "\n")


def _pending_sends(session: Session, *, chain: str, port: str, channel: str) -> int:
    """Packets that the counterparty sent and this chain hasn't received."""
    _, reverse = _both_ways(session, chain, port, channel)
    return session.output.succeed(unreceived(reverse)[0])


def _pending_acks(session: Session, *, chain: str, port: str, channel: str) -> int:
    """Packets of the named chain itself whose acknowledgement stands on the counterparty only."""
    _, reverse = _both_ways(session, chain, port, channel)
    return session.output.succeed(unacknowledged(reverse)[0])


def _commitments(session: Session, *, chain: str, port: str, channel: str, height: int | None) -> int:
    found = session.chain(chain)
    sequences, at = found.commitments(port, channel, height or 0)
    return session.output.succeed(_sequences(found, sequences, at))


def _acks(session: Session, *, chain: str, port: str, channel: str) -> int:
    """Acknowledgements that this chain wrote for packets which are still committed on the other."""
    forward, _ = _both_ways(session, chain, port, channel)
    here, there = forward.source, forward.destination
    committed, _ = there.chain.commitments(there.port, there.channel)
    if not committed:
        # Only without JSON it is an error that there are none.
        output = session.output
        return output.succeed(None) if output.as_json else output.fail("No acknowledgments found")
    written, at = here.chain.acknowledgements(here.port, here.channel, committed)
    return session.output.succeed(_sequences(here.chain, written, at))


def _sequences(chain: Chain, sequences: list[int], height: int) -> dict[str, Any]:
    return {"height": {"revision_height": height, "revision_number": chain.config.revision}, "seqs": sequences}


def _channel_end(session: Session, *, chain: str, port: str, channel: str, height: int | None) -> int:  # noqa: ARG001
    """The channel end as it is now: the height is read and not asked for."""
    end = session.chain(chain).channel(port, channel)
    if end is None:
        raise Failure(f"port '{port}' & channel '{channel}' does not exist", located=False)
    result = {
        "state": _STATES[end.state],
        "ordering": _ORDERINGS[end.ordering],
        "remote": {"port_id": end.counterparty.port_id, "channel_id": end.counterparty.channel_id or None},
        "connection_hops": [*end.connection_hops],
        "version": end.version,
        # Nobody upgrades a channel here.
        "upgrade_sequence": 0,
    }
    return session.output.succeed(result)


def _channel_client(session: Session, *, chain: str, port: str, channel: str) -> int:
    found = session.chain(chain)
    request = channel_query.QueryChannelClientStateRequest(port_id=port, channel_id=channel)
    path, answer = "/ibc.core.channel.v1.Query/ChannelClientState", channel_query.QueryChannelClientStateResponse
    told = found.query(path, request, answer, "query_channel_client_state").identified_client_state
    client, state = told.client_id, tendermint_pb2.ClientState.FromString(told.client_state.value)
    document = {"client_id": client, "client_state": _client_document(state), "type": "IdentifiedAnyClientState"}
    return session.output.succeed(document)


def _client_document(state: Any) -> dict[str, Any]:
    frozen, latest = state.frozen_height, state.latest_height
    return {
        "type": "Tendermint",
        "chain_id": state.chain_id,
        "trust_threshold": {
            "numerator": state.trust_level.numerator,
            "denominator": state.trust_level.denominator,
        },
        "trusting_period": _duration(state.trusting_period),
        "unbonding_period": _duration(state.unbonding_period),
        "max_clock_drift": _duration(state.max_clock_drift),
        "frozen_height": _height(frozen) if frozen.revision_height else None,
        "latest_height": _height(latest),
        "upgrade_path": [*state.upgrade_path],
    }


def _height(height: Any) -> dict[str, int]:
    return {"revision_height": height.revision_height, "revision_number": height.revision_number}


def _duration(duration: Any) -> dict[str, int]:
    return {"secs": duration.seconds, "nanos": duration.nanos}


def _channels(
    session: Session,
    *,
    chain: str,
    counterparty_chain: str | None,
    show_counterparty: bool | None,
    **_: Any,
) -> int:
    found = session.known(chain)
    rows = found.channels()
    if not show_counterparty:
        if counterparty_chain:
            rows = [row for row in rows if other_chain(found, row.port_id, row.channel_id) == counterparty_chain]
        return session.output.succeed([{"channel_id": row.channel_id, "port_id": row.port_id} for row in rows])
    documents = [_pair(found, row) for row in rows]
    if counterparty_chain:
        documents = [one for one in documents if one["chain_id_b"] == counterparty_chain]
    lines = "".join(f"\n{_pair_text(one)}" for one in documents)
    return session.output.succeed(documents, lines)


def _pair(chain: Chain, row: Any) -> dict[str, str]:
    return {
        "channel_a": row.channel_id,
        "port_a": row.port_id,
        "chain_id_a": chain.id,
        "channel_b": row.counterparty.channel_id,
        "port_b": row.counterparty.port_id,
        "chain_id_b": other_chain(chain, row.port_id, row.channel_id),
    }


def _pair_text(pair: dict[str, str]) -> str:
    ends = [f"{pair[f'chain_id_{end}']}: {pair[f'port_{end}']}/{pair[f'channel_{end}']}" for end in "ab"]
    return " --- ".join(ends)


def _client_status(session: Session, *, chain: str, client: str) -> int:
    found = session.chain(chain)
    state = found.client_state(client)
    if state is None:
        why = "error converting message type into domain type: the client state was not found"
        raise Failure("error decoding protobuf", why)
    if state.frozen_height.revision_height:
        return session.output.succeed("Frozen", "Frozen")
    elapsed, _ = since_update(found, client, state)
    status = "Expired" if elapsed >= state.trusting_period.ToNanoseconds() else "Active"
    return session.output.succeed(status, status)
