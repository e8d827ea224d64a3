"""Building says what is missing, and notices changed sources; nothing is built here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.localnet import build, paths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_empty_cache")
def test_missing_tools_are_named_with_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name in {"go", "protoc"} else name)
    with pytest.raises(build.BuildError) as caught:
        build.build()
    said = str(caught.value)
    assert "https://go.dev/doc/install" in said
    assert "apt-get install protobuf-compiler" in said
    assert "rustup" not in said


@pytest.mark.usefixtures("_empty_cache")
def test_programs_of_other_sources_are_outdated() -> None:
    assert build.outdated() == ["simd", "simd10", "hermes"]
    paths.programs().mkdir(parents=True)
    for name in build.NAMES:
        paths.program(name).touch()
        (paths.programs() / f"{name}.sources").write_text(build.fingerprint(name), encoding="utf-8")
    assert build.outdated() == []
    (paths.programs() / "simd10.sources").write_text("older", encoding="utf-8")
    assert build.outdated() == ["simd10"]


def test_two_programs_are_never_taken_for_each_other() -> None:
    assert len({build.fingerprint(name) for name in build.NAMES}) == len(build.NAMES)
