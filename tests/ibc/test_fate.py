"""What became of a packet, by the table in the docstring, and by whom."""

from __future__ import annotations

from hashlib import sha256
from itertools import product

import pytest

from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import SUCCESS_ACK, Ack, Doer, Fate, deciding_steps, doer_of, fate_of, read_ack
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.triage import PacketClass
from tests.ibc.tables import Row, by_first_row, table

Case = tuple[bool | None, bool | None, Ack, PacketClass]
UNREADABLE = "a side can't be read"


def fits(row: Row, case: Case) -> bool:
    committed, received, ack, before = case
    if row[0] == UNREADABLE:
        return committed is None or received is None
    return (
        committed is {"gone": False, "there": True}[row[0]]
        and (row[1] == "-" or received is {"yes": True, "no": False}[row[1]])
        and (row[2] == "-" or ack in row[2].split(", "))
        and (row[3] in {"-", "other"} or before in row[3].split(", "))
    )


ROWS = table(fate_of)
CASES = by_first_row(ROWS, product((True, False, None), (True, False, None), Ack, PacketClass), fits)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_fate_is_that_of_the_first_row_that_fits(row: Row) -> None:
    assert CASES[row], "no case ever reaches this row"
    fates = {fate_of(before, committed=c, received=r, ack=ack) for c, r, ack, before in CASES[row]}
    assert fates == {row[-1]}


def test_the_table_names_every_fate() -> None:
    assert {row[-1] for row in ROWS} == set(Fate)


def test_a_side_that_can_not_be_read_never_says_anything_good() -> None:
    for before, other in product(PacketClass, (True, False, None)):
        assert fate_of(before, committed=None, received=other, ack=Ack.SUCCESS) is Fate.UNKNOWN
        assert fate_of(before, committed=other, received=None, ack=Ack.SUCCESS) is Fate.UNKNOWN


@pytest.mark.parametrize(
    ("stored", "ics20", "ack"),
    [
        (None, True, Ack.NONE),
        (None, False, Ack.NONE),
        (sha256(b'{"result":"AQ=="}').digest(), True, Ack.SUCCESS),
        (sha256(b'{"result":"AQ=="}').digest(), False, Ack.SUCCESS),
        (sha256(b'{"error":"ABCI code: 5"}').digest(), True, Ack.ERROR),
        (sha256(b"anything").digest(), False, Ack.OTHER),
        (b"", True, Ack.ERROR),
    ],
)
def test_an_acknowledgement_is_told_by_its_hash(stored: bytes | None, ics20: bool, ack: Ack) -> None:  # noqa: FBT001 - a column
    assert read_ack(stored, ics20=ics20) is ack


def test_the_success_acknowledgement_is_the_one_that_ibc_go_writes() -> None:
    assert SUCCESS_ACK.hex() == "7b22726573756c74223a2241513d3d227d"


# By whom

OURS = {"alpha-1": {"cosmos1us"}, "beta-1": {"osmo1us"}}


def moved(step: RelayStep, relayer: str, chain: str = "beta-1") -> RelayTx:
    return RelayTx(chain, step, "AB", 1, None, relayer, (Coin("uatom", 1),), 1)


DECIDING = {
    PacketClass.PENDING: (RelayStep.RECV, RelayStep.TIMEOUT),
    PacketClass.IN_FLIGHT: (RelayStep.RECV, RelayStep.TIMEOUT),
    PacketClass.STUCK: (RelayStep.RECV, RelayStep.TIMEOUT),
    PacketClass.TIMED_OUT: (RelayStep.TIMEOUT, RelayStep.RECV),
    PacketClass.TIMEOUT_ON_CLOSE: (RelayStep.TIMEOUT, RelayStep.RECV),
    PacketClass.ACK_MISSING: (RelayStep.ACK,),
    PacketClass.ASYNC_ACK: (RelayStep.ACK,),
}


@pytest.mark.parametrize("before", PacketClass)
def test_what_ended_the_wait_decides(before: PacketClass) -> None:
    assert deciding_steps(before) == DECIDING[before]
    for step in RelayStep:
        expected = (Doer.US, Doer.OTHER) if step in DECIDING[before] else (Doer.UNKNOWN, Doer.UNKNOWN)
        assert (doer_of(before, [moved(step, "osmo1us")], OURS), doer_of(before, [moved(step, "x")], OURS)) == expected


def test_an_index_that_shows_nothing_proves_nothing() -> None:
    assert doer_of(PacketClass.STUCK, [], OURS) is Doer.UNKNOWN


def test_a_rival_that_brought_only_the_acknowledgement_takes_nothing_from_our_delivery() -> None:
    txs = [moved(RelayStep.ACK, "rival", "alpha-1"), moved(RelayStep.RECV, "osmo1us")]
    assert doer_of(PacketClass.STUCK, txs, OURS) is Doer.US


def test_our_address_counts_only_on_its_own_chain() -> None:
    assert doer_of(PacketClass.STUCK, [moved(RelayStep.RECV, "cosmos1us")], OURS) is Doer.OTHER
    assert doer_of(PacketClass.STUCK, [moved(RelayStep.RECV, "osmo1us", "gamma-1")], OURS) is Doer.OTHER


def test_the_step_that_the_class_waited_for_comes_before_the_other() -> None:
    txs = [moved(RelayStep.RECV, "rival"), moved(RelayStep.TIMEOUT, "cosmos1us", "alpha-1")]
    assert doer_of(PacketClass.TIMED_OUT, txs, OURS) is Doer.US
    assert doer_of(PacketClass.STUCK, txs, OURS) is Doer.OTHER
