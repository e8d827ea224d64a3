"""What commands share, where a person breaks off."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from relayclear.cli.face import Face
from relayclear.config.settings import Settings
from relayclear.usecases.desk import Desk


def test_a_second_interrupt_leaves_as_one_and_not_with_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled(_: Desk) -> int:
        raise asyncio.CancelledError

    @asynccontextmanager
    async def nothing(_: Settings) -> AsyncIterator[Desk]:
        yield cast("Desk", None)

    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(KeyboardInterrupt):
        Face(opener=nothing).run(cancelled)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_program_or_the_daemon_is_asked_for_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Face().settings().ask is None
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert Face().settings().ask is not None
    assert Face(json=True).settings().ask is None
    assert Face(unattended=True).settings().ask is None
