"""Whatever the rehearsal network shows, the real one shows too; and the other way round."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.localnet.fixtures import why_not
from tests.parity import (  # importing them registers the cases
    cases_accounts,  # noqa: F401
    cases_broadcast,  # noqa: F401
    cases_channels,  # noqa: F401
    cases_commitments,  # noqa: F401
    cases_events,  # noqa: F401
    cases_hermes,  # noqa: F401
    cases_live,  # noqa: F401
    cases_nodes,  # noqa: F401
    cases_packets,  # noqa: F401
    cases_paths,  # noqa: F401
    cases_queries,  # noqa: F401
    cases_refunds,  # noqa: F401
    cases_searches,  # noqa: F401
    cases_selling,  # noqa: F401
    cases_simulations,  # noqa: F401
    cases_spending,  # noqa: F401
)
from tests.parity.comparing import GOLDEN, Difference, agree, differences, ends_alike, golden, write
from tests.parity.normal import normalise
from tests.parity.registry import CASES
from tests.parity.side import Side

WRITE = "RELAYCLEAR_WRITE_PARITY"

_HEADER = "/last/result/*/UpdateClient/header/Tendermint/*"
_UNSIGNED = "nobody signs simulated blocks: their headers have neither commit nor validators"

DIFFERENCES: Sequence[Difference] = (
    Difference("hermes_clears_*", _HEADER, _UNSIGNED),
    Difference("hermes_brings_an_acknowledgement", _HEADER, _UNSIGNED),
    Difference("hermes_with_a_config_that_is_no_toml", "/stderr", "the words are those of Rust's TOML parser"),
    Difference(
        "hermes_with_a_config_that_has_an_unknown_key", "/stderr", "Python's TOML parser tells no line of a key"
    ),
)


def _observed(side: Side, case: str) -> Any:
    return normalise(CASES[case](side), side.literals())


@pytest.mark.localnet
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.parametrize("case", CASES)
def test_real_network_still_shows_what_was_recorded(case: str, localnet_side: Side) -> None:
    seen = _observed(localnet_side, case)
    if os.environ.get(WRITE):
        write(case, seen)
    found = agree(ends_alike(golden(case)), ends_alike(seen), case, ())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", CASES)
def test_rehearsal_network_shows_what_the_real_one_did(case: str, rehearsal_side: Side) -> None:
    found = agree(golden(case), _observed(rehearsal_side, case), case, DIFFERENCES)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("meant", DIFFERENCES)
def test_a_difference_that_is_gone_leaves_the_table(meant: Difference, rehearsal_side: Side) -> None:
    cases = [case for case in CASES if fnmatchcase(case, meant.case)]
    seen = (differences(golden(case), _observed(rehearsal_side, case)) for case in cases)
    assert any(fnmatchcase(path, meant.path) for found in seen for path, _, _ in found)


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(CASES)
