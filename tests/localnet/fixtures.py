"""Real networks for tests: one per worker process, or one of its own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.localnet import build
from tests.localnet.network import Network, Template
from tests.localnet.relayer import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localnet.channels import Channel

VARIABLE = "RELAYCLEAR_LOCALNET"


def required() -> bool:
    """Whether these tests must run: then a skip is a failure."""
    return os.environ.get(VARIABLE) == "require"


def why_not() -> str | None:
    """Why the tests of the real network can't run here; None when they can."""
    asked = os.environ.get(VARIABLE, "")
    if asked == "require":
        return None
    if asked != "auto":
        return f"needs the real network: {VARIABLE}=require builds what is missing, {VARIABLE}=auto uses what is there"
    outdated = build.outdated()
    missing = "; ".join(build.missing_tools(outdated))
    if outdated:
        return f"not built: {', '.join(outdated)}" + (f"; missing here: {missing}" if missing else "")
    return None


class Pool:
    """One running network after the other: when its unused channels run out, a new copy is quicker than a handshake."""

    def __init__(self, factory: pytest.TempPathFactory, template: Template) -> None:
        """Nothing is started before it is asked for."""
        self._factory = factory
        self._template: Template = template
        self._network: Network | None = None

    def get(self) -> Network:
        """A network with an unused channel of every kind and the configs as they were."""
        if self._network is not None and not _has_all(self._network):
            self.close()
        if self._network is None:
            self._network = Network.start(self._factory.mktemp(f"{self._template}-network"), template=self._template)
        if self._network.settings != Settings():
            self._network.configure(excluded={}, max_memo=Settings().max_memo)
        return self._network

    def close(self) -> None:
        """Discard what runs."""
        if self._network is not None:
            discard(self._network)
            self._network = None


@pytest.fixture(scope="session")
def _programs() -> None:
    """The built programs. Whatever asks for this, directly or not, is a test of the real network."""
    if required():
        build.build()


@pytest.fixture(scope="session")
def _plain_pool(tmp_path_factory: pytest.TempPathFactory, _programs: None) -> Iterator[Pool]:
    pool = Pool(tmp_path_factory, "plain")
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def _expired_pool(tmp_path_factory: pytest.TempPathFactory, _programs: None) -> Iterator[Pool]:
    pool = Pool(tmp_path_factory, "expired")
    yield pool
    pool.close()


@pytest.fixture
def network(_plain_pool: Pool) -> Network:
    """The worker's network, shared with its other tests: use a channel of your own."""
    return _plain_pool.get()


@pytest.fixture
def expired_network(_expired_pool: Pool) -> Network:
    """The worker's network with the dead paths."""
    return _expired_pool.get()


@pytest.fixture
def channel(network: Network) -> Channel:
    """A pair of transfer channels of `network` on which nothing was ever sent."""
    return network.fresh_channel()


@pytest.fixture
def own_network(tmp_path: Path, _programs: None) -> Iterator[Network]:
    """A network for this test alone: freeze, stop and break what you like."""
    own = Network.start(tmp_path / "network")
    yield own
    discard(own)


def _has_all(network: Network) -> bool:
    return all(network.unused(kind) for kind in ("transfer", "ordered", "mock"))


def discard(network: Network) -> None:
    """Stop a network and delete its homes; logs and configs stay for whoever looks into a failure."""
    network.stop()
    for node in network.nodes():
        shutil.rmtree(node.home, ignore_errors=True)
