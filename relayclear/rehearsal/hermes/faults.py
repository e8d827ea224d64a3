"""How the stand-in shall fail in this run: it asks the control port once, when it starts."""

from __future__ import annotations

from dataclasses import fields
from http.client import HTTPException
from typing import Any

from relayclear.rehearsal.faults import RelayerFaults
from relayclear.rehearsal.hermes import node

_SECONDS = 2.0


def ask(address: str) -> RelayerFaults:
    """The faults that are set just now at a control port; none when it doesn't answer."""
    try:
        return read(node.get(f"{address.rstrip('/')}/relayer/faults", _SECONDS))
    except (OSError, HTTPException, ValueError, TypeError):
        return RelayerFaults()


def read(told: Any) -> RelayerFaults:
    """The faults that a JSON object names; what isn't a fault's name is left out."""
    names = {one.name for one in fields(RelayerFaults)}
    return RelayerFaults(**{key: value for key, value in dict(told).items() if key in names})
