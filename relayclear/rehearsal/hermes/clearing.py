"""`clear packets`, `tx packet-recv` and `tx packet-ack` (`cli/commands/clear.rs`, `cli/commands/tx/packet.rs`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relayclear.rehearsal.hermes import relaying
from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.ibc_events import IbcEvent
from relayclear.rehearsal.hermes.links import link, other_chain
from relayclear.rehearsal.hermes.sequences import Range
from relayclear.rehearsal.hermes.session import Session


def run(session: Session, parsed: Parsed) -> int:
    """Carry one of the three out; the exit code.  Raises Failure."""
    if session.faults.do_nothing:
        return session.output.succeed([])
    return {"packets": _clear, "packet-recv": _receive, "packet-ack": _acknowledge}[parsed.command.words[1]](
        session, **parsed.values
    )


def clear(session: Session, source: Chain, port: str, channel: str, only: list[Range]) -> list[IbcEvent]:
    """Clear a channel: both directions, or only packets that `source` sent when sequences are given.

    Once the link stands nothing is an error: what fails is told in the log, and its events are lost.
    Raises Failure before that.
    """
    destination = session.chain(other_chain(source, port, channel))
    forward = link(session, source, destination, port, channel, source.config.excluded.get(channel, ()))
    far = forward.destination
    reverse = link(
        session, destination, source, far.port, far.channel, destination.config.excluded.get(far.channel, ())
    )
    done: list[IbcEvent] = []
    _phase(session, "forward recv and timeout", done, lambda: relaying.receive(forward, only))
    if not only:
        _phase(session, "reverse recv and timeout", done, lambda: relaying.receive(reverse))
    _phase(session, "reverse ack", done, lambda: relaying.acknowledge(reverse, only))
    if not only:
        _phase(session, "forward ack", done, lambda: relaying.acknowledge(forward))
    return done


def _phase(session: Session, name: str, done: list[IbcEvent], work: Callable[[], list[IbcEvent]]) -> None:
    try:
        done += work()
    except Failure as failed:
        session.output.error(f"Failed to relay {name} packets: {failed}")


def _clear(session: Session, *, chain: str, port: str, channel: str, packet_sequences: list[Range], **_: Any) -> int:
    done = clear(session, session.chain(chain), port, channel, packet_sequences)
    return session.output.succeed([event.document for event in done])


def _receive(session: Session, **given: Any) -> int:
    return _one_step(session, relaying.receive, **given)


def _acknowledge(session: Session, **given: Any) -> int:
    return _one_step(session, relaying.acknowledge, **given)


def _one_step(
    session: Session,
    step: Callable[..., list[IbcEvent]],
    *,
    src_chain: str,
    dst_chain: str,
    src_port: str,
    src_channel: str,
    packet_sequences: list[Range],
    packet_data_query_height: int | None,
) -> int:
    source = session.chain(src_chain)
    path = link(session, source, session.chain(dst_chain), src_port, src_channel)
    try:
        done = step(path, packet_sequences, data_height=packet_data_query_height)
    except Failure as failed:
        raise failed.wrapped("link error") from failed
    return session.output.succeed([event.document for event in done])
