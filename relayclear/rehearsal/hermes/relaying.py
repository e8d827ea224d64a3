"""Which packets are relayed by which messages, one direction of a channel at a time (`rly/link/`).

Proofs carry no bytes: simulated chains look at each other's state.  The client is told of the block after
the one that is proven, as the real one must.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from relayclear.rehearsal.hermes import packet_messages
from relayclear.rehearsal.hermes.chain import Chain, QueryFailure
from relayclear.rehearsal.hermes.failure import Failure, SendFailure
from relayclear.rehearsal.hermes.ibc_events import IbcEvent
from relayclear.rehearsal.hermes.links import CLOSED, DESTINATION, SOURCE, End, Link, Work
from relayclear.rehearsal.hermes.packet_data import SENT, WRITTEN, PacketEvent, search
from relayclear.rehearsal.hermes.sequences import Range, collated, within
from relayclear.rehearsal.hermes.submitting import checked, submit

RECV, ACK = "packet-recv", "packet-ack"
_TRIES = 5
_POLL = 0.1
_SUPERVISOR = ("error originating from the supervisor", "relayer error")
_NO_DATA = (
    "this might be due to the data not being available on the configured endpoint. Please verify that the RPC "
    "endpoint has the required packet data, for more details see https://hermes.informal.systems/advanced/"
    "troubleshooting/cross-comp-config.html#uncleared-pending-packets"
)


def receive(
    link: Link, only: Sequence[Range] = (), *, most: int | None = None, data_height: int | None = None
) -> list[IbcEvent]:
    """Deliver what the source sent, or time it out; the events of it.  Raises Failure.

    `only` these sequences, at `most` so many; packet data is read from one block, or searched for.
    """
    with link.session.output.span("relay_recv_packet_and_timeout_messages", _place(link)):
        waiting, height = unreceived(link)
        if not waiting:
            return []
        chosen = _chosen(link, waiting, only, "packets", shown=_list)[:most]
        return _relay(link, chosen, RECV, height, data_height)


def acknowledge(
    link: Link, only: Sequence[Range] = (), *, most: int | None = None, data_height: int | None = None
) -> list[IbcEvent]:
    """Bring the acknowledgements that the link's source wrote to the chain that sent the packets."""
    with link.session.output.span("relay_ack_packet_messages", _place(link)):
        waiting, height = unacknowledged(link)
        if not waiting:
            return []
        chosen = _chosen(link, waiting, only, "acknowledgements", shown=_runs)[:most]
        return _relay(link, chosen, ACK, height, data_height)


def unreceived(link: Link) -> tuple[list[int], int]:
    """What the source sent and the destination hasn't received, and the source's height that says so."""
    here, there = link.source, link.destination
    with _cause_of(*_SUPERVISOR):
        committed, height = here.chain.commitments(here.port, here.channel)
        return (there.chain.unreceived(there.port, there.channel, committed) if committed else []), height


def unacknowledged(link: Link) -> tuple[list[int], int]:
    """Packets of the destination whose acknowledgement stands on the source only, and the source's height."""
    here, there = link.source, link.destination
    with _cause_of(*_SUPERVISOR):
        committed, _ = there.chain.commitments(there.port, there.channel)
        if not committed:
            return [], 0
        written, height = here.chain.acknowledgements(here.port, here.channel, committed)
        return (there.chain.unacknowledged(there.port, there.channel, written) if written else []), height


@contextmanager
def _cause_of(*outer: str) -> Iterator[None]:
    try:
        yield
    except Failure as failed:
        raise failed.wrapped(*outer) from failed


def _place(link: Link) -> dict[str, str]:
    return {
        "src_chain": link.source.chain.id,
        "src_port": link.source.port,
        "src_channel": link.source.channel,
        "dst_chain": link.destination.chain.id,
    }


def _list(sequences: Sequence[int]) -> str:
    return f"[ {', '.join(str(one) for one in sequences)} ]"


def _runs(sequences: Sequence[int]) -> str:
    return ", ".join(collated(sequences))


def _chosen(link: Link, waiting: list[int], only: Sequence[Range], what: str, shown: Any) -> list[int]:
    output = link.session.output
    if only:
        output.info(f"filtering unreceived {what} by given sequence ranges")
        waiting = [sequence for sequence in waiting if within(sequence, only)]
    # For acknowledgements this compares numbers of the other direction; so does the real one.
    chosen = [sequence for sequence in waiting if not within(sequence, link.excluded)]
    output.info(f"{len(chosen)} unreceived {what} found: {shown(chosen)} ")
    return chosen


def _relay(link: Link, sequences: list[int], tracking: str, height: int, data_height: int | None) -> list[IbcEvent]:
    done: list[IbcEvent] = []
    for events in _pulled(link, sequences, tracking, height, data_height):
        for work in _work_for(link, events, height if data_height is None else data_height, tracking):
            done += _carry_out(link, work)
    while link.later:
        done += _carry_out(link, link.later.popleft())
    return done


def _pulled(
    link: Link, sequences: list[int], tracking: str, height: int, data_height: int | None
) -> Iterator[list[PacketEvent]]:
    """Packet data in chunks; after a query that failed, the rest is left out without an error."""
    output, size = link.session.output, link.source.chain.config.chunk_size
    kind = WRITTEN if tracking == ACK else SENT
    revision, left = link.source.chain.config.revision, len(sequences)
    for start in range(0, len(sequences), size):
        chunk = sequences[start : start + size]
        try:
            found = search(link, kind, chunk, height, data_height)
        except Failure as failed:
            output.warn(f"encountered query failure while pulling packet data: {failed}")
            return
        left -= len(chunk)
        if found:
            said = f"pulled packet data for {len(found)} out of {len(chunk)} events: {_runs(chunk)}"
            output.info(said, {"events.total": str(len(sequences)), "events.left": str(left)})
        else:
            where = f"=={revision}-{data_height}" if data_height else f"<={revision}-{height}"
            output.warn(f"no packet data was pulled at height {where} for sequences {_runs(chunk)}, {_NO_DATA}")
        yield found


def _work_for(link: Link, events: list[PacketEvent], height: int, tracking: str) -> list[Work]:
    """Messages for events: those for the source first.  Raises Failure where a proof or a key can't be had."""
    if not events:
        return []
    with link.session.output.span("generate_operational_data", {"tracking_id": tracking}):
        with _cause_of(f"failed during query to chain id {link.destination.chain.id}"):
            status = link.destination.chain.status()
        back = Work(SOURCE, status.height, tracking)
        forth = Work(DESTINATION, height, tracking)
        closed = link.destination.now().state == CLOSED
        todo = _unhandled(link, [event for event in events if _sizes_allow(link, event)])
        for event in todo:
            if event.acknowledgement is not None:
                if not closed:
                    forth.messages.append(packet_messages.acknowledgement(link, event, height))
                    forth.events.append(event)
            elif closed or packet_messages.timed_out(event.packet, link, status):
                # One timeout closes an ordered channel, and a second in the same transaction would fail.
                if not link.ordered or not back.events:
                    back.messages.append(packet_messages.timeout(link, event.packet, status.height, closed=closed))
                    back.events.append(event)
            else:
                forth.messages.append(packet_messages.receipt(link, event.packet, height))
                forth.events.append(event)
    return [work for work in (back, forth) if work.events]


def _unhandled(link: Link, events: list[PacketEvent]) -> list[PacketEvent]:
    """Events whose packets nobody has relayed since."""
    there, here = link.destination, link.source
    sent = [event.packet.sequence for event in events if event.acknowledgement is None]
    written = [event.packet.sequence for event in events if event.acknowledgement is not None]
    open_sends = there.chain.unreceived(there.port, there.channel, sent) if sent else []
    if open_sends:
        open_sends = here.chain.unacknowledged(here.port, here.channel, open_sends)
    open_acks = there.chain.unacknowledged(there.port, there.channel, written) if written else []
    return [
        event
        for event in events
        if event.packet.sequence in (open_sends if event.acknowledgement is None else open_acks)
    ]


def _sizes_allow(link: Link, event: PacketEvent) -> bool:
    """Whether memo and receiver of an ICS-20 packet are short enough; other packets always are."""
    try:
        data = json.loads(event.packet.data)
        sizes = [len(str(data.get(key, "")).encode()) for key in ("memo", "receiver")]
    except (ValueError, AttributeError):
        return True
    config, output = link.session.config, link.session.output
    judged = [_judged(size, most) for size, most in zip(sizes, (config.max_memo, config.max_receiver), strict=True)]
    if judged == ["valid", "valid"]:
        return True
    with output.span("check_ics20_fields_size"):
        output.warn("found invalid ICS-20 packet data, not relaying packet!")
        output.warn(f"    ICS-20 memo:     {judged[0]}")
        output.warn(f"    ICS-20 receiver: {judged[1]}")
    return False


def _judged(size: int, most: int | None) -> str:
    return "valid" if most is None or size <= most else f"invalid, size `{size}` is greater than max `{most}`"


def _carry_out(link: Link, work: Work) -> list[IbcEvent]:
    """Send work; what a chain refuses is made anew and sent again.  After five tries it is given up, silently."""
    output = link.session.output
    with output.span("relay", {"odata": _shown(link, work)}):
        for attempt in range(1, _TRIES + 1):
            try:
                events = _send(link, work)
            except SendFailure:
                if attempt == _TRIES:
                    output.error(f"{attempt}/{_TRIES} retries exhausted, giving up")
                    return []
                again = _made_anew(link, work)
                if again is None:
                    return []
                work = again
            else:
                output.info("submitted")
                return events
    return []


def _made_anew(link: Link, work: Work) -> Work | None:
    output = link.session.output
    output.warn(f"failed. Regenerate operational data from {len(work.events)} events")
    try:
        made = _work_for(link, work.events, _event_height(link, work), work.tracking)
    except Failure as failed:
        said = f"failed to regenerate operational data from initial data: {_shown(link, work)}"
        output.error(f"{said} with error {failed}, discarding this op. data")
        return None
    for one in made:
        if one.target == work.target:
            output.info("will retry", {"odata": _shown(link, one)})
            return one
        link.later.append(one)
    if work.target == DESTINATION:
        output.info("exhausted all events from this operational data")
    return None


def _event_height(link: Link, work: Work) -> int:
    return work.height if work.target == DESTINATION else link.source.chain.status().height


def _send(link: Link, work: Work) -> list[IbcEvent]:
    output = link.session.output
    at, seen = _ends(link, work)
    messages = [*_client_update(link, at, seen.chain, work.height + 1), *work.messages]
    output.info(f"assembled batch of {len(messages)} message(s)")
    try:
        events = submit(link.session, at.chain, messages, work.tracking)
    except SendFailure:
        raise
    except Failure as failed:
        raise failed.wrapped("link failed with underlying error") from failed
    lines = "".join(f"\t{event}\n" for event in events)
    output.info(f"[Sync->{at.chain.id}] result events:\n{lines}")
    return checked(events)


def _client_update(link: Link, at: End, seen: Chain, height: int) -> list[Any]:
    """The message that tells a client of a block, once there is one; none when it knows it.  Raises Failure."""
    if at.chain.consensus_time(at.client, seen.config.revision, height) is not None:
        return []
    output = link.session.output
    fields = {"client": packet_messages.client_name(at, seen), "target_height": f"{seen.config.revision}-{height}"}
    with output.span("foreign_client.wait_and_build_update_client_with_trusted", fields):
        while seen.status().height < height:
            link.session.wait(_POLL)
        with output.span("foreign_client.build_update_client_with_trusted", fields):
            try:
                packet_messages.check_alive(output, at, seen)
                return [packet_messages.client_update(at, seen, height)]
            except QueryFailure as failed:
                raise failed.wrapped("failed during a client operation") from failed


def _ends(link: Link, work: Work) -> tuple[End, End]:
    pair = (link.destination, link.source)
    return pair if work.target == DESTINATION else (pair[1], pair[0])


def _shown(link: Link, work: Work) -> str:
    return work.shown(_ends(link, work)[1].chain.config.revision)
