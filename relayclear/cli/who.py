"""Who types: the name that the history keeps beside what a person did."""

from __future__ import annotations

import getpass
import os

VARIABLE = "RELAYCLEAR_OPERATOR"


def who() -> str:
    """RELAYCLEAR_OPERATOR, else the user's name on this machine; ``operator`` where it has none."""
    if named := os.environ.get(VARIABLE, "").strip():
        return named[:100]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
