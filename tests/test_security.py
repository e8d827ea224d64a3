"""What the source itself must not do: start a shell, or bring a library along that nobody has a reason for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "relayclear").rglob("*.py"))
_SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput"}
_STARTS_BY_TEXT = {"create_subprocess_shell", "getoutput", "getstatusoutput"}


def shells(tree: ast.AST) -> Iterator[str]:
    """Every call that hands a command line to a shell."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {one.name for one in node.names} & {"system", "popen"}
        ):
            yield f"{node.lineno}: from os"
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in _SHELLS or name.rpartition(".")[2] in _STARTS_BY_TEXT:
            yield f"{node.lineno}: {name}"
        for keyword in node.keywords:
            if keyword.arg == "shell" and not (
                isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            ):
                yield f"{node.lineno}: {name} with shell"
        first = node.args[0] if node.args else None
        words = [one.value for one in getattr(first, "elts", []) if isinstance(one, ast.Constant)]
        if words[:1] and str(words[0]).rpartition("/")[2] in {"sh", "bash", "dash", "zsh"}:
            yield f"{node.lineno}: {name} runs {words[0]!r}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_line_goes_through_a_shell(path: Path) -> None:
    assert list(shells(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run('ls', shell=True)",
        "subprocess.run(x, shell=wanted)",
        "os.system('ls')",
        "asyncio.create_subprocess_shell('ls')",
        "subprocess.Popen(['/bin/sh', '-c', text])",
        "subprocess.getoutput('ls')",
        "from os import system",
    ],
)
def test_a_shell_is_not_seen(line: str) -> None:
    assert len(list(shells(ast.parse(line)))) == 1


def dependencies() -> dict[str, str]:
    """Every line of a list of dependencies in pyproject, and its comment."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|test|\w+) = \[\n((?:  \"[^\n]*\n)+)\]", text, re.MULTILINE)
    rows = [line.strip() for part in lists for line in part.splitlines()]
    return {
        row.split('"')[1]: row.partition("#")[2].strip()
        for row in rows
        if re.match(r'"[a-z0-9-]+(\[[a-z]+\])?[<>=~]', row)
    }


def test_a_library_is_there_that_nobody_has_a_reason_for() -> None:
    found = dependencies()
    assert {re.split(r"[<>=\[]", name)[0] for name in found} >= {"httpx", "rich", "pytest", "mypy"}
    assert [name for name, why in found.items() if len(why) < 10] == []
