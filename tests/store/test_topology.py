"""The cached topology and its broken walks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering
from relayclear.ibc.topology import ChannelInfo, ClientInfo, ConnectionInfo
from relayclear.store.journal import Journal

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FOLLOWED = {1: "beta-1", 2: "gamma-1", 3: "beta-1", 4: "elsewhere-1"}


def channel(number: int, chain: str = "hub-1") -> ChannelInfo:
    end = ChannelEnd(chain, "transfer", f"channel-{number}")
    return ChannelInfo(
        end, ChannelState.OPEN, Ordering.UNORDERED, "transfer", f"channel-{number}", f"connection-{number}", "ics20-1"
    )


CHANNELS = [channel(number) for number in FOLLOWED]
CONNECTIONS = [
    ConnectionInfo(
        "hub-1", f"connection-{n}", ChannelState.OPEN, f"client-{n}", f"connection-{n + 9}", f"client-{n + 9}"
    )
    for n in FOLLOWED
]
CLIENTS = [ClientInfo("hub-1", f"client-{n}", follows, None if n == 1 else 1209600) for n, follows in FOLLOWED.items()]


def fill(journal: Journal, chain: str = "hub-1") -> None:
    journal.save_channel_page(chain, CHANNELS, None)
    journal.finish_topology(chain, CONNECTIONS, CLIENTS, 5, AT)


def test_a_topology_comes_back_as_it_was_read(journal: Journal) -> None:
    fill(journal)
    stored = journal.topology("hub-1")
    assert stored
    assert stored.topology.channels == {info.end: info for info in CHANNELS}
    assert stored.topology.connections == {info.connection: info for info in CONNECTIONS}
    assert stored.topology.clients == {info.client: info for info in CLIENTS}
    assert (stored.read_at, stored.channel_count, stored.complete) == (AT, 5, True)


def test_only_what_leads_to_the_asked_chains_is_loaded(journal: Journal) -> None:
    fill(journal)
    journal.save_channel_page("other-1", [channel(1, "other-1")], None)
    stored = journal.topology("hub-1", frozenset({"beta-1", "gamma-1"}))
    assert stored
    assert {end.channel for end in stored.topology.channels} == {"channel-1", "channel-2", "channel-3"}
    assert set(stored.topology.connections) == {"connection-1", "connection-2", "connection-3"}
    assert set(stored.topology.clients) == {"client-1", "client-2", "client-3"}


def test_towards_nobody_there_is_nothing(journal: Journal) -> None:
    fill(journal)
    stored = journal.topology("hub-1", frozenset())
    assert stored
    assert not stored.topology.channels


def test_a_first_read_that_broke_off_goes_on_where_it_stopped(journal: Journal) -> None:
    assert journal.topology_cursor("hub-1") is None
    journal.save_channel_page("hub-1", CHANNELS[:2], b"\x00page 2")
    assert journal.topology_cursor("hub-1") == b"\x00page 2"
    assert journal.topology("hub-1") is None
    journal.save_channel_page("hub-1", CHANNELS[2:], None)
    assert journal.topology_cursor("hub-1") is None
    journal.finish_topology("hub-1", CONNECTIONS, CLIENTS, 5, AT)
    stored = journal.topology("hub-1")
    assert stored
    assert (len(stored.topology.channels), stored.complete) == (4, True)


def test_a_bounded_first_read_counts_and_is_known_to_be_incomplete(journal: Journal) -> None:
    journal.save_channel_page("hub-1", CHANNELS[:2], b"page 2")
    journal.finish_topology("hub-1", CONNECTIONS, CLIENTS, 5, AT)
    stored = journal.topology("hub-1")
    assert stored
    assert (len(stored.topology.channels), stored.complete) == (2, False)
    assert journal.topology_cursor("hub-1") == b"page 2"


def test_a_channel_that_closed_is_closed_in_the_cache(journal: Journal) -> None:
    fill(journal)
    journal.update_channels([replace(CHANNELS[0], state=ChannelState.CLOSED)])
    stored = journal.topology("hub-1")
    assert stored
    assert stored.topology.channels[CHANNELS[0].end].state is ChannelState.CLOSED
    assert len(stored.topology.channels) == 4


def test_a_second_read_takes_the_place_of_the_first(journal: Journal) -> None:
    fill(journal)
    later = datetime(2026, 11, 23, tzinfo=UTC)
    journal.finish_topology("hub-1", [replace(CONNECTIONS[0], client="client-2")], [], 9, later)
    stored = journal.topology("hub-1")
    assert stored
    assert stored.topology.connections["connection-1"].client == "client-2"
    assert (stored.channel_count, stored.read_at) == (9, later)


def test_dropping_one_chain_leaves_the_others(journal: Journal) -> None:
    fill(journal)
    journal.save_channel_page("other-1", [channel(1, "other-1")], b"more")
    journal.drop_topology("hub-1")
    assert journal.topology("hub-1") is None
    assert journal.topology_cursor("other-1") == b"more"
    fill(journal)
    stored = journal.topology("hub-1")
    assert stored
    assert len(stored.topology.channels) == 4
