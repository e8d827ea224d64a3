"""The table of faults and use cases is whole, and a small part of it is still true."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.faults import BY_NAME, FAULTS, not_tried
from tests.faults.matrix import GOLDEN, differences, read, rows_of
from tests.faults.uses import USES

# An outage that needs no waiting, words that prove nothing, coins that aren't there: one of each kind of fault.
SMALL = ("node: http_status 401", "hermes: do_nothing", "node: balances")


def test_a_fault_or_use_case_is_missing_from_the_table() -> None:
    assert not_tried() == set()
    rows = read(GOLDEN.read_text(encoding="utf-8"))
    names = [use.name for use in USES]
    assert [*rows] == [(fault.name, use) for fault in FAULTS for use in (*names, "watch", "afterwards")]


@pytest.mark.parametrize("name", SMALL)
def test_a_fault_crashes_something_or_makes_it_tell_an_untruth(tmp_path: Path, name: str) -> None:
    rows = rows_of(BY_NAME[name], USES, tmp_path / "world")
    wrong = differences(rows, read(GOLDEN.read_text(encoding="utf-8")))
    assert not wrong, "\n".join(wrong)
