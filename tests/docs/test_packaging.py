"""The package: what is in it, what it needs, and that it runs from anywhere with nothing but Python."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

from relayclear import __version__
from tests.docs.conftest import build
from tests.docs.needs import all_of, declared, plain, reasons
from tests.docs.pages import ROOT, everything

HOUSE = ROOT / "relayclear"
# What no line of ours imports, with the place that does.
INDIRECT = {"sniffio": "httpcore._synchronization"}
# The top package of protobuf is a namespace that others share: its name says nothing.
NAMESPACES = {"google": "protobuf"}


def run(program: Path, home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """One command in an empty home on a machine without any other program, and without a repository."""
    environ = {"HOME": str(home), "PATH": "/nonexistent", "LANG": "C.UTF-8"}
    return subprocess.run(
        [program, *argv],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def names(wheel: Path) -> set[str]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def house_files() -> set[str]:
    """Every file of the package in the repository."""
    files = (path for path in HOUSE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in files}


def test_the_wheel_carries_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    kinds = {Path(name).suffix for name in house_files()}
    assert {".sql", ".json", ".yml", ".tcss", ".typed", ".service", ""} <= kinds
    about = f"relayclear-{__version__}.dist-info/"
    carried = names(wheel)
    assert {name for name in carried if not name.startswith(about)} == house_files()
    assert {name.removeprefix(about) for name in carried if name.startswith(about)} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_licence_that_is_declared_comes_along_whole(wheel: Path, sdist: Path) -> None:
    text = (ROOT / "LICENSE").read_bytes()
    about = f"relayclear-{__version__}"
    with zipfile.ZipFile(wheel) as archive:
        said = archive.read(f"{about}.dist-info/METADATA").decode()
        assert archive.read(f"{about}.dist-info/licenses/LICENSE") == text
    with tarfile.open(sdist) as archive:
        carried = archive.extractfile(f"{about}/LICENSE")
        assert carried is not None
        assert carried.read() == text
    # The text that is declared, to its end, and nobody's other.
    assert {"License-Expression: Apache-2.0", "License-File: LICENSE"} <= {*said.splitlines()}
    assert b"Version 2.0, January 2004" in text
    assert b"END OF TERMS AND CONDITIONS" in text


def test_a_wheel_built_of_the_sdist_is_the_same_as_one_built_of_the_repository(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    (tmp_path / "built").mkdir()
    again = build(source, tmp_path / "built", "wheel")
    assert again.name == wheel.name
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(wheel) as other:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in other.infolist()
        }


def test_the_sdist_carries_what_its_own_tests_read(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        carried = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "docs/reference.md", "config.example.toml", ".ci/run", "tests/test_docs.py"} <= carried
    assert not {name for name in carried if "__pycache__" in name or name.startswith((".git/", ".venv"))}


def test_any_python_that_is_named_and_no_platform_is_asked_for(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        about = archive.read(f"relayclear-{__version__}.dist-info/METADATA").decode()
    assert "Requires-Python: >=3.11" in about
    assert re.findall(r"Python :: (3\.\d+)", about) == ["3.11", "3.12", "3.13"]


def test_the_oldest_python_that_is_named_can_read_the_source() -> None:
    for path in HOUSE.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 11))


def test_the_installed_program_is_not_the_repositorys(program: Path, tmp_path: Path) -> None:
    where = "import relayclear; print(relayclear.__file__)"
    said = subprocess.run(
        [program.with_name("python"), "-c", where], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert Path(said.stdout.strip()).is_relative_to(program.parents[1])


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--version",), __version__),
        (("--help",), "Usage: relayclear"),
        (("help", "dashboard"), "Keys that act"),
        (("dashboard", "--help"), "--theme"),
        (("config", "show"), "scan.stuck_after"),
        (("config", "path"), "database"),
        (("service", "unit"), "[Service]"),
        (("service", "container"), "ENTRYPOINT"),
        (("metrics", "rules"), "groups:"),
        (("metrics", "dashboard"), '"panels"'),
        (("--show-completion", "bash"), "relayclear"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_it_answers_from_anywhere_without_a_repository(
    program: Path, tmp_path: Path, argv: Sequence[str], says: str
) -> None:
    said = run(program, tmp_path, *argv)
    assert said.returncode == 0, said.stderr
    assert says in said.stdout


def imported() -> Iterator[str]:
    """The top package of everything that the package imports, wherever in a file."""
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_what_is_imported_is_what_is_declared() -> None:
    # One that nobody imports is dead weight; one that only comes along with another goes when that one drops it.
    sources = packages_distributions()
    strangers = {*imported()} - {*sys.stdlib_module_names, "relayclear"}
    used = {plain(NAMESPACES.get(top) or sources[top][0]) for top in strangers}
    assert used == {plain(name) for name in declared()} - INDIRECT.keys()


def test_what_nobody_here_imports_is_imported_where_it_is_said() -> None:
    for name, module in INDIRECT.items():
        path = Path(sysconfig.get_path("purelib"), *module.split(".")).with_suffix(".py")
        assert f"import {name}" in path.read_text(encoding="utf-8")


def test_every_dependency_has_a_reason() -> None:
    assert [*reasons()] == declared()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert len(reasons("\ntest = [")) == len(extras["test"])


def test_size_and_number_of_dependencies_are_what_the_pages_say(wheel: Path) -> None:
    said = re.search(r"The wheel has ([\d.]+) MB\D+(\d+) packages directly\D+(\d+) in all", everything())
    assert said is not None
    size, direct, of_all = float(said[1]), int(said[2]), int(said[3])
    # Said too large is as wrong as too small.
    assert 0.85 * size <= wheel.stat().st_size / 1e6 <= size
    assert direct == len(declared())
    # Newer versions of others may need one more or less: a handful is worth a look.
    assert abs(of_all - len(all_of(declared()))) <= 3


def test_what_an_installation_takes_on_the_disk_is_more_than_the_page_says() -> None:
    said = re.search(r"virtual environment with all of it takes about (\d+) MB", everything())
    assert said is not None
    files = [Path(one.locate()) for name in {*all_of(declared()), "pip"} for one in distribution(name).files or ()]
    # As a disk counts, in blocks; compiled files aren't listed by all that installs.
    compiled = [
        cached for one in files if one.suffix == ".py" for cached in one.parent.glob(f"__pycache__/{one.stem}.*.pyc")
    ]
    taken = sum(one.stat().st_blocks * 512 for one in {*files, *compiled} if one.is_file()) / 1e6
    assert 0.75 * int(said[1]) <= taken <= int(said[1])
