"""The whole adapter, over small programs that stand in for Hermes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from relayclear.errors import HeldError, HermesError, RefusedError, RelayclearError, UsageError
from relayclear.hermes import relayer as module
from relayclear.hermes.config import load
from relayclear.hermes.relayer import HermesProgram, HermesRelayer
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.relayer import ClearJob, FeeCap, KeyChoice, RelayEvent, RelayRun
from relayclear.ports import Relayer
from tests.hermes import standin
from tests.hermes.standin import KEYS, config, job, program, relayer

NORMAL = """
log("running")
log("odd but harmless", "WARN")
events = [{"UpdateClient": {}}, {"WriteAcknowledgement": packet(2)}, {"AcknowledgePacket": packet(2)}]
say(json.dumps({"result": events, "status": "success"}))
"""
# Tells that it has begun, then waits to be ended.
HANGING = """
event = "WriteAcknowledgement(WriteAcknowledgement { packet: seq:2, path:channel-0/transfer->channel-3/transfer, toh: x"
log("[Sync->ibc-1] result events:\\n\\t" + event)
hang()
"""
# Leaves what it was called with, and the config, where the test finds them.
CURIOUS = """
config = sys.argv[sys.argv.index("--config") + 1]
seen = {"argv": sys.argv, "config": open(config).read(), "mode": os.stat(config).st_mode, "path": config,
        "rust_log": os.environ.get("RUST_LOG"), "group": os.getpgrp() == os.getpid()}
open(os.path.join(os.path.dirname(sys.argv[0]), "seen.json"), "w").write(json.dumps(seen))
say('{"result":[],"status":"success"}')
"""


def clear(
    hermes: HermesRelayer, wanted: ClearJob | None = None, told: Callable[[RelayEvent], None] | None = None
) -> RelayRun:
    wanted = wanted or job()

    async def run() -> RelayRun:
        keys = [hermes.key(chain, wanted.keys.get(chain)) for chain in ("ibc-0", "ibc-1")]
        async with hermes.holding(keys):
            return await hermes.clear(wanted, told or (lambda _: None))

    return asyncio.run(run())


def event(step: str) -> RelayEvent:
    return RelayEvent(step, PacketKey("ibc-0", "transfer", "channel-0", 2))


def cancel(task: asyncio.Task[RelayRun]) -> None:
    task.cancel()


def test_it_is_the_port(tmp_path: Path) -> None:
    port: Relayer = relayer(tmp_path, NORMAL)
    assert asyncio.run(port.version()) == "1.10.5"


def test_a_run_tells_what_hermes_told(tmp_path: Path) -> None:
    told: list[RelayEvent] = []
    run = clear(relayer(tmp_path, NORMAL), told=told.append)
    assert (run.version, run.exit_code, run.ended) == ("1.10.5", 0, True)
    assert list(run.events) == told == [event("recv"), event("ack")]
    assert run.complaints == ("odd but harmless",)
    assert run.output.count("\n") == 2
    assert 0 < run.seconds < 30


def test_exactly_what_was_asked_stands_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUST_LOG", "off")
    run = clear(relayer(tmp_path, CURIOUS), job("1,10..20"))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["argv"] == list(run.argv)
    assert run.argv == (
        *(str(tmp_path / "hermes"), "--config", seen["path"], "--json", "clear", "packets"),
        *("--chain", "ibc-0", "--port", "transfer", "--channel", "channel-0", "--packet-sequences", "1,10..20"),
    )
    assert seen["rust_log"] is None
    assert seen["group"] is True


def test_the_config_of_a_run_carries_its_keys_cap_and_memo_and_is_gone_afterwards(tmp_path: Path) -> None:
    cap = FeeCap("ibc-1", Coin("stake", 500))
    clear(relayer(tmp_path, CURIOUS), job(keys={"ibc-0": "clearing"}, fee_caps=(cap,), memo="rc1"))
    seen = json.loads((tmp_path / "seen.json").read_text())
    first, second = tomllib.loads(seen["config"])["chains"]
    assert (first["key_name"], second["key_name"]) == ("clearing", "relayer")
    assert (first["memo_overwrite"], second["max_gas"]) == ("rc1", 249_999)
    assert "max_gas" not in first
    assert stat.S_IMODE(seen["mode"]) == 0o600
    assert not Path(seen["path"]).exists()


def test_a_run_that_exits_well_having_done_nothing_claims_nothing(tmp_path: Path) -> None:
    run = clear(relayer(tmp_path, """say('{"result":[],"status":"success"}')"""))
    assert (run.exit_code, run.events, run.complaints) == (0, (), ())


def test_an_error_of_hermes_is_its_complaint(tmp_path: Path) -> None:
    body = """say('{"result":"channel channel-0 is not open","status":"error"}'); sys.exit(1)"""
    run = clear(relayer(tmp_path, body))
    assert (run.exit_code, run.events, run.complaints) == (1, (), ("channel channel-0 is not open",))


def test_a_node_that_hermes_cannot_reach_is_named_with_its_chain_instead_of_a_chain_of_causes(tmp_path: Path) -> None:
    body = """
    log("failed to spawn chain runtime\\nCaused by:\\n   0: RPC error to endpoint http://127.0.0.1:27030/\\n"
        "   1: HTTP error\\n   2: error sending request for url (http://127.0.0.1:27030/): error trying to connect: "
        "tcp connect error: Connection refused (os error 111)", "ERROR")
    log("RPC error to endpoint http://127.0.0.1:9999/ HTTP error: error trying to connect: refused", "ERROR")
    say('{"result":"it failed","status":"error"}'); sys.exit(1)
    """
    run = clear(relayer(tmp_path, body))
    # Both chains of this config stand on one address.
    assert run.complaints[-2:] == tuple(
        f"Hermes can't reach its own node of {chain}, http://127.0.0.1:27030: Connection refused (os error 111)"
        for chain in ("ibc-0", "ibc-1")
    )
    assert "it failed" in run.complaints


def test_an_address_that_the_config_does_not_have_is_no_node_of_a_chain(tmp_path: Path) -> None:
    words = "RPC error to endpoint http://127.0.0.1:9999/ HTTP error: error trying to connect: refused"
    run = clear(relayer(tmp_path, f'log("{words}", "ERROR"); sys.exit(1)'))
    assert run.complaints == (words, "Hermes ended without a result")


def test_a_config_that_hermes_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    run = clear(relayer(tmp_path, "print('hermes fatal error: unknown field', file=sys.stderr); sys.exit(1)"))
    assert (run.exit_code, run.complaints) == (1, ("hermes fatal error: unknown field",))


@pytest.mark.parametrize(
    "body", ["say('garbage'); say('{\"result\":[{\"Write')", "sys.stdout.buffer.write(b'\\xff\\xfe\\n')", "pass"]
)
def test_garbage_and_half_answers_are_no_result(tmp_path: Path, body: str) -> None:
    run = clear(relayer(tmp_path, body))
    assert (run.exit_code, run.events, run.complaints) == (0, (), ("Hermes ended without a result",))


def test_a_hermes_that_is_killed_half_way_did_not_end_by_itself_and_keeps_what_it_told(tmp_path: Path) -> None:
    run = clear(relayer(tmp_path, HANGING.replace("hang()", "os.kill(os.getpid(), signal.SIGKILL)")))
    assert (run.exit_code, run.ended, run.events) == (None, True, (event("recv"),))
    assert run.complaints == ("Hermes was killed by signal 9",)


def test_a_result_of_a_hermes_that_did_not_end_well_is_kept(tmp_path: Path) -> None:
    run = clear(relayer(tmp_path, NORMAL + "os.kill(os.getpid(), signal.SIGTERM)"))
    assert (run.exit_code, run.events) == (None, (event("recv"), event("ack")))
    assert run.complaints == ("odd but harmless", "Hermes was killed by signal 15")


def test_a_hanging_hermes_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    run = clear(relayer(tmp_path, "hang()", time_limit=0.2))
    assert (run.exit_code, run.ended, run.events) == (None, True, ())
    assert run.complaints == ("Hermes had not finished after 0.2 s",)


def test_stop_ends_the_run_and_its_answer_comes_back(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, HANGING)
    run = clear(hermes, told=lambda _: hermes.stop())
    assert (run.exit_code, run.ended, run.events) == (None, True, (event("recv"),))
    assert run.complaints == ("Hermes was stopped before it had finished",)
    with pytest.raises(RefusedError, match="told to stop"):
        clear(hermes)


def test_a_cancelled_clear_ends_hermes_and_frees_its_keys(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, HANGING)

    async def cancelled() -> None:
        async with hermes.holding(KEYS):
            task = asyncio.create_task(hermes.clear(job(), lambda _: cancel(task)))
            with pytest.raises(asyncio.CancelledError):
                await task
        async with hermes.holding(KEYS):
            pass

    asyncio.run(cancelled())


@pytest.mark.parametrize("ending", ["time limit", "cancelled"])
def test_a_hermes_elsewhere_may_live_on_so_its_end_is_unknown_and_its_keys_stay_taken(
    tmp_path: Path, ending: str
) -> None:
    hermes = relayer(tmp_path, HANGING, command=("/usr/bin/env",), time_limit=0.2 if ending == "time limit" else 30.0)

    async def run() -> None:
        async with hermes.holding(KEYS):
            if ending == "time limit":
                ended = await hermes.clear(job(), lambda _: None)
                assert (ended.exit_code, ended.ended) == (None, False)
            else:
                task = asyncio.create_task(hermes.clear(job(), lambda _: cancel(task)))
                with pytest.raises(asyncio.CancelledError):
                    await task
        with pytest.raises(HeldError, match="couldn't be ended"):
            async with hermes.holding(KEYS):
                pass

    asyncio.run(run())


def test_a_hermes_elsewhere_that_ends_by_itself_frees_its_keys(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, NORMAL, command=("/usr/bin/env",))
    assert clear(hermes).ended
    assert clear(hermes).ended


def test_a_work_dir_is_where_a_hermes_elsewhere_finds_its_config(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    script = program(tmp_path, CURIOUS)
    place = HermesProgram((str(script),), work_dir=shared, time_limit=30.0)
    run = clear(HermesRelayer(config(tmp_path), place, lock_folder=tmp_path / "locks"))
    assert Path(run.argv[2]).parent == shared
    assert list(shared.iterdir()) == []


def test_a_run_without_the_locks_is_refused(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, NORMAL)

    async def unlocked() -> None:
        async with hermes.holding(KEYS[:1]):
            await hermes.clear(job(), lambda _: None)

    with pytest.raises(RefusedError, match="key 'relayer' on ibc-1 is not locked"):
        asyncio.run(unlocked())


def test_the_locks_belong_to_the_running_hermes_too(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, HANGING)
    seen: list[str] = []

    def look(_: RelayEvent) -> None:
        notes = [json.loads(path.read_text()) for path in sorted((tmp_path / "locks").iterdir())]
        locks = {path.stat().st_ino for path in (tmp_path / "locks").iterdir()}
        child = Path("/proc") / str(notes[0]["child"]) / "fd"
        inherited = {path.stat().st_ino for path in child.iterdir() if path.exists()}
        assert locks <= inherited
        seen.extend(note["what"] for note in notes)
        hermes.stop()

    clear(hermes, told=look)
    assert seen == ["clearing ibc-0/channel-0 2"] * 2


def test_two_relayers_of_one_key_wait_for_nobody(tmp_path: Path) -> None:
    one, two = relayer(tmp_path, NORMAL), relayer(tmp_path, NORMAL)

    async def both() -> None:
        async with one.holding(KEYS):
            with pytest.raises(HeldError, match=f"held by process {os.getpid()} since"):
                async with two.holding(KEYS):
                    pass

    asyncio.run(both())


def test_no_sequences_never_become_all_sequences(tmp_path: Path) -> None:
    nothing = ClearJob(standin.SOURCE, standin.DESTINATION, type(job().sequences)(), {})
    with pytest.raises(RefusedError, match="no sequences to clear on ibc-0/channel-0"):
        clear(relayer(tmp_path, NORMAL), nothing)


def test_more_sequences_than_a_command_line_holds_are_refused(tmp_path: Path) -> None:
    many = job(",".join(str(n) for n in range(1, 100_000, 2)))
    with pytest.raises(RefusedError, match="too many for one run"):
        clear(relayer(tmp_path, NORMAL), many)


def test_a_key_that_is_not_there_is_refused_before_hermes_runs(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, NORMAL)
    with pytest.raises(RefusedError, match="key 'nosuchkey' is unknown on ibc-0"):
        clear(hermes, job(keys={"ibc-0": "nosuchkey"}))
    with pytest.raises(UsageError, match="no chain 'ibc-7'"):
        hermes.key("ibc-7")


def test_a_key_folder_that_cannot_be_seen_leaves_the_address_unknown_only_elsewhere(tmp_path: Path) -> None:
    here = relayer(tmp_path, NORMAL)
    there = relayer(tmp_path, NORMAL, command=("/usr/bin/env",))
    assert here.key("ibc-0") == there.key("ibc-0") == KEYS[0]
    (tmp_path / "keys").rename(tmp_path / "hidden")
    assert there.key("ibc-0", "clearing") == KeyChoice("ibc-0", "clearing", None)
    with pytest.raises(RefusedError, match="key 'clearing' is unknown"):
        here.key("ibc-0", "clearing")


def test_rules_are_those_of_the_config(tmp_path: Path) -> None:
    rules = relayer(tmp_path, NORMAL).rules("ibc-0")
    assert (rules.excluded, rules.max_memo, rules.max_receiver) == ({}, 32768, 2048)


def test_gas_terms_are_the_worst_the_config_allows(tmp_path: Path) -> None:
    terms = relayer(tmp_path, NORMAL).gas("ibc-0")
    assert (terms.chain, terms.denom, terms.max_gas, terms.fee_granter) == ("ibc-0", "stake", 400_000, None)
    assert terms.price == Decimal("0.002")


def test_gas_terms_reckon_with_the_most_a_dynamic_price_may_rise_to() -> None:
    terms = HermesRelayer(load(standin.CONFIGS / "v1_13.toml")).gas("injective-1")
    assert (terms.price, terms.max_gas, terms.fee_granter) == (Decimal(500_000_000), 5_000_000, "inj1granter")


def refused_version(hermes: HermesRelayer) -> RelayclearError:
    with pytest.raises(RelayclearError) as caught:
        asyncio.run(hermes.version())
    assert caught.value.hint
    return caught.value


def over(folder: Path, *command: str) -> HermesRelayer:
    return HermesRelayer(config(folder), HermesProgram(command), lock_folder=folder / "locks")


def test_a_hermes_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    error = refused_version(over(tmp_path, str(tmp_path / "nowhere")))
    assert isinstance(error, HermesError)
    assert "there is no program" in error.message
    assert "[hermes] command" in (error.hint or "")


def test_a_file_that_may_not_be_executed_is_told(tmp_path: Path) -> None:
    program(tmp_path, "").chmod(0o600)
    assert "can't be started: Permission denied" in refused_version(over(tmp_path, str(tmp_path / "hermes"))).message


def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    (tmp_path / "hermes").write_bytes(b"\x00\x01")
    (tmp_path / "hermes").chmod(0o755)
    assert "can't be started" in refused_version(over(tmp_path, str(tmp_path / "hermes"))).message


def test_a_container_that_is_down_is_told_in_its_own_words(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    script.write_text("#!/bin/sh\necho 'Error: No such container: hermes' >&2\nexit 1\n")
    script.chmod(0o755)
    error = refused_version(over(tmp_path, str(script), "exec", "-i", "hermes", "hermes"))
    assert "Error: No such container: hermes" in error.message
    assert error.hint == f"{script} exec -i hermes hermes version"


def test_another_program_under_the_name_is_not_taken_for_hermes(tmp_path: Path) -> None:
    assert "no Hermes that we know: it says 'something else'" in refused_version(
        over(tmp_path, "echo", "something else")
    ).message.replace(" version'", "'")


@pytest.mark.parametrize(("version", "why"), [("1.8.1+x", "wrong channel"), ("1.8.0", "too old"), ("1.7.4", "too old")])
def test_a_version_that_must_not_be_driven_starts_nothing(tmp_path: Path, version: str, why: str) -> None:
    program(tmp_path, CURIOUS, version)
    hermes = over(tmp_path, str(tmp_path / "hermes"))
    assert why in refused_version(hermes).message
    with pytest.raises(RefusedError, match=why):
        clear(hermes)
    assert not (tmp_path / "seen.json").exists()


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, NORMAL)

    async def twice() -> str:
        first = await hermes.version()
        (tmp_path / "hermes").unlink()
        assert await hermes.version() == first
        return first

    assert asyncio.run(twice()) == "1.10.5"


def test_a_hermes_that_is_gone_is_noticed_by_who_asks_again(tmp_path: Path) -> None:
    hermes = relayer(tmp_path, NORMAL)

    async def twice() -> None:
        assert await hermes.version() == "1.10.5"
        (tmp_path / "hermes").unlink()
        assert await hermes.version() == "1.10.5"
        with pytest.raises(HermesError, match="there is no program"):
            await hermes.version(again=True)

    asyncio.run(twice())


def test_a_hermes_that_never_tells_its_version_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "hermes"
    script.write_text("#!/bin/sh\nexec sleep 3600\n")
    script.chmod(0o755)
    monkeypatch.setattr(module, "_VERSION_SECONDS", 0.05)
    assert "does not tell its version: time limit" in refused_version(over(tmp_path, str(script))).message


def test_signals_at_us_do_not_reach_hermes(tmp_path: Path) -> None:
    # Ctrl-C in a terminal goes to the whole foreground group: Hermes must not be in ours.
    hermes = relayer(tmp_path, HANGING)
    groups: list[int] = []

    def look(_: RelayEvent) -> None:
        (path, *_others) = (tmp_path / "locks").iterdir()
        groups.append(os.getpgid(json.loads(path.read_text())["child"]))
        hermes.stop()

    clear(hermes, told=look)
    assert groups != [os.getpgrp()]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_hermes_that_is_killed_before_it_tells_its_version_has_no_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "hermes"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    assert refused_version(over(tmp_path, str(script))).message.endswith("it was ended by a signal")
