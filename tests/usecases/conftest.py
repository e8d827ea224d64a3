"""Two chains, a channel, a Hermes and a database for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.rig import Rig, opened_rig
from tests.usecases.paying import Till


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with opened_rig(tmp_path) as opened:
        yield opened


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Till:
    return Till(rig, tmp_path / "shop")
