"""Builds the three programs from sources, once; a copy whose sources changed is built again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.localnet import paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HERMES_VERSION = "1.10.5"
GO_MODULES = {"simd": "simd8", "simd10": "simd10"}
NAMES = (*GO_MODULES, "hermes")

_TOOLS = {
    "go": ("go", "Go 1.24 or newer: https://go.dev/doc/install"),
    "cargo": ("cargo", "Rust 1.76 or newer: https://rustup.rs"),
    "protoc": ("protoc", "protobuf-compiler: apt-get install protobuf-compiler, or brew install protobuf"),
    "clang": ("clang", "clang with libclang: apt-get install clang libclang-dev, or brew install llvm"),
}
_NEEDS = {"simd": ("go",), "simd10": ("go",), "hermes": ("cargo", "protoc", "clang")}
_PROGRESS_EVERY = 15.0


class BuildError(RuntimeError):
    """A program can't be built; the text says what is missing or what failed."""


@dataclass(frozen=True)
class Recipe:
    """How one program is made: a command, where it runs, and where its result appears."""

    argv: tuple[str, ...]
    cwd: Path
    result: Path
    environment: dict[str, str]


def fingerprint(name: str) -> str:
    """What a program was built from: changes when its sources do."""
    if name == "hermes":
        return f"ibc-relayer-cli {HERMES_VERSION}"
    digest = hashlib.sha256()
    module = paths.SOURCES / GO_MODULES[name]
    for path in sorted(p for p in module.iterdir() if p.suffix in {".go", ".mod", ".sum"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def outdated() -> list[str]:
    """The programs that aren't there or were built from other sources."""
    return [name for name in NAMES if not _is_current(name)]


def missing_tools(names: Sequence[str]) -> list[str]:
    """What must be installed before these programs can be built, each with how to get it."""
    needed = dict.fromkeys(tool for name in names for tool in _NEEDS[name])
    return [_TOOLS[tool][1] for tool in needed if shutil.which(_TOOLS[tool][0]) is None]


def build() -> list[str]:
    """Build what is outdated and return its names. Two callers never build at once: the second finds the work done."""
    if not outdated():
        return []
    with paths.locked("build"):
        names = outdated()
        if missing := missing_tools(names):
            listed = "\n".join(f"  - {tool}" for tool in missing)
            raise BuildError(f"cannot build {', '.join(names)}: missing on this machine:\n{listed}")
        for name in names:
            _build_one(name)
        return names


def _is_current(name: str) -> bool:
    stamp = paths.programs() / f"{name}.sources"
    return paths.program(name).is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint(name)


def _recipe(name: str) -> Recipe:
    work = paths.cache() / "build" / name
    work.mkdir(parents=True, exist_ok=True)
    if name == "hermes":
        argv = (
            "cargo",
            "install",
            "ibc-relayer-cli",
            "--version",
            HERMES_VERSION,
            "--locked",
            "--force",
            "--root",
            str(work / "root"),
        )
        # A target folder of its own: an interrupted build goes on where it stopped.
        return Recipe(argv, work, work / "root" / "bin" / "hermes", {"CARGO_TARGET_DIR": str(work / "target")})
    result = work / name
    argv = ("go", "build", "-v", "-trimpath", "-ldflags", "-s -w", "-o", str(result), ".")
    return Recipe(argv, paths.SOURCES / GO_MODULES[name], result, {})


def _build_one(name: str) -> None:
    recipe = _recipe(name)
    sources = fingerprint(name)
    _run(name, recipe)
    paths.programs().mkdir(parents=True, exist_ok=True)
    part = paths.programs() / f"{name}.part"
    shutil.move(recipe.result, part)
    part.replace(paths.program(name))
    (paths.programs() / f"{name}.sources").write_text(sources, encoding="utf-8")
    shutil.rmtree(paths.cache() / "build" / name, ignore_errors=True)


def _run(name: str, recipe: Recipe) -> None:
    started = shown = time.monotonic()
    last: deque[str] = deque(maxlen=30)
    count = 0
    print(f"{name}: building ({' '.join(recipe.argv)})", file=sys.stderr, flush=True)
    with subprocess.Popen(
        recipe.argv,
        cwd=recipe.cwd,
        env={**os.environ, **recipe.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            last.append(line)
            count += 1
            if time.monotonic() - shown > _PROGRESS_EVERY:
                shown = time.monotonic()
                print(
                    f"{name}: {shown - started:.0f} s, {count} packages, now {line.strip()}",
                    file=sys.stderr,
                    flush=True,
                )
    if process.returncode != 0:
        raise BuildError(f"building {name} failed (exit {process.returncode}):\n{''.join(last)}")
    print(f"{name}: done in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
