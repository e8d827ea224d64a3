"""Both worlds, one of each per worker process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localnet import build
from tests.localnet.fixtures import required
from tests.parity.localnet_side import LocalnetSide
from tests.parity.rehearsal_side import RehearsalSide


@pytest.fixture(scope="package")
def localnet_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalnetSide]:
    """The real network."""
    if required():
        build.build()
    made = LocalnetSide(tmp_path_factory.mktemp("parity-localnet"))
    yield made
    made.close()


@pytest.fixture(scope="package")
def rehearsal_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalSide]:
    """The simulated one."""
    made = RehearsalSide(tmp_path_factory.mktemp("parity-rehearsal"))
    yield made
    made.close()
