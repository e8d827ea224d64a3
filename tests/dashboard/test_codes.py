"""Codes to scan: what is drawn is what a phone would read."""

from __future__ import annotations

import pytest
import segno

from relayclear.dashboard.codes import qr
from tests.fakes.world import address

READ = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


@pytest.mark.parametrize("text", ["rc10416pzm6qyhsjgh3b1exg5geqjgmdvr", address("payee", "alpha-1"), "x" * 120])
def test_the_drawn_code_has_every_dot_of_the_code_and_a_quiet_zone(text: str) -> None:
    drawn = qr(text)
    rows: list[list[int]] = []
    for line in drawn.plain.splitlines():
        rows.append([READ[one][0] for one in line])
        rows.append([READ[one][1] for one in line])
    meant = [[int(dot) for dot in row] for row in segno.make(text, micro=False, error="l").matrix]
    size = len(meant)
    assert [row[2 : 2 + size] for row in rows[2 : 2 + size]] == meant
    assert not any(map(any, (*rows[:2], *rows[2 + size :])))
    assert not any(any(row[:2]) or any(row[2 + size :]) for row in rows)


def test_a_code_is_dark_on_light_in_every_theme_and_fits_beside_its_text() -> None:
    drawn = qr(address("payee", "alpha-1"))
    assert str(drawn.style) == "black on white"
    lines = drawn.plain.splitlines()
    assert len(lines) <= 18
    assert max(map(len, lines)) <= 37
