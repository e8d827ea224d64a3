"""No secret of an operator is said, logged, kept, reported or shown to other users of the machine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.app import run
from relayclear.config.settings import Settings
from relayclear.usecases.desk import Desk
from tests.long.stall import World, served
from tests.secrecy.canaries import Planted, plant, plant_signing_keys, told, watching_processes

ROOT = Path(__file__).parents[2]
CLEAR = "clear --chain {chain} --channel channel-0 --packet-sequences {sequence} --yes"
SELL = "tokens create --chain alpha-1 --channel channel-0 --packet-sequences {sequence}"
# What works before anything fails, in an order in which each has something to say.
WELL = [
    "keys create",
    "wallet add --chain alpha-1 --mnemonic-file {folder}/payee.txt",
    "wallet list",
    "doctor",
    "config show",
    "config validate",
    "chains",
    "channels",
    "packets list --all",
    "packets show alpha-1/channel-0/2",
    "payments list",
    SELL.format(sequence=2),
    SELL.format(sequence=3) + " -o {folder}/quote.json",
    "tokens list",
    "tokens verify {folder}/quote.json",
    CLEAR.format(chain="beta-1", sequence=1),
    "watch --once",
    "refunds sweep --dry-run",
    "refunds list",
    "operations list",
    "keys list",
    "keys publish",
    "keys rotate",
    "audit",
    "stats",
    "history list",
    "history export -o {folder}/history.json",
    "db backup {folder}/backup.db",
    "db check",
    "doctor --bundle {folder}/support-well.tar.gz",
    "",
]
# Every way in which a node's or Hermes' own words, or our words about it, could carry an address.
ILL = ["packets list", "doctor", "channels", "watch --once", SELL.format(sequence=3), "audit", "refunds sweep"]
NODE_FAULTS: list[dict[str, Any]] = [
    {"refuse": True},
    {"http_status": 401},
    {"html": True},
    {"truncate": True},
    {"chain_id": "gamma-9"},
    {"tx_index": False, "pruned_below": 10**6},
]
RELAYER_FAULTS: list[dict[str, Any]] = [{"garbage": True}, {"do_nothing": True}, {"version": "0.1.0"}]


@dataclass
class Bench:
    """relayclear over a world full of secrets; `said` is everything that it said, by command."""

    world: World
    planted: Planted
    capture: pytest.CaptureFixture[bytes]
    said: dict[str, bytes] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def __call__(self, line: str, *more: str, opener: Any = None) -> int:
        """Run one command line in this process."""
        words = [*shlex.split(line.format(folder=shlex.quote(str(self.world.folder)))), *more]
        self.capture.readouterr()
        code = int(run(words, opener))
        self._keep(" ".join(words), code, *self.capture.readouterr())
        return code

    def apart(self, line: str) -> int:
        """Run one in a process of its own, whose arguments others can see."""
        argv = [sys.executable, "-m", "relayclear", *shlex.split(line)]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=120)
        self._keep(f"{line}, apart", done.returncode, done.stdout, done.stderr)
        return done.returncode

    def _keep(self, name: str, code: int, out: bytes, err: bytes) -> None:
        name = f"{len(self.said)}: {name}"
        self.said[name], self.codes[name] = out + err, code
        # A secret that is found late is found at the wrong command.
        assert self.planted.seen_in(out + err) == set(), f"{name}\n{(out + err).decode(errors='replace')}"

    def trouble(self, whose: str, faults: dict[str, Any]) -> None:
        """Let the nodes, or Hermes, fail in these ways; in none where there are none."""
        addresses = [f"nodes/{name}" for name in self.world.state["nodes"]] if whose == "nodes" else [whose]
        for address in addresses:
            for deed, body in (("heal", {}), ("faults", faults)):
                url = f"{self.world.state['control']}/{address}/{deed}"
                urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10).close()  # noqa: S310  loopback


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Bench]:
    for name in [*os.environ]:
        if name.startswith(("RELAYCLEAR_", "XDG_")):
            monkeypatch.delenv(name)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with served(tmp_path / "world", 1.0) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield Bench(world, plant(world), capfdbinary)


@contextmanager
def log_kept(path: Path) -> Iterator[None]:
    """Somebody reads the database all the time, so that its log stays beside it."""
    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    try:
        yield
    finally:
        reader.close()


def healthy(bench: Bench) -> None:
    for number, line in enumerate(WELL):
        bench(line, *(["--json"] if number % 2 else []))
        if number == 0:
            plant_signing_keys(bench.planted, bench.world.folder / "signing")
        plant_signing_keys(bench.planted, bench.world.folder / "signing")


def failing(bench: Bench) -> None:
    """Every command over nodes that fail, and a Hermes that fails, quietly and with tracebacks."""
    for number, faults in enumerate(NODE_FAULTS):
        bench.trouble("nodes", faults)
        # Each fault waits for its time limits: with three of the commands, in turn.
        for place, line in enumerate([*ILL, *ILL][number : number + 3]):
            bench(line, *(["--json"] if (number + place) % 2 else []), "--debug")
    bench.trouble("nodes", {})
    for faults in RELAYER_FAULTS:
        bench.trouble("relayer", faults)
        bench(CLEAR.format(chain="alpha-1", sequence=2), "--debug", "--json")
        bench("doctor")
    bench.trouble("relayer", {})


def dead_hermes(bench: Bench) -> None:
    """Its nodes are gone and ours are not: it runs, and says all that it knows of their addresses."""
    dead = ("--hermes-config", str(bench.world.folder / "dead-hermes.toml"))
    code = bench(CLEAR.format(chain="alpha-1", sequence=3), *dead, "--debug")
    assert code != 0
    bench("operations list", "--json")
    listed = json.loads(list(bench.said.values())[-1])["operations"]
    for row in listed:
        bench(f"operations show {row['operation']}")
        bench(f"operations show {row['operation']}", "--json")
    assert any(b"127.0.0.1:1" in said for name, said in bench.said.items() if "operations show" in name)


def crashing(bench: Bench) -> None:
    """A mistake of ours whose error quotes an address, with its cause."""
    url = f"http://ada:{bench.planted.secrets['alpha-1-password'].decode()}@node.example/?token=x"

    @asynccontextmanager
    async def opener(_: Settings) -> AsyncIterator[Desk]:
        try:
            raise ValueError(url)  # noqa: TRY301  a mistake with a cause
        except ValueError as cause:
            message = f"could not do it with {url}"
            raise ZeroDivisionError(message) from cause
        yield

    for more in ((), ("--debug",), ("--json",), ("--json", "--debug")):
        assert bench("packets list", *more, opener=opener) == 1


def wrong_config(bench: Bench) -> None:
    """Values in the wrong place, and addresses without a scheme."""
    folder = bench.world.folder
    bad = folder / "bad.toml"
    bench.planted.files.add(bad)
    secret = bench.planted.secrets["alpha-1-password"].decode()
    for text in (
        f'[scan]\ninterval = "http://u:{secret}@h/"',
        f'[operator]\nurl = "u:{secret}@host:26657"',
        f'[chains."a-1"]\nrpc = ["u:{secret}@host:26657"]',
        f'[store]\nurl = "postgres://u:{secret}@host/db"',
        f'"http://u:{secret}@h/" = 1',
        f'[scan\ninterval = "{secret}"',
    ):
        bad.write_text(text, encoding="utf-8")
        assert bench("config validate", "--config", str(bad)) != 0
        assert bench("packets list", "--config", str(bad), "--json", "--debug") != 0
    tables = (folder / "hermes" / "config.toml").read_text(encoding="utf-8")
    bench.planted.files.add(folder / "bad-hermes.toml")
    for before, after in (("http://canary", "htp://canary"), ("[[chains]]", "[[chains]"), ("http://canary", "canary")):
        (folder / "bad-hermes.toml").write_text(tables.replace(before, after), encoding="utf-8")
        assert bench("packets list", "--hermes-config", str(folder / "bad-hermes.toml"), "--debug") != 0


def begun(bench: Bench) -> None:
    """A first config over one that is there, and clearing keys: their words stand in one file each."""
    folder = bench.world.folder
    for name in ("first.toml", "first.toml.old-1"):
        bench.planted.files.add(folder / name)
    shutil.copy(folder / "relayclear.toml", folder / "first.toml")
    bench("init --config {folder}/first.toml --force --yes --make-keys --json")
    made = json.loads(list(bench.said.values())[-1])["keys"]
    assert [key["error"] for key in made] == [None, None]
    for key in made:
        words = Path(key["words_file"])
        bench.planted.secrets[f"words of {key['chain']}"] = words.read_bytes().strip()
        bench.planted.files.add(words)


def bundled(bench: Bench) -> None:
    """The support file after everything went wrong: packed, so that a look at its bytes would find nothing."""
    bench.trouble("nodes", {"http_status": 401})
    file = bench.world.folder / "support-ill.tar.gz"
    bench(f"doctor --bundle {shlex.quote(str(file))}")
    bench.trouble("nodes", {})
    for packed in (file, bench.world.folder / "support-well.tar.gz"):
        with tarfile.open(packed) as archive:
            texts = {name: archive.extractfile(name) for name in archive.getnames()}
            inside = {name: text.read() for name, text in texts.items() if text is not None}
        bench.said |= {f"{packed.name}: {name}": text for name, text in inside.items()}
        assert len(json.loads(inside["relayclear-support/history.json"])) > 10
    crashes = [name for name in bench.said if name.startswith("support-ill.tar.gz: relayclear-support/crashes/")]
    assert len(crashes) == 4
    assert b"***" in bench.said["support-ill.tar.gz: relayclear-support/settings.json"]


def test_a_secret_is_said_logged_kept_reported_or_shown_to_others(bench: Bench, tmp_path: Path) -> None:
    bench("payments list")
    with watching_processes() as lines, log_kept(bench.world.folder / "relayclear.db"):
        healthy(bench)
        failing(bench)
        dead_hermes(bench)
        crashing(bench)
        wrong_config(bench)
        begun(bench)
        bundled(bench)
        assert bench.apart("watch --once") == 0
        assert bench.apart(CLEAR.format(chain="alpha-1", sequence=2) + " --json") == 0
        assert (bench.world.folder / "relayclear.db-wal").stat().st_size
        assert bench.planted.files_with(tmp_path) == {}
    assert told(bench.said, bench.planted) == {}
    assert [line for line in lines if bench.planted.seen_in(line)] == []
    _looked_at_something(bench, lines, tmp_path)


def _looked_at_something(bench: Bench, lines: set[bytes], tmp_path: Path) -> None:
    """The search would have found something: the secrets are real, the commands did their work."""
    everything = b"".join(path.read_bytes() for path in bench.planted.files)
    by_itself = {name for name in bench.planted.secrets if not name.endswith("login")}
    assert {name.partition(" in ")[0] for name in bench.planted.seen_in(everything)} >= by_itself - {"payee's key"}
    worked = {name.partition(": ")[2]: code for name, code in bench.codes.items()}
    for line in ("keys create", "channels", "tokens list", "stats", "audit"):
        assert 0 in {code for words, code in worked.items() if words.startswith(line)}, line
    assert any(b"bin/hermes" in line or b"rehearsal.hermes" in line for line in lines)
    assert len([*(tmp_path / "temporary").glob("relayclear-*.txt")]) == 4
