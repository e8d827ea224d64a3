"""Two chains, a channel, a Hermes and a database for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.rig import Rig
from tests.usecases.paying import Till


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Till:
    return Till(rig, tmp_path / "shop")
