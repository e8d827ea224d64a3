"""A database of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "relayclear.db", busy_seconds=0.05) as opened:
        yield opened


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)
