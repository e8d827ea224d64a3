"""Attempts of an operation: the intent, the run, the judgement, each added in its own commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from relayclear.clearing.operation import Attempt, PacketAfter, PacketBefore
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.relayer import RelayEvent, RelayRun
from relayclear.ibc.triage import PacketClass
from relayclear.store import values
from relayclear.store.db import Reads, Row, Transaction

ADD_ATTEMPT = "INSERT INTO attempts (operation_id, number, started_at, argv) VALUES (?, ?, ?, ?)"
SELECT_ATTEMPTS = """
SELECT a.operation_id, a.number, a.started_at, a.argv, e.ended_at, e.extra
FROM attempts a LEFT JOIN attempt_ends e ON e.operation_id = a.operation_id AND e.number = a.number
WHERE a.operation_id IN (?*) ORDER BY a.operation_id, a.number"""
SELECT_NEWEST = """
SELECT a.number, e.ended_at
FROM attempts a LEFT JOIN attempt_ends e ON e.operation_id = a.operation_id AND e.number = a.number
WHERE a.operation_id = ? ORDER BY a.number DESC LIMIT 1"""

ADD_BEFORE = """
INSERT INTO packets_before (operation_id, number, sequence, position, packet_class, commitment, heights, blocked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_BEFORE = """
SELECT operation_id, number, sequence, packet_class, commitment, heights, blocked
FROM packets_before WHERE operation_id IN (?*) ORDER BY operation_id, number, position"""

ADD_RUN = """
INSERT INTO relay_runs (operation_id, number, version, argv, exit_code, seconds, ended, events, complaints, output)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_RUNS = """
SELECT operation_id, number, version, argv, exit_code, seconds, ended, events, complaints, output
FROM relay_runs WHERE operation_id IN (?*)"""

ADD_END = "INSERT INTO attempt_ends (operation_id, number, ended_at, extra) VALUES (?, ?, ?, ?)"
ADD_AFTER = """
INSERT INTO packets_after
  (operation_id, number, sequence, position, fate, doer, committed, received, ack_success, heights, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_AFTER = """
SELECT operation_id, number, sequence, fate, doer, committed, received, ack_success, heights, reason
FROM packets_after WHERE operation_id IN (?*) ORDER BY operation_id, number, position"""
ADD_TX = """
INSERT INTO relay_txs
  (operation_id, number, sequence, position, chain, step, hash, height, included_at, relayer, fee, gas_used, ack)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_TXS = """
SELECT operation_id, number, sequence, chain, step, hash, height, included_at, relayer, fee, gas_used, ack
FROM relay_txs WHERE operation_id IN (?*) ORDER BY operation_id, number, sequence, position"""


def newest(reads: Reads, operation_id: str) -> tuple[int, bool]:
    """The number of the newest attempt and whether it has ended; (0, True) before the first."""
    row = reads.row(SELECT_NEWEST, (operation_id,))
    return (row[0], row[1] is not None) if row else (0, True)


def add(tx: Transaction, operation_id: str, attempt: Attempt) -> None:
    """Write an attempt's intent: what will be run, and the packets as they stand."""
    name = (operation_id, attempt.number)
    tx.execute(ADD_ATTEMPT, (*name, values.time_text(attempt.started_at), values.json_text(attempt.argv)))
    tx.execute_each(
        ADD_BEFORE,
        [
            (
                *name,
                packet.sequence,
                position,
                packet.packet_class,
                packet.commitment,
                values.heights_text(packet.heights),
                packet.blocked,
            )
            for position, packet in enumerate(attempt.before)
        ],
    )


def add_run(tx: Transaction, operation_id: str, number: int, run: RelayRun) -> None:
    """Write what the relayer did and said."""
    events = [[event.step, *event.key] for event in run.events]
    tx.execute(
        ADD_RUN,
        (
            operation_id,
            number,
            run.version,
            values.json_text(run.argv),
            run.exit_code,
            run.seconds,
            run.ended,
            values.json_text(events),
            values.json_text(run.complaints),
            run.output,
        ),
    )


def add_end(
    tx: Transaction,
    operation_id: str,
    number: int,
    after: Sequence[PacketAfter],
    extra: Iterable[PacketKey],
    at: datetime,
) -> None:
    """Write the judgement of every packet, with the transactions that moved it."""
    name = (operation_id, number)
    tx.execute(ADD_END, (*name, values.time_text(at), values.keys_text(extra)))
    tx.execute_each(
        ADD_AFTER,
        [
            (
                *name,
                packet.sequence,
                position,
                packet.fate,
                packet.by,
                packet.committed,
                packet.received,
                packet.ack_success,
                values.heights_text(packet.heights),
                packet.reason,
            )
            for position, packet in enumerate(after)
        ],
    )
    tx.execute_each(
        ADD_TX,
        [
            (
                *name,
                packet.sequence,
                position,
                moved.chain,
                moved.step,
                moved.hash,
                moved.height,
                values.optional_time_text(moved.at),
                moved.relayer,
                values.coins_text(moved.fee),
                moved.gas_used,
                moved.ack,
            )
            for packet in after
            for position, moved in enumerate(packet.txs)
        ],
    )


def load(reads: Reads, operation_ids: Sequence[str]) -> dict[str, tuple[Attempt, ...]]:
    """All attempts of the operations, in order."""
    before = _grouped(reads, SELECT_BEFORE, operation_ids, 2)
    runs = _grouped(reads, SELECT_RUNS, operation_ids, 2)
    after = _grouped(reads, SELECT_AFTER, operation_ids, 2)
    txs = _grouped(reads, SELECT_TXS, operation_ids, 3)
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    for operation_id, number, started_at, argv, ended_at, extra in reads.rows_in(SELECT_ATTEMPTS, (), operation_ids):
        name = (operation_id, number)
        found[operation_id].append(
            Attempt(
                number,
                values.read_time(started_at),
                tuple(map(_before, before[name])),
                tuple(values.read_json(argv)),
                next(map(_run, runs[name]), None),
                tuple(_after(row, txs[(*name, row[0])]) for row in after[name]),
                values.read_keys(extra) if extra else (),
                values.read_optional_time(ended_at),
            )
        )
    return {operation_id: tuple(attempts) for operation_id, attempts in found.items()}


def _grouped(
    reads: Reads, sql: str, operation_ids: Sequence[str], width: int
) -> defaultdict[tuple[Any, ...], list[Row]]:
    """Rows without their first `width` columns, by those columns."""
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in reads.rows_in(sql, (), operation_ids):
        groups[row[:width]].append(row[width:])
    return groups


def _before(row: Row) -> PacketBefore:
    sequence, packet_class, commitment, heights, blocked = row
    known = None if packet_class is None else PacketClass(packet_class)
    return PacketBefore(sequence, known, commitment, values.read_json(heights), blocked)


def _run(row: Row) -> RelayRun:
    version, argv, exit_code, seconds, ended, events, complaints, output = row
    return RelayRun(
        version,
        tuple(values.read_json(argv)),
        exit_code,
        seconds,
        bool(ended),
        tuple(RelayEvent(step, PacketKey(*key)) for step, *key in values.read_json(events)),
        tuple(values.read_json(complaints)),
        output,
    )


def _after(row: Row, txs: Iterable[Row]) -> PacketAfter:
    sequence, fate, doer, committed, received, ack_success, heights, reason = row
    return PacketAfter(
        sequence,
        Fate(fate),
        Doer(doer),
        values.read_optional_bool(committed),
        values.read_optional_bool(received),
        values.read_optional_bool(ack_success),
        values.read_json(heights),
        tuple(map(_tx, txs)),
        reason,
    )


def _tx(row: Row) -> RelayTx:
    chain, step, tx_hash, height, included_at, relayer, fee, gas_used, ack = row
    return RelayTx(
        chain,
        RelayStep(step),
        tx_hash,
        height,
        values.read_optional_time(included_at),
        relayer,
        values.read_coins(fee),
        gas_used,
        ack,
    )
