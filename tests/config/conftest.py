"""A user's folders, and settings read from a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relayclear.config.loading import examine
from relayclear.config.places import Places
from relayclear.errors import ConfigError


@pytest.fixture
def places(tmp_path: Path) -> Places:
    home = tmp_path / "home"
    return Places(home / "config", home / "data", home / "state", home, tmp_path / "here")


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder / "relayclear.toml"


@pytest.fixture
def problems_of(config_file: Path, places: Places) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        config_file.write_text(text, encoding="utf-8")
        _, problems = examine(config_path=config_file, env={}, flags={}, places=places)
        assert all(isinstance(problem, ConfigError) for problem in problems)
        assert all(problem.message.startswith(f"{config_file}: ") for problem in problems)
        return [problem.message.removeprefix(f"{config_file}: ") for problem in problems]

    return read
