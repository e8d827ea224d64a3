"""Runs `relayclear` as an operator does: a process of its own, over a real network's Hermes config."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tests.localnet import paths
from tests.localnet.genesis import COIN
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPOSITORY = Path(__file__).resolve().parents[2]
# Every packet counts as old at once: what is sent in a test is seconds old.
OLD_AT_ONCE = "0s"


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code, standard output and error, and the one document of `--json`."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output; there must be exactly one."""
        (line,) = self.stdout.splitlines()
        found: dict[str, Any] = json.loads(line)
        assert found["schema_version"] == 1
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The error object, which must be all there is on standard error; then standard output is empty."""
        assert self.stdout == "", self.stdout
        found: dict[str, Any] = json.loads(self.stderr)
        return dict(found["error"])

    def packets(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        """Packet rows of a list by (chain, channel, sequence)."""
        rows: list[dict[str, Any]] = self.document["packets"]
        return {(row["chain"], row["channel"], row["sequence"]): row for row in rows}

    def result(self) -> dict[str, Any]:
        """The only packet of a clear."""
        (row,) = self.document["packets"]
        return dict(row)


class Configured(Protocol):
    """A network, or whatever else has an operator's Hermes config and named accounts, by chain."""

    addresses: dict[str, dict[str, str]]

    @property
    def hermes_config(self) -> Path:
        """The operator's config."""


@dataclass
class Relayclear:
    """The program with a config, a database and folders of its own, in front of a network.

    `hermes` is the command line of Hermes; None is the real one, found on PATH.  `sells`: both chains
    have a payee and prices; `sell` holds further lines of that table.  `payee` is the account that is
    paid; with `refunds`, lines of that table, Hermes' own endpoints are trusted.  `variables` are further
    ones of the environment.
    """

    network: Configured
    folder: Path
    hermes: Sequence[str] | None = None
    clearing_key: str | None = "clearing"
    stuck_after: str = OLD_AT_ONCE
    interval: str = "60s"
    endpoints: dict[str, list[str]] = field(default_factory=dict)
    hermes_config: Path | None = None
    time_limit: str = "2m"
    sells: bool = False
    sell: str = ""
    payee: str = "payee"
    refunds: str | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *args: str, as_json: bool = True, timeout: float = 120) -> Outcome:
        """Run a command to its end."""
        process = self.start(*args, as_json=as_json)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return Outcome(process.returncode, out, err)

    def start(self, *args: str, as_json: bool = True) -> subprocess.Popen[str]:
        """Start a command that the test ends, or waits for, itself."""
        self._write_config()
        flags = ["--json"] if as_json else []
        return subprocess.Popen(
            [sys.executable, "-m", "relayclear", *flags, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            cwd=self.folder,
        )

    def list(self, *args: str) -> Outcome:
        """`packets list --all --json`."""
        return self.run("packets", "list", "--all", *args)

    def clear(self, chain: str, channel: str, sequences: str, *args: str, port: str = "transfer") -> Outcome:
        """`clear --yes --json` of one channel's sequences."""
        return self.run(*self.clear_words(chain, channel, sequences, *args, port=port))

    @staticmethod
    def clear_words(chain: str, channel: str, sequences: str, *args: str, port: str = "transfer") -> tuple[str, ...]:
        """The words of that command."""
        where = ("--chain", chain, "--port", port, "--channel", channel)
        return ("clear", *where, "--packet-sequences", sequences, "--yes", *args)

    @property
    def temporary(self) -> Path:
        """Where the program puts its temporary files, the derived Hermes configs among them."""
        return self.folder / "tmp"

    def leftovers(self) -> Sequence[str]:
        """What runs left there."""
        return [file.name for file in self.temporary.rglob("*")]

    def environment(self) -> dict[str, str]:
        """What the program sees: nothing of the machine's user."""
        self.temporary.mkdir(exist_ok=True)
        return {
            "PATH": f"{paths.programs()}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(_REPOSITORY),
            "HOME": str(self.folder),
            "TMPDIR": str(self.temporary),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "RELAYCLEAR_CONFIG": str(self.folder / "relayclear.toml"),
            "RELAYCLEAR_DB": str(self.folder / "relayclear.db"),
            "RELAYCLEAR_HERMES_CONFIG": str(self.hermes_config or self.network.hermes_config),
            **self.variables,
        }

    def _write_config(self) -> None:
        lines = ["[hermes]", f'time_limit = "{self.time_limit}"']
        if self.hermes is not None:
            lines.append(f"command = {json.dumps(list(self.hermes))}")
        scans = (f'interval = "{self.interval}"', f'stuck_after = "{self.stuck_after}"', "rpc_budget = 1000")
        lines += ["[scan]", *scans]
        for chain in (ALPHA, BETA):
            lines += [f'[chains."{chain}"]', f"rpc = {self._endpoints(chain)}"]
            if self.clearing_key is not None:
                lines.append(f'clearing_key = "{self.clearing_key}"')
            if self.sells:
                lines += [f'payee = "{self.network.addresses[chain][self.payee]}"', *_prices(chain)]
        lines += ["[sell]", *self.sell.splitlines()]
        if self.refunds is not None:
            lines += ["[refunds]", *self.refunds.splitlines()]
        (self.folder / "relayclear.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _endpoints(self, chain: str) -> str:
        named = self.endpoints.get(chain, [])
        if self.refunds is None:
            return json.dumps(named)
        return "[" + ", ".join(f"{{ url = {json.dumps(url)}, trusted = true }}" for url in named) + "]"


def _prices(chain: str) -> list[str]:
    gas = "stake" if chain == ALPHA else "ubeta"
    fees = ("service_fee = 1000", "per_packet_fee = 100", "refund_fee = 50", "dust = 10")
    return [line for denom in (gas, COIN) for line in (f'[[chains."{chain}".prices]]', f'denom = "{denom}"', *fees)]


def stand_in(folder: Path, body: str, *, hermes: str = "hermes") -> list[str]:
    """A program to be given as Hermes' command: it tells the real one's version, and then does what `body` says.

    `body` is shell; `hermes` is the real one, `$@` its arguments.
    """
    file = folder / "stand-in"
    file.write_text(f'#!/bin/sh\n[ "$1" = version ] && exec {hermes} version\n{body}\n', encoding="utf-8")
    file.chmod(0o755)
    return [str(file)]


def said(row: dict[str, Any]) -> tuple[int, str | None, str, bool | None, str]:
    """One packet of a clear: sequence, class before, fate, whether its sender's chain knows, and who did it."""
    return row["sequence"], row["class_before"], row["fate"], row["acknowledged"], row["by"]
