"""Which versions may be driven."""

from __future__ import annotations

import pytest

from relayclear.errors import HermesError, RefusedError
from relayclear.hermes.version import parse_version, refuse_unusable


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("hermes 1.10.5", (1, 10, 5)),
        ("hermes 1.13.2+0a1b2c3-dirty\n", (1, 13, 2)),
        ("hermes 1.8.2+abc\n2026-11-22T15:49:34Z  INFO ThreadId(01) running Hermes v1.8.2", (1, 8, 2)),
        ("a banner of the container\nhermes 1.12.0\n", (1, 12, 0)),
        ("hermes 2.0.0-rc.1", (2, 0, 0)),
    ],
)
def test_a_version_is_found_in_what_hermes_prints(printed: str, version: tuple[int, int, int]) -> None:
    assert parse_version(printed) == version
    refuse_unusable(version)


@pytest.mark.parametrize(
    "printed", ["", " \n", "hermes", "hermes 1.10", "rly 1.10.5", "hermes 1.10.5.1", "the hermes 1.10.5"]
)
def test_what_is_no_version_is_not_taken_for_one(printed: str) -> None:
    with pytest.raises(HermesError, match="no Hermes that we know"):
        parse_version(printed)


@pytest.mark.parametrize(
    ("version", "why"),
    [((1, 8, 1), "wrong channel"), ((1, 8, 0), "too old"), ((1, 7, 4), "too old"), ((0, 15, 0), "too old")],
)
def test_a_version_that_clears_wrongly_is_refused_with_the_reason(version: tuple[int, int, int], why: str) -> None:
    with pytest.raises(RefusedError, match=why) as caught:
        refuse_unusable(version)
    assert "1.8.2 or newer" in (caught.value.hint or "")
