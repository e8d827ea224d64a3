"""Colours: every name can be had, a wrong one is said, and the key goes round."""

from __future__ import annotations

import pytest

from relayclear.dashboard.themes import DARK, LIGHT, NAMES, after, chosen


@pytest.mark.parametrize(
    ("name", "theme"),
    [("", DARK.name), ("dark", DARK.name), ("light", LIGHT.name), ("terminal", "ansi-dark"), *((n, n) for n in NAMES)],
)
def test_a_theme_can_not_be_had_by_its_name(name: str, theme: str) -> None:
    assert chosen(name) == (theme, None)


def test_a_mistyped_theme_is_taken_silently() -> None:
    theme, said = chosen("lihgt")

    assert theme == DARK.name
    assert said is not None
    assert all(name in said for name in NAMES)


def test_the_key_for_colours_ends_somewhere() -> None:
    seen = [NAMES[0]]
    for _ in NAMES:
        seen.append(after(seen[-1]))

    assert seen == [*NAMES, NAMES[0]]
    assert after("textual-dark") == NAMES[0]
