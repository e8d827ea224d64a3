"""Runs the table: one world for each fault, every use case in it, and at the end all that was due has been done."""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tomli_w

from relayclear.cli.app import run
from tests.faults.faults import Fault
from tests.faults.uses import UNREAD, Answer, Scene, Use
from tests.long.audit import troubles
from tests.long.stall import Stall, standing
from tests.long.trouble import Pace, Program, end_all_work

GOLDEN = Path(__file__).with_name("matrix.txt")
PACE = Pace(lease=1.0, within=3.0, speed=8.0)
_TOO_MUCH = 500_000
_MAY_LEAVE_WITH = {0, 1, 3, 4, 5, 10}
_AFTERWARDS = "afterwards"
_NEVER = re.compile(r"Traceback|something unexpected happened|\bunexpected\b")


class Row(NamedTuple):
    """One cell: how the command ended, what it said, what moved."""

    fault: str
    use: str
    exit: str
    says: str
    money: str


@dataclass
class Money:
    """What has moved so far: refunds in blocks, packets delivered."""

    sent: int
    waiting: int

    @classmethod
    def of(cls, stall: Stall) -> Money:
        """As the world has it now."""
        return cls(len(stall.spent()), len(stall.committed()) + len(stall.committed_on("beta-1")))

    def moved(self, now: Money) -> str:
        """What has moved since, in words."""
        parts = [f"{now.sent - self.sent} refund sent"] if now.sent > self.sent else []
        parts += ["packets cleared"] if now.waiting < self.waiting else []
        return ", ".join(parts) or "-"


def rows_of(fault: Fault, uses: Sequence[Use], folder: Path) -> list[Row]:
    """The rows of one fault.  Raises AssertionError for what is untrue, crashes, or doesn't end as it should."""
    with standing(folder, 11, PACE.speed) as stall, _settings(stall, "12s" if "hang" in fault.name else "2m"):
        scene = _scene(stall)
        found = [_row(fault, use, scene) for use in uses]
        found.append(_daemon_row(fault, stall))
        return [*found, _last_row(fault, stall)]


def _scene(stall: Stall) -> Scene:
    """A token that is paid too much for and not read yet, and one that waits."""
    paid, waiting = stall.sell(), stall.sell()
    stall.pay(paid, paid.price + _TOO_MUCH)
    return Scene(stall, paid, waiting, frozenset(stall.committed()))


@contextmanager
def _settings(stall: Stall, time_limit: str) -> Iterator[None]:
    """The settings of the world, for commands that run in this process; a Hermes that hangs is soon ended."""
    config = stall.world.folder / "relayclear.toml"
    written = tomllib.loads(config.read_text(encoding="utf-8"))
    written["hermes"]["time_limit"] = time_limit
    config.write_text(tomli_w.dumps(written), encoding="utf-8")
    before = dict(os.environ)
    os.environ.update({**stall.world.environment, "COLUMNS": "400"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _row(fault: Fault, use: Use, scene: Scene) -> Row:
    stall = scene.stall
    before, pending = Money.of(stall), frozenset(stall.committed())
    stall.balances_lately()
    with fault.on(stall):
        answer = said(use.argv(scene))
    now = Scene(stall, scene.paid, scene.open, pending)
    wrong = [*use.check(now, answer)]
    if answer.code not in _MAY_LEAVE_WITH or _NEVER.search(answer.out + answer.err):
        wrong.append(f"it ended with {answer.code}")
    assert not wrong, f"{fault.name}, {use.name}: {wrong}\n{answer.out[-3000:]}\n{answer.err[-3000:]}"
    return Row(fault.name, use.name, str(answer.code), _says(answer), before.moved(Money.of(stall)))


def _daemon_row(fault: Fault, stall: Stall) -> Row:
    """The daemon over the fault: it lives, and ends in good order when it is told to."""
    program, before = Program(stall, PACE), Money.of(stall)
    daemon = program.watch()
    try:
        program.wait_for("watching")
        with fault.on(stall):
            program.any_moment()
            alive = daemon.poll() is None
    finally:
        program.end()
    log = program.log.read_text(encoding="utf-8")
    wrong = [] if alive and daemon.returncode == 0 else [f"the daemon ended with {daemon.returncode}"]
    wrong += ["a traceback"] if "Traceback" in log else []
    assert not wrong, f"{fault.name}, watch: {wrong}\n{log[-3000:]}"
    assert Money.of(stall).sent - before.sent <= 1, f"{fault.name}, watch: more than one refund was sent"
    return Row(fault.name, "watch", "0", "lives, and stops in good order", "as before")


def _last_row(fault: Fault, stall: Stall) -> Row:
    """When the fault is over, everything comes to rest, and nothing was done twice or forgotten."""
    if fault.lasting:
        answer = said(["audit", "--json"])
        assert answer.code == 0, f"{fault.name}: the books don't agree: {answer.out[-3000:]}"
        return Row(fault.name, _AFTERWARDS, "0", "lasts; the books agree with the chain", "as owed")
    program = Program(stall, PACE)
    try:
        end_all_work(stall, program)
        found = troubles(stall)
        assert not found, f"{fault.name}: {found}"
        assert program.run("audit") == 0, f"{fault.name}: {program.log.read_text(encoding='utf-8')[-3000:]}"
    finally:
        program.end()
    return Row(fault.name, _AFTERWARDS, "0", "goes on by itself", "cleared, earned and given back, once")


def said(argv: Sequence[str]) -> Answer:
    """Run a command line in this process, with nobody at a terminal."""
    streams = sys.stdout, sys.stderr
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    sys.stdout, sys.stderr = out, err
    try:
        code = int(run(argv))
    finally:
        sys.stdout, sys.stderr = streams
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return Answer(code, *texts)


_STEADY = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"http://127\.0\.0\.1:\d+/?"), "NODE"),
    (re.compile(r"/[\w./-]*/world[\w-]*"), "FOLDER"),
    (re.compile(r"\b(op-|rc1)[0-9a-z]+"), r"\1…"),
    (re.compile(r"\b[0-9A-F]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?( UTC)?"), "TIME"),
    (re.compile(r"\b\d[\d.]*( ?(s|ms|m|h|kB|MB)\b)"), r"N\1"),
    (re.compile(r"\b\d{2,}\b"), "N"),
)


def _says(answer: Answer) -> str:
    """The words that matter: an error's code and sentence, else what a document or page says first of failures."""
    error = answer.error
    text = f"{error['code']}: {error['message']}" if error else _first_words(answer)
    for pattern, by in _STEADY:
        text = pattern.sub(by, text)
    # The first endpoint's words: how many were asked before that is a matter of moments.
    return text.split(";")[0][:110]


def _first_words(answer: Answer) -> str:
    if answer.err.startswith("relayclear: "):
        return answer.err.splitlines()[0].removeprefix("relayclear: ")
    # What this machine's disk did, however slow it is, is nothing of the fault.
    lines = [line for line in answer.err.splitlines() if "relayclear.store.slow" not in line]
    failed = [line for line in lines if '"level": "error"' in line or '"level": "warning"' in line]
    if failed:
        found = re.search(r'"error": "([^"]*)"', failed[0])
        return found[1] if found else failed[0]
    document = answer.document
    if document is not None:
        return _of_document(document)
    lines = [line for line in answer.out.splitlines() if UNREAD.search(line)]
    return lines[0].strip() if lines else "done"


def _of_document(document: dict[str, object]) -> str:
    """The first trouble that a document tells, by its code, or the state it gives."""
    text = str(document)
    for pattern in (r"'error': \{'code': '(\w+)'", r"'severity': 'fail'.*?'finding': '([^']*)'", r"'fate': '(\w+)'"):
        found = re.search(pattern, text)
        if found:
            return found[1]
    state = document.get("state") or document.get("level")
    return str(state) if state else "done"


# Which of two things comes first differs from run to run: where time limits decide, and where it counts whether what
# was cut off lands before somebody looks.
UNSTEADY = {
    *("node: delay_seconds", "node: hang", "node: lose_answers"),
    *("hermes: hang", "hermes: die_after recv"),
}


def differences(rows: Sequence[Row], golden: dict[tuple[str, str], str]) -> list[str]:
    """Where new rows are not as the table has them.

    Of unsteady faults the table shows one of several true ends: each is held to the truth, and not to the table.
    """
    found = []
    for row, line in zip(rows, text_of(rows).splitlines()[1:], strict=True):
        known = golden.get((row.fault, row.use), "not there")
        if known.rstrip() != line.rstrip() and row.fault not in UNSTEADY:
            found.append(f"- {known}\n+ {line}")
    return found


def text_of(rows: Sequence[Row]) -> str:
    """The table, a row a line."""
    head = Row("fault", "use case", "exit", "what the user sees", "money")
    return "".join(
        f"{one.fault:<42} {one.use:<18} {one.exit:>4}  {one.says:<112} {one.money}\n" for one in (head, *rows)
    )


def read(text: str) -> dict[tuple[str, str], str]:
    """A table's rows by fault and use case."""
    return {(line[:42].strip(), line[43:61].strip()): line for line in text.splitlines()[1:]}
