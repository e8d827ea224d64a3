"""The program as a process: what a start loads, and how pipes and signals end it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"textual", "httpx", "rich", "cosmpy", "stamina", "google.protobuf"}
PROBE = """
import sys
from relayclear.cli.app import run
code = run(sys.argv[1:])
sys.stdout.flush()
print("loaded:", *sorted({name for name in sys.modules if name in %r}), file=sys.stderr)
sys.exit(code)
"""
ROOT = Path(__file__).parents[2]


def environ(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELAYCLEAR_", "XDG_"))}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT)}


def probe(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROBE % HEAVY, *argv]
    return subprocess.run(command, env=environ(home), capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("argv", ["--help", "packets list --help", "clear -h", "help exit-codes", "--version"])
def test_help_loads_no_heavy_library(home: Path, argv: str) -> None:
    said = probe(home, *argv.split())
    assert said.returncode == 0
    assert said.stderr == "loaded:\n"


def test_listing_without_a_hermes_config_ends_before_the_http_stack_is_loaded(home: Path) -> None:
    said = probe(home, "packets", "list")
    assert said.returncode == 2
    assert "there is no Hermes config" in said.stderr
    assert said.stderr.endswith("loaded:\n")


def test_a_broken_hermes_config_ends_before_the_http_stack_is_loaded(home: Path) -> None:
    config = home / "config.toml"
    config.write_text("[[chains]\n", encoding="utf-8")
    said = probe(home, "packets", "list", "--hermes-config", str(config))
    assert said.returncode == 2
    assert "httpx" not in said.stderr.rpartition("loaded:")[2]


def test_a_quote_loads_nothing_of_what_follows_a_payment() -> None:
    # Half a second counts where a payer waits for the quote, and each of these brings a dozen others.
    unneeded = {
        "money.settlement",
        "store.payments",
        "store.tasks",
        "usecases.listing",
        "usecases.tokens_view",
        "ports",
    }
    loading = "import sys, relayclear.usecases.quote, relayclear.wording.offering, relayclear.cli.token_rows"
    loading += "; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True, timeout=60)
    assert not {f"relayclear.{name}" for name in unneeded} & {*said.stdout.split()}


def test_python_m_is_the_same_program(home: Path) -> None:
    command = [sys.executable, "-m", "relayclear", "help", "exit-codes"]
    said = subprocess.run(command, env=environ(home), capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.startswith("    0   done\n")


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    command = f"{sys.executable} -m relayclear help exit-codes; echo $? >&2"
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as closed:
        said = subprocess.run(
            ["sh", "-c", command],
            env=environ(home),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert said.stderr == "0\n"


LEFT = """
import errno, sys
from contextlib import asynccontextmanager
from relayclear.cli.app import run

@asynccontextmanager
async def opener(settings):
    raise BrokenPipeError(errno.EPIPE, "the reader left")
    yield

sys.exit(run(["chains"], opener))
"""


def test_a_reader_that_leaves_in_the_middle_of_a_document_is_no_error(home: Path) -> None:
    command = [sys.executable, "-c", LEFT]
    said = subprocess.run(command, env=environ(home), capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("argv", [[], ["--json"]])
def test_a_look_without_a_hermes_config_leaves_nothing_in_the_home(home: Path, argv: list[str]) -> None:
    said = probe(home, *argv)
    assert said.returncode == 0
    assert [*home.iterdir()] == []
