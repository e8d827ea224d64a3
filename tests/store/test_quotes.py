"""The file of signed quotes, and what our relays burned: each line whole, each figure our own."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore
from relayclear.errors import StoreError
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.store import gas, quotes
from relayclear.store.db import Database
from relayclear.store.journal import Journal
from tests.store.sold import DESTINATION, SOURCE, after, keep, make

OURS = {"alpha-1": frozenset({"us"}), "beta-1": frozenset({"us"})}


# The file


def test_a_quote_is_a_line_that_others_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "data" / "quotes.jsonl"
    before = os.umask(0)
    try:
        quotes.append(file, '{"one":1}\n')
    finally:
        os.umask(before)
    quotes.append(file, '{"two":2}')
    assert file.read_text() == '{"one":1}\n{"two":2}\n'
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_a_line_cut_short_by_a_crash_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "quotes.jsonl"
    file.write_text('{"one":1}\n{"tw')
    quotes.append(file, '{"three":3}')
    assert file.read_text().splitlines() == ['{"one":1}', '{"tw', '{"three":3}']


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error_and_not_a_quote(tmp_path: Path) -> None:
    file = tmp_path / "quotes.jsonl"
    quotes.append(file, "x" * 100)
    with disk_of(150), pytest.raises(StoreError, match="can't be written") as caught:
        quotes.append(file, "y" * 100)
    assert caught.value.code == "quotes_file"
    quotes.append(file, "z" * 100)
    assert file.read_text().splitlines()[-1] == "z" * 100


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be written"):
        quotes.append(tmp_path / "file" / "quotes.jsonl", "{}")


# What tokens tell


def test_a_key_id_is_never_given_twice(database: Database) -> None:
    assert quotes.highest_kid(database) == 0
    with database.atomic() as tx:
        keep(tx, make())
    assert quotes.highest_kid(database) == 7


def test_only_waived_quotes_of_late_count_against_the_budget(database: Database) -> None:
    with database.atomic() as tx:
        keep(tx, make(1, price=0), at=0)
        keep(tx, make(2, (3,), price=0), at=100)
        keep(tx, make(3, (4,)), at=100)
    (found,) = quotes.waived_since(database, after(50))
    assert (found.packets[0].key.sequence, found.waived) == (3, "a gift")
    assert len(quotes.waived_since(database, after(0))) == 2


# What our relays burned


def relayed(journal: Journal, number: int, *txs: RelayTx, count: int = 1) -> None:
    """An operation of `count` packets that all moved in these transactions."""
    name, sequences = f"op-{number}", list(range(number * 100, number * 100 + count))
    journal.add_operation(Operation(name, after(number), SOURCE, DESTINATION, SequenceRanges.of(sequences)))
    before = tuple(PacketBefore(sequence, None, None, {}) for sequence in sequences)
    journal.start_attempt(name, Attempt(1, after(number), before))
    done = [PacketAfter(one, Fate.DELIVERED, Doer.US, False, True, True, {}, txs) for one in sequences]
    journal.finish_attempt(name, 1, done, (), after(number) + timedelta(seconds=1))


def burned(chain: str, step: RelayStep, units: int, name: str = "AA", relayer: str = "us") -> RelayTx:
    return RelayTx(chain, step, name, 7, after(0), relayer, (Coin("stake", 1),), units, None)


def test_a_transactions_gas_is_parted_over_the_packets_it_moved(journal: Journal, database: Database) -> None:
    relayed(journal, 1, burned("beta-1", RelayStep.RECV, 300), burned("alpha-1", RelayStep.ACK, 90, "BB"), count=3)
    found = gas.recent(database, SOURCE, OURS)
    assert found == {("beta-1", RelayStep.RECV): [100], ("alpha-1", RelayStep.ACK): [30]}


def test_the_newest_relays_stand_first(journal: Journal, database: Database) -> None:
    for number in (1, 3, 2):
        relayed(journal, number, burned("beta-1", RelayStep.RECV, number, f"{number}"))
    assert gas.recent(database, SOURCE, OURS) == {("beta-1", RelayStep.RECV): [3, 2, 1]}


def test_gas_of_others_and_gas_that_no_node_told_does_not_count(journal: Journal, database: Database) -> None:
    relayed(journal, 1, burned("beta-1", RelayStep.RECV, 5, "AA", "rival"), burned("beta-1", RelayStep.RECV, 0, "BB"))
    assert gas.recent(database, SOURCE, OURS) == {}


def test_gas_of_another_channel_does_not_count(journal: Journal, database: Database) -> None:
    relayed(journal, 1, burned("beta-1", RelayStep.RECV, 5))
    assert gas.recent(database, DESTINATION, OURS) == {}
