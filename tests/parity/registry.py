"""The cases, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.parity.side import Side

Case = Callable[[Side], Any]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Make a function a case; its name tells what is compared."""
    name = function.__name__
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    CASES[name] = function
    return function
