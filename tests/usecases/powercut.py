"""Power that fails at the n-th thing a process does: a call over a port, or a commit, before it or after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from relayclear.store.db import Database, Transaction
from tests.fakes.chain import FakeChain
from tests.fakes.wallet import FakeWallet


class PowerCutError(BaseException):
    """The process is gone: nothing that it would have done comes about."""


class Power:
    """Counts what happens, and fails at the `at`-th, counted from 1; 0 never fails."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.happened: list[str] = []

    def __call__(self, what: str) -> None:
        """Something happens."""
        self.happened.append(what)
        if 0 < self.at <= len(self.happened):
            raise PowerCutError(what)


class CutDatabase:
    """A real database whose commits count: once before it, once after it."""

    def __init__(self, database: Database, power: Power) -> None:
        self._database = database
        self._power = power

    def __getattr__(self, name: str) -> Any:
        """Everything else is the real one's."""
        return getattr(self._database, name)

    @contextmanager
    def atomic(self) -> Iterator[Transaction]:
        """The real one's."""
        with self._database.atomic() as tx:
            yield tx
            # Still inside: the power fails before anything of it is on the disk.
            self._power("before commit")
        self._power("after commit")


class CutWallet(FakeWallet):
    """A wallet whose signings count: before and after."""

    power: Power = Power()

    def sign(self, draft: Any) -> Any:
        """The real one's."""
        self.power("before sign")
        signed = super().sign(draft)
        self.power("after sign")
        return signed


@contextmanager
def cut(chains: dict[str, FakeChain], power: Power) -> Iterator[None]:
    """Let every question to the chains count, and the moment after a broadcast has arrived."""
    for chain in chains.values():
        chain.heard = power
    try:
        yield
    finally:
        for chain in chains.values():
            chain.heard = None
