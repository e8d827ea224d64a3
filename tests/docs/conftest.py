"""The package as a reader gets it: built, and installed where no repository is."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


def build(source: Path, folder: Path, kind: str) -> Path:
    """Build a wheel or an sdist of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    said = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=120)
    if "No module named hatchling" in said.stderr:
        pytest.skip("hatchling builds the package and is not installed here")
    assert said.returncode == 0, said.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of the repository."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="session")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as pip installs it into a virtual environment that knows no repository.

    The dependencies are those of this environment: no network is asked.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    said = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=120)
    if "No module named pip" in said.stderr:
        pytest.skip("pip installs the package and is not installed here")
    assert said.returncode == 0, said.stderr
    lent = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages" / "lent.pth"
    # Folders named in a .pth come after the environment's own, so the installed relayclear is the one that runs.
    lent.write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n", encoding="utf-8")
    return folder / "bin" / "relayclear"
