"""The backup drill: saved while it works, lost, put back in another folder, caught up with, and nothing sent twice."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.store import cursors
from relayclear.usecases.refund_dues import list_owed
from tests.localnet.rpc import wait_for
from tests.long.audit import troubles, unfinished
from tests.long.stall import CHAIN, Ordered, Stall, standing
from tests.long.trouble import PATIENT, Pace, Program, end_all_work, told

_PATIENCE = 120.0
_TOO_MUCH = 500_000
_BESIDE = ("quotes.jsonl",)
"""What `db backup` says has to be kept beside the copy; the keys are a folder."""


def drill(folder: Path, seed: int, pace: Pace = PATIENT) -> str:
    """Go through the whole of it once over a new stall in `folder`.

    Returns a line about what happened; raises AssertionError with everything that did not hold.
    """
    with standing(folder, seed, pace.speed) as stall:
        program = Program(stall, pace)
        try:
            backup = _saved_at_work(stall, program)
            sent = _worked_on_and_lost(stall, program)
            with moved(program, backup, folder.with_name("elsewhere")):
                _caught_up(stall, program, sent)
                end_all_work(stall, program)
                found = [*troubles(stall)]
                if program.run("audit") or program.run("db", "check"):
                    found.append(f"it doesn't agree: {program.log.read_text(encoding='utf-8')[-2000:]}")
                assert not found, "\n".join(found)
                return f"{told(stall)}; {sent} sent between the backup and the loss"
        finally:
            program.end()


def _saved_at_work(stall: Stall, program: Program) -> Path:
    """A backup while payments are read, packets cleared and refunds sent."""
    program.watch()
    _overpaid(stall)
    for _ in range(2):
        stall.somebody_pays()
    wait_for(lambda: stall.spent() or None, "the first refund", timeout=_PATIENCE, every=0.1)
    _overpaid(stall)
    backup = stall.world.folder / "backup.db"
    assert program.run("db", "backup", str(backup)) == 0
    return backup


def _worked_on_and_lost(stall: Stall, program: Program) -> int:
    """Work, money in and money out that no backup knows of, until the machine dies; how many refunds went meanwhile."""
    before = len(stall.spent())
    order = _overpaid(stall)
    for _ in range(2):
        stall.somebody_pays()
    # It must have been cleared and its rest given back: what a second machine could do again.
    wait_for(lambda: len(stall.spent()) > before or None, "a refund after the backup", timeout=_PATIENCE, every=0.1)
    wait_for(lambda: not stall.unreceived(order.sequences) or None, "a clear after it", timeout=_PATIENCE, every=0.1)
    _overpaid(stall)
    program.any_moment()
    for one in program.running:
        if one.poll() is None:
            one.kill()
            one.wait()
    # Nobody watches, and still people pay, also too much.
    stall.somebody_pays()
    _overpaid(stall)
    return len(stall.spent()) - before


def _overpaid(stall: Stall) -> Ordered:
    order = stall.sell()
    stall.pay(order, order.price + _TOO_MUCH)
    return order


@contextmanager
def moved(program: Program, backup: Path, folder: Path) -> Iterator[None]:
    """Another machine: a folder with what is kept beside a backup, which is put back; the truth is held to that."""
    stall = program.stall
    old = stall.world.folder
    folder.mkdir()
    shutil.copytree(old / "signing", folder / "signing")
    for name in _BESIDE:
        shutil.copy(old / name, folder / name)
    shutil.copy(backup, folder / backup.name)
    config: dict[str, Any] = tomllib.loads((old / "relayclear.toml").read_text(encoding="utf-8"))
    config |= {"keys": {"dir": str(folder / "signing")}, "store": {"url": str(folder / "relayclear.db")}}
    (folder / "relayclear.toml").write_text(tomli_w.dumps(config), encoding="utf-8")
    environment = {
        **stall.world.environment,
        "RELAYCLEAR_CONFIG": str(folder / "relayclear.toml"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    settings = load(config_path=None, env=environment, flags={})
    before = stall.world, stall.desk
    stall.world = replace(stall.world, folder=folder, state={**stall.world.state, "environment": environment})
    try:
        _put_back(program, backup.name)
        desk = opened(settings, load_hermes(settings))
        stall.desk = stall.loop.run_until_complete(desk.__aenter__())
        try:
            yield
        finally:
            stall.loop.run_until_complete(desk.__aexit__(None, None, None))
    finally:
        stall.world, stall.desk = before


def _put_back(program: Program, name: str) -> None:
    """The runbook: restore, and bring back the quotes that the backup doesn't know."""
    folder = program.stall.world.folder
    assert program.run("db", "restore", str(folder / name), "--yes") == 0
    assert program.run("tokens", "import", str(folder / "quotes.jsonl")) == 0


def _caught_up(stall: Stall, program: Program, sent: int) -> None:
    """Read up to now without sending anything; an audit that agrees and a word of the operator let it go on."""
    gone, newest = [one.hash for one in stall.spent()], stall.height()
    assert sent
    program.watch()
    wait_for(lambda: _read_through(stall) >= newest or None, "the reading", timeout=_PATIENCE, every=0.1)
    wait_for(lambda: not unfinished(stall) or None, "the paid work", timeout=_PATIENCE, every=0.1)
    reads = stall.desk.journal.database
    wait_for(lambda: list_owed(stall.desk, reads, chain=CHAIN) or None, "what is due", timeout=_PATIENCE, every=0.1)
    assert [one.hash for one in stall.spent()] == gone, "something was sent before anybody looked"
    wait_for(lambda: program.run("audit", "--chain", CHAIN) == 0 or None, "an audit", timeout=_PATIENCE, every=0.5)
    why = "the books agree with the chain"
    assert program.run("refunds", "resolve", "--chain", CHAIN, "--go-on", "--reason", why) == 0
    program.end()


def _read_through(stall: Stall) -> int:
    return next(one.read_through for one in cursors.every(stall.desk.journal.database) if one.chain == CHAIN)
