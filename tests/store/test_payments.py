"""Payments are counted once for ever, whoever reads them and however often."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import UsageError
from relayclear.ibc.arrivals import ArrivalId, ArrivalKind
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.store import cursors, payments, tokens
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.payments import Heights, How, Orphan
from tests.money.build import PAYEE
from tests.store.sold import CHAIN, after, arrive, keep, make, name_of


@pytest.fixture(autouse=True)
def _begun(database: Database) -> None:
    with database.atomic() as tx:
        cursors.begin(tx, CHAIN, PAYEE, 1000, after(0), {"stake": 1000}, after(0))


def read(database: Database, *arrivals: object, last: int = 1100, first: int = 1001) -> payments.Window:
    with database.atomic() as tx:
        heights = Heights(first, last, after(last - 1000), {"stake": 7})
        return payments.add_window(tx, CHAIN, PAYEE, arrivals, heights, after(last))  # type: ignore[arg-type]


def test_a_payment_comes_back_as_it_was_read(database: Database) -> None:
    over_ibc = arrive(
        2,
        2**200,
        kind=ArrivalKind.IBC,
        sender=None,
        senders=3,
        memo="rc1…\n\u202e",
        outer_memo="another",
        packet=PacketKey("", "transfer", "channel-3", 9),
        signed=False,
        channel=ChannelEnd(CHAIN, "transfer", "channel-0"),
        denom="ibc/" + "A" * 64,
    )
    for arrival in (arrive(), over_ibc):
        window = read(database, arrival)
        (stored,) = window.new
        assert payments.get(database, arrival.identity) == stored
        assert stored.arrival == arrival
        assert (stored.payee, stored.id, stored.match) == (PAYEE, name_of(arrival), None)


def test_a_payment_seen_again_is_the_same_payment(database: Database) -> None:
    arrival = arrive()
    assert len(read(database, arrival, arrival).new) == 1
    assert read(database, arrival, last=1200).new == ()
    with open_database(database.path or "") as another:
        assert read(another, arrival).new == ()
    assert len(payments.page(database, 9)) == 1


def test_two_coins_of_one_transaction_are_two_payments(database: Database) -> None:
    window = read(database, arrive(), arrive(ordinal=1), arrive(denom="uatom"), arrive(chain="beta-1"))
    assert len(window.new) == 4
    assert len(payments.find(database, window.new[0].id.tx)) == 4


def test_a_node_that_tells_another_amount_of_a_known_payment_changes_nothing(database: Database) -> None:
    read(database, arrive(amount=100))
    lie = arrive(amount=999)
    assert read(database, lie).differing == (lie,)
    stored = payments.get(database, lie.identity)
    assert stored
    assert stored.arrival.coin.amount == 100


def test_the_same_payment_told_in_other_words_is_no_difference(database: Database) -> None:
    read(database, arrive())
    assert read(database, replace(arrive(), sender=None, kind=ArrivalKind.OTHER)).differing == ()


def test_two_readers_at_once_count_a_payment_once(database: Database) -> None:
    path = database.path or Path()
    found: list[int] = []

    def run() -> None:
        with open_database(path) as own:
            found.append(len(read(own, *(arrive(number) for number in range(50))).new))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 0, 50]


def test_payments_and_the_height_they_were_read_at_are_kept_together_or_not_at_all(database: Database) -> None:
    def crash() -> None:
        with database.atomic() as tx:
            payments.add_window(tx, CHAIN, PAYEE, [arrive()], Heights(1001, 1100, after(100)), after(100))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    cursor = cursors.find(database, CHAIN, PAYEE)
    assert cursor
    assert (cursor.read_through, payments.page(database, 9)) == (1000, [])


def test_a_window_that_would_leave_heights_unread_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="below 1002"):
        read(database, arrive(), first=1002)
    read(database, first=900)
    read(database, first=1101, last=1150)


def test_a_slower_reader_does_not_take_the_reading_back(database: Database) -> None:
    read(database, last=1200)
    read(database, arrive(), last=1100)
    (cursor,) = cursors.every(database)
    assert (cursor.read_through, cursor.read_through_time) == (1200, after(200))


def test_a_chain_that_is_not_read_yet_gets_no_payments(database: Database) -> None:
    with pytest.raises(ValueError, match="were not read"), database.atomic() as tx:
        payments.add_window(tx, "beta-1", PAYEE, [], Heights(1, 2, after(0)), after(0))


# What a payment is for


def test_a_payment_is_for_one_token_for_ever(database: Database) -> None:
    with database.atomic() as tx:
        first, second = keep(tx, make(1)), keep(tx, make(2))
    read(database, arrive())
    with database.atomic() as tx:
        payments.match(tx, arrive().identity, first, How.MEMO, "watch", "", after(61))
    for order_id in (first, second):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            payments.assign(tx, arrive().identity, order_id, "ann", "she asked", after(62))
    (stored,) = payments.of_token(database, first)
    assert stored.match == (first, How.MEMO, "watch", "", after(61))
    assert payments.of_token(database, second) == payments.orphans(database, 9) == []


def test_nothing_is_assigned_that_is_not_there_or_without_a_reason(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make())
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        payments.assign(tx, arrive().identity, order_id, "ann", "she asked", after(62))
    read(database, arrive())
    for order, why in ((order_id, ""), ("0" * 16, "she asked")):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            payments.assign(tx, arrive().identity, order, "ann", why, after(62))
    assert [stored.id for stored in payments.orphans(database, 9)] == [name_of(arrive())]


def test_a_refused_match_leaves_the_orphan_an_orphan(database: Database) -> None:
    read(database, arrive())
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        payments.match(tx, arrive().identity, "0" * 16, How.MEMO, "watch", "", after(61))
    assert payments.count_orphans(database) == 1


def test_orphans_are_told_apart_and_leave_when_they_are_explained(database: Database) -> None:
    back = arrive(4, kind=ArrivalKind.RETURNED)
    read(database, *(arrive(number, at=60 + number) for number in range(4)), back, arrive(9, chain="beta-1"))
    with database.atomic() as tx:
        assert payments.mark(tx, arrive(0).identity, Orphan.OURS_LOST)
        assert payments.mark(tx, arrive(1).identity, Orphan.OWN)
        assert payments.explain(tx, arrive(2).identity)
        assert not payments.explain(tx, arrive(2).identity)
        assert not payments.mark(tx, arrive(2).identity, Orphan.OWN)
    kinds = {kind: [stored.id for stored in payments.orphans(database, 9, kind=kind, chain=CHAIN)] for kind in Orphan}
    assert kinds == {
        Orphan.ORPHAN: [name_of(arrive(3))],
        Orphan.OURS_LOST: [name_of(arrive(0))],
        Orphan.OWN: [name_of(arrive(1))],
        Orphan.RETURNED: [name_of(back)],
    }
    assert len(payments.orphans(database, 9)) == payments.count_orphans(database) == 2
    assert payments.orphan_kind(database, arrive(1).identity) is Orphan.OWN
    assert payments.orphan_kind(database, arrive(2).identity) is None


# Lists


def test_a_list_shows_the_newest_first_and_keeps_to_what_was_asked(database: Database) -> None:
    some = [arrive(n, at=n, sender=f"cosmos1{n % 2}", chain=("beta-1", CHAIN)[n > 1]) for n in range(1, 6)]
    read(database, *some)
    names = [name_of(arrival) for arrival in some[::-1]]
    assert [stored.id for stored in payments.page(database, 9)] == names
    assert [stored.id for stored in payments.page(database, 2, 1)] == names[1:3]
    assert [stored.id for stored in payments.page(database, 9, chain=CHAIN)] == names[:4]
    assert [stored.id for stored in payments.page(database, 9, sender="cosmos11")] == names[::2]
    assert [stored.id for stored in payments.page(database, 9, sender="cosmos11", chain="beta-1")] == names[4:]
    assert [stored.id for stored in payments.page(database, 9, as_of=after(3))] == names[2:]


def test_a_transaction_is_found_by_its_hash_in_any_case_or_its_start(database: Database) -> None:
    read(database, arrive(1), arrive(2))
    name = arrive(1).tx_hash
    for text in (name, name.lower(), f" 0x{name.lower()}\n", name[:12]):
        assert [stored.id for stored in payments.find(database, text)] == [name_of(arrive(1))]
    assert payments.find(database, "") == payments.find(database, "zz") == []
    read(database, replace(arrive(1), tx_hash=name[:12] + "F" * 52))
    with pytest.raises(UsageError, match="several"):
        payments.find(database, name[:12])


def test_a_hash_in_small_letters_would_be_a_second_payment_and_is_refused(database: Database) -> None:
    with pytest.raises(RuleBrokenError):
        read(database, replace(arrive(), tx_hash=arrive().tx_hash.lower()))


def test_a_token_lists_its_payments_in_the_order_of_the_chain(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make())
    read(database, arrive(1, at=90), arrive(2, at=30))
    with database.atomic() as tx:
        for number in (1, 2):
            payments.match(tx, arrive(number, at=0).identity, order_id, How.MEMO, "watch", "", after(100))
    assert [stored.arrival.height for stored in payments.of_token(database, order_id)] == [1030, 1090]


# How far was read


def test_reading_begins_once(database: Database) -> None:
    with database.atomic() as tx:
        cursor = cursors.begin(tx, CHAIN, PAYEE, 5, after(9), {}, after(9))
    assert (cursor.opening_height, cursor.opening) == (1000, {"stake": 1000})
    assert cursors.find(database, CHAIN, "cosmos1other") is None


def test_the_opening_moves_down_only(database: Database) -> None:
    with database.atomic() as tx:
        assert cursors.lower_opening(tx, CHAIN, PAYEE, 900, {"stake": 2**100})
        assert not cursors.lower_opening(tx, CHAIN, PAYEE, 950, {})
    cursor = cursors.find(database, CHAIN, PAYEE)
    assert cursor
    assert (cursor.opening_height, cursor.opening) == (900, {"stake": 2**100})


def test_a_failed_reading_keeps_how_far_was_read_and_the_next_good_one_clears_it(database: Database) -> None:
    read(database, last=1100)
    with database.atomic() as tx:
        cursors.fail(tx, CHAIN, PAYEE, "node is down", after(200))
    (cursor,) = cursors.every(database)
    assert (cursor.read_through, cursor.failed_at, cursor.error) == (1100, after(200), "node is down")
    read(database, last=1101, first=1101)
    (cursor,) = cursors.every(database)
    assert (cursor.read_through, cursor.failed_at, cursor.error) == (1101, None, None)
    assert cursor.held == {"stake": 7}


def test_heights_are_read_again_after_a_rewind(database: Database) -> None:
    read(database, last=1100)
    with database.atomic() as tx:
        assert cursors.rewind(tx, CHAIN, PAYEE, 1050, after(50), {"stake": 3})
        assert not cursors.rewind(tx, CHAIN, PAYEE, 1060, after(60), {})
    (cursor,) = cursors.every(database)
    assert (cursor.read_through, cursor.read_through_time, cursor.held) == (1050, after(50), {"stake": 3})


def test_a_gap_stays_open_until_somebody_accepts_it_with_a_reason(database: Database) -> None:
    with database.atomic() as tx:
        gap_id = cursors.add_gap(tx, CHAIN, PAYEE, 1001, 1010, "pruned", after(1))
        assert cursors.add_gap(tx, CHAIN, PAYEE, 1001, 1010, "pruned", after(2)) == gap_id
    assert [gap.id for gap in cursors.gaps(database, CHAIN, open_only=True)] == [gap_id]
    for number, why in ((gap_id, ""), (99, "no archive")):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            cursors.accept_gap(tx, number, "ann", why, after(3))
    with database.atomic() as tx:
        assert cursors.accept_gap(tx, gap_id, "ann", "no archive", after(4))
        assert not cursors.accept_gap(tx, gap_id, "bob", "me too", after(5))
    assert cursors.gaps(database, CHAIN, open_only=True) == cursors.gaps(database, "beta-1") == []
    (gap,) = cursors.gaps(database)
    assert (gap.first, gap.last, gap.why, gap.found_at) == (1001, 1010, "pruned", after(1))
    assert gap.accepted == ("ann", "no archive", after(4))


def test_an_identity_is_one_by_whatever_name(database: Database) -> None:
    read(database, arrive())
    assert isinstance(arrive().identity, ArrivalId)
    assert payments.get(database, name_of(arrive())) == payments.get(database, arrive().identity)
    assert tokens.page(database, 9) == []
