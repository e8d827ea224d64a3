"""Hermes that lies, dies, hangs or is not there, and clears that are interrupted or meet each other."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.localnet import stick
from tests.localnet.commands import Outcome, Relayclear, said, stand_in
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network

_NOTHING = 'echo \'{"result":[],"status":"success"}\''


def test_hermes_that_does_nothing_and_says_success_is_not_believed(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    tried = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, _NOTHING)).clear(ALPHA, here, "1")
    assert tried.code == 1
    assert tried.document["state"] == "failed"
    assert tried.document["hermes"]["exit_code"] == 0
    assert said(tried.result()) == (1, "stuck", "still_pending", False, "unknown")
    assert tried.result()["reason"] == "Hermes said success and did nothing"
    assert tried.result()["txs"] == []
    assert network.commitments(ALPHA, here) == [1]


def test_hermes_that_prints_garbage_moves_nothing_and_breaks_nothing(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    garbage = "head -c 100000 /dev/urandom; echo; echo '{\"result\":'; echo '\033[31mfine' >&2; exit 7"
    relayclear = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, garbage))
    tried = relayclear.clear(ALPHA, here, "1")
    assert tried.code == 1
    assert (tried.document["state"], tried.document["hermes"]["exit_code"]) == ("failed", 7)
    assert tried.result()["fate"] == "still_pending"
    assert "\x1b" not in tried.result()["reason"]
    shown = relayclear.run("operations", "show", tried.document["operation"], as_json=False)
    assert shown.code == 0
    assert "\x1b" not in shown.stdout


def test_hermes_that_clears_more_than_it_was_asked_is_reported(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here, count=3)
    greedy = 'exec hermes $(echo "$@" | sed "s/--packet-sequences 2/--packet-sequences 2..3/")'
    cleared = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, greedy)).clear(ALPHA, here, "2")
    assert cleared.code == 1
    assert said(cleared.result()) == (2, "stuck", "delivered", True, "us")
    assert cleared.document["extra_packets"] == [
        {"chain": ALPHA, "port": "transfer", "channel": here, "sequence": 3},
    ]
    assert network.commitments(ALPHA, here) == [1]


def test_hermes_killed_before_it_sent_anything_leaves_the_outcome_unknown(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    killed = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, "kill -9 $$")).clear(ALPHA, here, "1")
    assert killed.code == 3
    assert killed.document["state"] == "unknown"
    assert killed.document["hermes"]["exit_code"] is None
    assert killed.document["hermes"]["complaints"] == ["Hermes was killed by signal 9"]
    assert said(killed.result()) == (1, "stuck", "unknown", False, "unknown")
    again = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert (again.code, again.document["state"]) == (0, "cleared")


def test_hermes_killed_half_way_is_judged_by_what_the_chains_show(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    # The derived config signs with our key; the acknowledgement never gets its turn.
    half = f"--dst-chain {BETA} --src-chain {ALPHA} --src-port transfer --src-channel {here} --packet-sequences 1"
    body = f'hermes --config "$2" tx packet-recv {half} > /dev/null\nkill -9 $$'
    relayclear = Relayclear(network, tmp_path, hermes=stand_in(tmp_path, body))
    killed = relayclear.clear(ALPHA, here, "1")
    assert killed.code == 1
    assert killed.document["state"] == "partial"
    assert said(killed.result()) == (1, "stuck", "delivered", False, "us")
    assert relayclear.leftovers() == []
    again = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert said(again.result()) == (1, "ack_missing", "acknowledged", True, "us")


def test_hermes_that_hangs_is_ended_at_the_time_limit(network: Network, channel: Channel, tmp_path: Path) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    pid = tmp_path / "pid"
    hanging = stand_in(tmp_path, f"echo $$ > {pid}\nexec sleep 600")
    relayclear = Relayclear(network, tmp_path, hermes=hanging, time_limit="1s")
    cut = relayclear.clear(ALPHA, here, "1")
    assert cut.code == 3
    assert cut.document["state"] == "unknown"
    assert cut.document["hermes"]["complaints"] == ["Hermes had not finished after 1 s"]
    assert not _lives(int(pid.read_text()))
    assert relayclear.leftovers() == []


def test_hermes_that_cannot_be_used_is_named_before_anything_starts(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here = channel.on(ALPHA)
    network.transfer(ALPHA, here)
    plain, old, other = tmp_path / "plain", tmp_path / "old", tmp_path / "other"
    plain.write_text("#!/bin/sh\n", encoding="utf-8")
    old.write_text("#!/bin/sh\necho hermes 1.8.1\n", encoding="utf-8")
    other.write_text("#!/bin/sh\necho Hermes, the courier company\n", encoding="utf-8")
    for program in (old, other):
        program.chmod(0o755)
    for program, code, words in (
        (tmp_path / "missing", 3, "there is no program"),
        (plain, 3, "can't be started: Permission denied"),
        (other, 3, "this is no Hermes that we know: it says 'Hermes, the courier company'"),
        (old, 4, "Hermes 1.8.1 can clear packets of the wrong channel"),
    ):
        relayclear = Relayclear(network, tmp_path, hermes=[str(program)])
        refused = relayclear.clear(ALPHA, here, "1")
        assert refused.code == code, program
        assert words in refused.error["message"]
        assert relayclear.list("--chain", ALPHA, "--channel", here).code == 0
    assert relayclear.run("operations", "list").document["operations"] == []
    assert network.commitments(ALPHA, here) == [1]


def test_packet_that_times_out_while_hermes_is_at_work_is_judged_by_its_end(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, go = channel.on(ALPHA), tmp_path / "go"
    before = network.balance(ALPHA, "carol")
    network.transfer(ALPHA, here, user="carol", timeout_seconds=12)
    late = datetime.now(UTC) + timedelta(seconds=12)
    with _clearing(Relayclear(network, tmp_path), _waits_for(go), here, "1") as process:
        stick.wait_past(network, BETA, late)
        go.touch()
        done = _ended(process)
    assert (done.code, done.document["state"]) == (0, "cleared")
    assert said(done.result()) == (1, "stuck", "returned_to_sender", False, "us")
    assert [tx["step"] for tx in done.result()["txs"]] == ["timeout"]
    assert network.balance(ALPHA, "carol") == before


def test_second_clear_with_the_same_key_is_told_who_holds_it(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, go = channel.on(ALPHA), tmp_path / "go"
    network.transfer(ALPHA, here, count=2)
    with _clearing(Relayclear(network, tmp_path), _waits_for(go), here, "1") as first:
        relayclear = Relayclear(network, tmp_path)
        second = relayclear.clear(ALPHA, here, "2")
        assert (second.code, second.error["code"], second.error["retryable"]) == (5, "held", True)
        assert f"key 'clearing' on {ALPHA} is held by process {first.pid}" in second.error["message"]
        assert relayclear.list("--chain", ALPHA, "--channel", here).code == 0
        other_key = relayclear.clear(ALPHA, here, "2", "--key-name", "daemon", "--share-key")
        assert said(other_key.result()) == (2, "stuck", "delivered", True, "us")
        go.touch()
        done = _ended(first)
    assert done.code == 0
    assert said(done.result()) == (1, "stuck", "delivered", True, "us")


def test_interrupted_clear_ends_hermes_and_says_that_nothing_is_known(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    with _clearing(relayclear, "exec sleep 600", here, "1") as process:
        hermes = _hermes_of(relayclear)
        process.send_signal(signal.SIGINT)
        stopped = _ended(process)
    assert stopped.code == 130
    assert not _lives(hermes)
    assert stopped.document["state"] == "unknown"
    assert said(stopped.result()) == (1, "stuck", "unknown", False, "unknown")
    assert stopped.document["hermes"]["complaints"] == ["Hermes was stopped before it had finished"]
    assert relayclear.leftovers() == []
    again = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert (again.code, again.document["state"]) == (0, "cleared")
    states = [one["state"] for one in relayclear.run("operations", "list").document["operations"]]
    assert states == ["cleared", "unknown"]


def test_interrupted_clear_with_the_real_hermes_says_no_more_than_the_chains(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    with _clearing(relayclear, 'exec hermes "$@"', here, "1") as process:
        hermes = _hermes_of(relayclear)
        process.send_signal(signal.SIGINT)
        stopped = _ended(process)
    assert stopped.code == 130
    assert not _lives(hermes)
    fate = stopped.result()["fate"]
    assert fate in {"unknown", "delivered"}
    if fate == "delivered":
        assert network.received(BETA, channel.on(BETA), 1)
    again = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert again.code == 0
    assert network.commitments(ALPHA, here) == []
    assert network.received(BETA, channel.on(BETA), 1)


def test_hermes_that_outlives_us_keeps_its_keys_locked(network: Network, channel: Channel, tmp_path: Path) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    with _clearing(relayclear, "exec sleep 600", here, "1") as process:
        hermes = _hermes_of(relayclear)
        # Hermes may be there before the lock's note names it: killed between the two, only the lock itself speaks.
        wait_for(lambda: _is_named(hermes, tmp_path), "the lock to name its Hermes", timeout=10, every=0.02)
        process.kill()
        process.wait()
        try:
            held = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
            assert (held.code, held.error["code"]) == (5, "held")
            assert f"its Hermes (process {hermes})" in held.error["hint"]
        finally:
            os.kill(hermes, signal.SIGKILL)
    wait_for(lambda: None if _lives(hermes) else True, "Hermes to be gone", timeout=10)
    free = Relayclear(network, tmp_path).clear(ALPHA, here, "1")
    assert (free.code, free.document["state"]) == (0, "cleared")


@contextmanager
def _clearing(relayclear: Relayclear, body: str, channel: str, sequences: str) -> Iterator[subprocess.Popen[str]]:
    """A clear under way whose Hermes, `body`, has started; ended with the block at the latest."""
    folder = relayclear.folder
    program = stand_in(folder, f"echo $$ > {folder}/pid.part\nmv {folder}/pid.part {folder}/pid\n{body}")
    under_way = Relayclear(relayclear.network, folder, hermes=program)
    process = under_way.start(*under_way.clear_words(ALPHA, channel, sequences))
    try:
        wait_for(lambda: (folder / "pid").exists() or None, "Hermes to start", timeout=30, every=0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def _is_named(hermes: int, folder: Path) -> bool | None:
    return any(str(hermes) in lock.read_text(encoding="utf-8") for lock in folder.rglob("*.lock")) or None


def _waits_for(file: Path) -> str:
    return f'while [ ! -e {file} ]; do sleep 0.05; done\nexec hermes "$@"'


def _hermes_of(relayclear: Relayclear) -> int:
    return int((relayclear.folder / "pid").read_text())


def _ended(process: subprocess.Popen[str]) -> Outcome:
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)


def _lives(pid: int) -> bool:
    try:
        # Where nobody collects dead children they stay as zombies.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
