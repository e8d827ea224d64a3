"""The newest step that Hermes claims of each packet of a run under way.  Coordination: never judged by."""

from __future__ import annotations

from collections.abc import Mapping

from relayclear.store.db import Reads, Transaction

# Only while an attempt is open: a process that lost its work must not leave a step that nobody forgets.
SET_STEP = """
INSERT INTO relay_steps (operation_id, sequence, step)
SELECT ?, ?, ? WHERE EXISTS (
  SELECT 1 FROM attempts a LEFT JOIN attempt_ends e ON e.operation_id = a.operation_id AND e.number = a.number
  WHERE a.operation_id = ? AND e.ended_at IS NULL)
ON CONFLICT (operation_id, sequence) DO UPDATE SET step = excluded.step"""
DROP_STEPS = "DELETE FROM relay_steps WHERE operation_id = ?"
# All there are: a run has no more packets than a bite, and few run at a time.
SELECT_RELAY_STEPS = "SELECT operation_id, sequence, step FROM relay_steps ORDER BY operation_id, sequence"


def keep(tx: Transaction, operation_id: str, steps: Mapping[int, str]) -> None:
    """Keep the newest step by sequence; nothing where no attempt of the operation is open."""
    rows = ((operation_id, sequence, step, operation_id) for sequence, step in steps.items())
    tx.execute_each(SET_STEP, rows)


def forget(tx: Transaction, operation_id: str) -> None:
    """Its attempt has ended: the chains say what became of its packets."""
    tx.execute(DROP_STEPS, (operation_id,))


def every(reads: Reads) -> dict[str, dict[int, str]]:
    """The newest step by operation and sequence."""
    found: dict[str, dict[int, str]] = {}
    for operation_id, sequence, step in reads.rows(SELECT_RELAY_STEPS):
        found.setdefault(operation_id, {})[sequence] = step
    return found
