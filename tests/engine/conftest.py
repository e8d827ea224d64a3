"""A database of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relayclear.store.db import open_database
from tests.engine.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with open_database(tmp_path / "relayclear.db", busy_seconds=0.05) as database:
        yield Rig(database)
