"""`relayclear demo` as a person runs it: a process, an empty home, loopback, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.demo import STORY
from relayclear.cli.demo_world import PREFIX
from tests.cli.conftest import agrees
from tests.parity.normal import normalise, without

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(home: Path, temporary: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELAYCLEAR_", "XDG_"))}
    return {**kept, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}


@pytest.fixture
def started(environ: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `relayclear demo …`; whatever a test leaves running ends with it."""
    running: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "relayclear", "demo", *argv]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, stdin=pipe, text=True))
        return running[-1]

    # Under nohup, as a gate may run, children would never hear of a closed terminal.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield start
    signal.signal(signal.SIGHUP, before)
    for process in running:
        process.kill()
        process.communicate()


def run(environ: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "relayclear", *argv]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE)


def serving(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables of the export lines of a demo that serves."""
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(3)]
    assert all(line.startswith("export ") for line in lines), lines
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        os.sched_yield()


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def living_of(temporary: Path) -> list[int]:
    """The processes whose temporary folder is there, or that were started with a file of it."""
    return [pid for pid, line, settings in _processes() if str(temporary) in line + settings and alive(pid)]


def clearing(temporary: Path) -> list[int]:
    """The stand-in Hermes that clear packets out of a config written for it."""
    return [pid for pid, line, _ in _processes() if str(temporary) in line and "hermes-" in line and " clear " in line]


def _processes() -> Iterator[tuple[int, str, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line, settings = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
            yield (
                int(folder.name),
                line.replace(b"\0", b" ").decode(errors="replace"),
                settings.decode(errors="replace"),
            )


def test_the_story_is_told_to_its_end_and_leaves_nothing_behind(
    environ: dict[str, str], home: Path, temporary: Path
) -> None:
    said = run(environ, "demo")
    assert said.returncode == 0, said.stderr
    for step in STORY:
        assert step.words in said.stdout
    for words in ("delivered", "returned to sender", "client_expired", "earned: cleared by us", "confirmed"):
        assert words in said.stdout + said.stderr
    # Hashes are never cut; all else fits the terminal.
    typed = ("$ ", "CHAIN_BINARY ")
    lines = [line for line in said.stdout.replace(str(temporary), "TMP").splitlines() if not line.startswith(typed)]
    assert max(len(line) for line in lines if not re.search(r"[0-9A-Fa-f]{64}", line)) <= 80
    assert list(temporary.iterdir()) == []
    assert list(home.rglob("*")) == []


def test_the_story_is_a_stream_of_objects_for_programs(environ: dict[str, str]) -> None:
    said = run(environ, "--json", "demo", "--script")
    assert (said.returncode, said.stderr) == (0, "")
    steps = [json.loads(line) for line in said.stdout.splitlines()]
    assert [step["step"] for step in steps] == [*range(1, len(STORY) + 1)]
    cleared = [step["document"]["packets"] for step in steps if step["argv"][1] == "clear" and step["document"]]
    fates = [row["fate"] for rows in cleared for row in rows if "fate" in row]
    # The last one is the sold one, cleared for its token.
    assert fates == ["delivered", "returned_to_sender", "acknowledged", "delivered"]
    sold, paid, shown = (step["document"] for step in steps[6:9])
    assert (sold["state"], paid["state"]) == ("open", "cleared")
    assert shown["packets"][0]["result"] == "earned"
    assert int(shown["paid"]["amount"]) == 2 * int(sold["pay"]["amount"]["amount"])
    refused = steps[5]
    assert (refused["exit_code"], refused["error"]["code"]) == (4, "not_clearable")
    refunding = steadied([step for step in steps if step["argv"][1] in {"wallet", "refunds", "audit"}])
    assert agrees("demo-refunds.json", json.dumps(refunding, indent=1, ensure_ascii=False).encode() + b"\n")


def steadied(found: Any) -> Any:
    """The same with names for what differs from world to world, and without what follows the gas that was used."""
    read_through = ("opening_height", "read_through")
    named = normalise(found, {found[0]["argv"][-1]: "<words>"})
    return without(named, "balance", "fees_taken", "on_chain", "should_hold", *read_through)


def test_other_commands_work_on_a_served_network_by_its_export_lines(
    environ: dict[str, str], started: Callable[..., subprocess.Popen[str]], home: Path, temporary: Path
) -> None:
    process = started("--serve")
    variables = serving(process)
    assert set(variables) == {"RELAYCLEAR_CONFIG", "RELAYCLEAR_PASSPHRASE_FILE", "XDG_STATE_HOME"}
    passphrase = Path(variables["RELAYCLEAR_PASSPHRASE_FILE"])
    assert [oct(file.stat().st_mode)[-3:] for file in (passphrase, passphrase.with_name("payee.txt"))] == ["600", "600"]
    listed = run({**environ, **variables}, "--json", "packets", "list", "--all")
    assert listed.returncode == 0, listed.stderr
    classes = {row["class"] for row in json.loads(listed.stdout)["packets"]}
    assert {"stuck", "timed_out", "ack_missing", "in_flight"} <= classes
    cleared = run(
        {**environ, **variables}, "--json", "clear", "--chain", "beta-1", "--channel", "channel-0",
        "--packet-sequences", "1", "--yes",
    )  # fmt: skip
    assert cleared.returncode == 0, cleared.stderr
    assert json.loads(cleared.stdout)["packets"][0]["fate"] == "delivered"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert list(temporary.iterdir()) == []
    assert list(home.rglob("*")) == []


def test_a_quote_is_paid_and_cleared_on_a_served_network_by_the_lines_that_are_printed(
    environ: dict[str, str], started: Callable[..., subprocess.Popen[str]]
) -> None:
    process = started("--serve")
    there = {**environ, **serving(process)}
    sold = run(there, *_typed("tokens create --chain beta-1 --channel channel-0 --packet-sequences 1"), "--json")
    price, memo = json.loads(sold.stdout)["pay"]["amount"], json.loads(sold.stdout)["memo"]
    little = json.loads(run(there, *_typed("demo --pay rc1 --amount 5ubeta --json")).stdout)
    assert (little["amount"]["amount"], little["memo"]) == ("5", memo)
    paid = run(there, *_typed("demo --pay rc1"))
    assert (paid.returncode, paid.stdout.startswith(f"alice sent {price['amount']}{price['denom']} to ")) == (0, True)
    cleared = run(there, *_typed("clear --token rc1 --wait"), "--yes", "--json")
    assert json.loads(cleared.stdout)["state"] == "cleared", cleared.stderr
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    for line in ("tokens create --chain beta-1", "demo --pay rc1", "clear --token rc1 --wait"):
        assert f"\nrelayclear {line}" in said
    alone = run(environ, "demo", "--pay", "rc1")
    assert (alone.returncode, "try: relayclear demo --serve" in alone.stderr) == (2, True)


def _typed(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_story_broken_off_leaves_nothing_behind(
    started: Callable[..., subprocess.Popen[str]], temporary: Path, number: signal.Signals
) -> None:
    process = started("--script")
    assert process.stdout is not None
    process.stdout.readline()
    until(lambda: bool(clearing(temporary)))
    begun = living_of(temporary)
    # Only the demo itself hears of it, as with `kill`.
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert [pid for pid in begun if alive(pid)] == []
    assert living_of(temporary) == []
    assert list(temporary.iterdir()) == []


def test_a_served_network_started_in_a_scripts_background_ends_by_sigint(
    environ: dict[str, str], temporary: Path
) -> None:
    # What a shell without job control does to whatever it starts with `&`.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        argv = [sys.executable, "-m", "relayclear", "demo", "--serve"]
        process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            serving(process)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert list(temporary.iterdir()) == []


def test_a_killed_demos_network_ends_and_the_next_start_removes_its_folder(
    started: Callable[..., subprocess.Popen[str]], temporary: Path
) -> None:
    process = started("--serve")
    serving(process)
    (folder,) = temporary.glob(f"{PREFIX}*")
    pid = json.loads((folder / "world.json").read_text(encoding="utf-8"))["pid"]
    process.kill()
    process.communicate(timeout=PATIENCE)
    until(lambda: not alive(pid))
    assert folder.is_dir()
    again = started("--serve")
    serving(again)
    assert not folder.exists()
    again.send_signal(signal.SIGINT)
    _, said = again.communicate(timeout=PATIENCE)
    assert "removed what 1 killed demo had left" in said
    assert list(temporary.iterdir()) == []


def test_a_folder_in_use_is_refused_and_left_alone(
    environ: dict[str, str], started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "rehearsal"
    variables = serving(started("--serve", "--dir", str(folder)))
    said = run(environ, "demo", "--script", "--dir", str(folder))
    assert said.returncode == 5
    assert f"a demo already runs in {folder}" in said.stderr
    assert run({**environ, **variables}, "packets", "list").returncode == 0


def test_a_folder_of_ones_own_stays_and_is_used_again(
    environ: dict[str, str], started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "rehearsal"
    for _ in range(2):
        process = started("--serve", "--dir", str(folder))
        assert run({**environ, **serving(process)}, "--json", "packets", "list").returncode == 0
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert (folder / "hermes" / "config.toml").is_file()
    assert (folder / "previous-relayclear.db").is_file()
    assert not (folder / "world.json").exists()


def test_a_folder_that_is_no_demos_is_not_touched(environ: dict[str, str], tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work", encoding="utf-8")
    said = run(environ, "demo", "--dir", str(mine.parent))
    assert said.returncode == 2
    assert "is not a demo's folder, and not empty" in said.stderr
    assert [*mine.parent.iterdir()] == [mine]
    assert run(environ, "demo", "--dir", str(mine)).returncode == 2


@pytest.mark.parametrize("mark", ['{"version": 0}', "not JSON", '{"version": 2}'])
def test_a_folder_of_another_version_says_so(environ: dict[str, str], tmp_path: Path, mark: str) -> None:
    (tmp_path / "demo.json").write_text(mark, encoding="utf-8")
    said = run(environ, "demo", "--dir", str(tmp_path))
    assert said.returncode == 2
    assert "of the demo, and this is 1" in said.stderr
    assert (tmp_path / "demo.json").read_text(encoding="utf-8") == mark


def test_a_port_that_is_taken_is_said_with_the_one_in_its_place(
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = min(taken.getsockname()[1], 65_000)
        process = started("--serve", "--port", str(port))
        serving(process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert re.search(rf"port {port} is taken: alpha-1 listens on \d+", said)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--script", "--serve"), "choose one"),
        (("--scale",), "--scale has no story to tell"),
        (("--pay", "rc1", "--serve"), "is served already"),
        (("--amount", "5stake"), "--amount is what --pay pays"),
    ],
)
def test_what_can_not_be_had_together_is_refused(environ: dict[str, str], argv: tuple[str, ...], words: str) -> None:
    said = run(environ, "demo", *argv)
    assert said.returncode == 2
    assert words in said.stderr
