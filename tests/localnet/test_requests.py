"""What a person asks for at a face: a running daemon that only looks carries exactly that out, and nothing else."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from relayclear.bootstrap.desk import SystemClock
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk
from relayclear.usecases.requests import RequestState, RequestView, Verb, Wish, ask, requests
from tests.localnet.commands import Relayclear
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network


@contextmanager
def asking(folder: Path) -> Iterator[Desk]:
    """The desk of a face, which has the database and nothing else."""
    with open_database(folder / "relayclear.db") as database:
        clock = SystemClock()
        yield Desk(Journal(database), {}, (), clock, 0, {}, {}, {}, breakers=Breakers(database, clock))


def over(desk: Desk, request: RequestView) -> RequestView | None:
    """The request, once it has ended."""
    found = next(one for one in requests(desk, 10) if one.id == request.id)
    return found if found.ended_at is not None else None


def test_a_request_clears_exactly_the_two_of_four_packets_that_were_chosen(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, there = channel.on(ALPHA), channel.on(BETA)
    assert network.transfer(ALPHA, here, count=4) == [1, 2, 3, 4]
    program = Relayclear(network, tmp_path)
    daemon = program.start("watch", "--log-format", "json", as_json=False)
    try:
        with asking(tmp_path) as desk:
            wish = Wish(Verb.CLEAR, end=ChannelEnd(ALPHA, "transfer", here), sequences=SequenceRanges.of([2, 3]))
            request = ask(desk, wish, "ada")
            ended = wait_for(lambda: over(desk, request), "the request to end", timeout=120)
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, told = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, told
    assert (ended.state, ended.code) == (RequestState.DONE, "cleared"), (ended.said, told)
    assert (ended.carrier or "").startswith("watch ")
    assert network.commitments(ALPHA, here) == [1, 4]
    assert [network.received(BETA, there, sequence) for sequence in (1, 2, 3, 4)] == [False, True, True, False]
    (row,) = program.run("operations", "list").document["operations"]
    assert (row["operation"], row["state"], row["sequences"]) == (ended.operation_id, "cleared", "2..3")
    told_of = program.run("history", "list", "--operation", str(ended.operation_id)).document["events"]
    assert ("operation_added", "ada") in {(event["what"], event["who"]) for event in told_of}
