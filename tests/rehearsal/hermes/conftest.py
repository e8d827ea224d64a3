"""A playground for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsal.hermes.playing import Playground


@pytest.fixture(autouse=True)
def _plain_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors on one line, whatever the machine's own setting."""
    monkeypatch.delenv("RUST_BACKTRACE", raising=False)


@pytest.fixture
def ground(tmp_path: Path) -> Playground:
    """Two chains with a channel between them, and the stand-in's config and keys."""
    return Playground(tmp_path)
