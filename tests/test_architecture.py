"""The house keeps its shape: floors, sizes, documentation."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "relayclear"
FILES = sorted(HOUSE.rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_the_floors_and_the_other_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert said.returncode == 0, said.stdout[-3000:]


def test_every_room_has_a_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = {room.strip() for floor in contracts[0]["layers"] for room in floor.split("|")}
    rooms = {path.stem for path in HOUSE.iterdir() if path.name != "__init__.py" and path.stem != "__pycache__"}
    assert {room for room in rooms if not room.endswith(".pyc") and room != "py"} <= floors


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_file_is_longer_than_400_lines_and_no_function_than_60(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    long = {f"{function.name}: {length(function)}" for function in functions(path) if length(function) > 60}
    assert not long


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_everything_public_is_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(tree(path)), "the module says nothing about itself"
    assert not {node.name for node in public(tree(path).body) if not ast.get_docstring(node)}


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def test_most_functions_are_short() -> None:
    lengths = sorted(length(function) for path in FILES for function in functions(path))
    assert median(lengths) <= 9
    assert lengths[int(0.9 * (len(lengths) - 1))] <= 30


def test_only_the_store_writes_sql() -> None:
    words = ("SELECT ", "INSERT INTO ", "DELETE FROM ", "PRAGMA ")
    spoken = {
        str(path.relative_to(HOUSE))
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(words)
    }
    assert {name.partition("/")[0] for name in spoken} <= {"store"}


def test_no_process_is_started_through_a_shell() -> None:
    through = {
        str(path.relative_to(HOUSE))
        for path in FILES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.keyword) and node.arg == "shell")
        or (
            (isinstance(node, ast.Attribute) and node.attr in {"create_subprocess_shell", "popen", "system"})
            and isinstance(getattr(node, "value", None), ast.Name)
            and getattr(node.value, "id", "") in {"os", "asyncio", "subprocess"}
        )
    }
    assert not through
