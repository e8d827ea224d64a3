"""Packet details, traces and small facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.ibc.coin import DenomPath
from relayclear.ibc.packet import ChannelEnd, Height, Packet, PacketKey
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.journal import Journal
from tests.store.strategies import packets, texts

END = ChannelEnd("alpha-1", "transfer", "channel-0")


def packet(sequence: int, data: bytes = b"{}", end: ChannelEnd = END) -> Packet:
    destination = ChannelEnd("beta-1", "transfer", "channel-0")
    return Packet(PacketKey(*end, sequence), destination, data, Height(1, 99), 0, "AB", 5, None, verified=True)


@settings(deadline=None, max_examples=80)
@given(st.lists(packets, max_size=5, unique_by=lambda one: one.key))
def test_every_packet_comes_back_exactly(found: list[Packet]) -> None:
    with open_database(":memory:") as database:
        journal = Journal(database)
        journal.save_packets(found)
        assert journal.packets({one.key: one.commitment() for one in found}) == {one.key: one for one in found}


def test_a_packet_nobody_checked_is_never_kept(journal: Journal) -> None:
    with pytest.raises(ValueError, match="alpha-1/channel-0/2 was not checked"):
        journal.save_packets([packet(1), replace(packet(2), verified=False)])
    assert journal.packets({packet(1).key: packet(1).commitment()}) == {}


def test_a_chain_begun_anew_does_not_get_the_old_packets_details(journal: Journal) -> None:
    old, new = packet(1, b"old"), packet(1, b"new")
    journal.save_packets([old])
    assert journal.packets({new.key: new.commitment()}) == {}
    journal.save_packets([new])
    assert journal.packets({new.key: new.commitment()}) == {new.key: new}
    assert journal.packets({old.key: old.commitment()}) == {old.key: old}


def test_saving_again_changes_nothing(journal: Journal) -> None:
    journal.save_packets([packet(1)])
    journal.save_packets([replace(packet(1), send_tx="other"), packet(2)])
    wanted = {one.key: one.commitment() for one in (packet(1), packet(2))}
    assert journal.packets(wanted) == {packet(1).key: packet(1), packet(2).key: packet(2)}


def test_more_packets_than_one_statement_takes(journal: Journal) -> None:
    found = {one.key: one for one in map(packet, range(1, 2001))}
    journal.save_packets(found.values())
    wanted = {key: found[key].commitment() for key in list(found)[::2]}
    assert journal.packets(wanted).keys() == wanted.keys()


def test_an_end_never_heard_of_has_no_packets(journal: Journal) -> None:
    assert journal.packets({PacketKey("x", "y", "z", 1): b"c" * 32}) == {}


def test_details_are_never_changed(journal: Journal, database: Database) -> None:
    journal.save_packets([packet(1)])
    with pytest.raises(RuleBrokenError, match="never changed"), database.atomic() as tx:
        tx.execute("UPDATE packets SET send_tx = 'x'")


@settings(deadline=None, max_examples=40)
@given(texts, texts, st.builds(DenomPath, st.lists(st.tuples(texts, texts), max_size=3).map(tuple), texts))
def test_every_trace_comes_back_exactly(chain: str, denom: str, path: DenomPath) -> None:
    with open_database(":memory:") as database:
        journal = Journal(database)
        assert journal.denom(chain, denom) is None
        journal.save_denom(chain, denom, path)
        assert journal.denom(chain, denom) == path


def test_the_first_checked_trace_stays(journal: Journal) -> None:
    first = DenomPath((("transfer", "channel-0"),), "uatom")
    journal.save_denom("beta-1", first.voucher, first)
    journal.save_denom("beta-1", first.voucher, DenomPath((), "lie"))
    assert journal.denom("beta-1", first.voucher) == first
    assert journal.denom("alpha-1", first.voucher) is None


def test_a_small_fact_is_remembered_per_chain_and_may_change(journal: Journal) -> None:
    assert journal.recall("alpha-1", "subspace_checked") is None
    journal.remember("alpha-1", "subspace_checked", "yes")
    journal.remember("alpha-1", "subspace_checked", "no")
    assert journal.recall("alpha-1", "subspace_checked") == "no"
    assert journal.recall("beta-1", "subspace_checked") is None
