"""`--json` byte for byte: programs of other people read it."""

from __future__ import annotations

import pytest

from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from tests.cli.conftest import Cli, agrees
from tests.fakes.relayer import does_nothing_and_says_success, is_killed_half_way, touches_the_next_one_too
from tests.fakes.rig import Rig
from tests.fakes.world import address

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")
SENDER = address("sender", "alpha-1")


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("packets-list", "packets list --all"),
        ("packets-list-attention", "packets list"),
        ("packets-list-page", "packets list --all --limit 2 --offset 1"),
        ("packets-list-bare", "packets list --all --details none"),
        ("packets-list-filter", f"packets list --class timed_out --age >30m --wallet {SENDER}"),
        ("packets-list-channel", "packets list --chain alpha-1 --channel channel-1 --port icahost --all"),
        ("packets-show-stuck", "packets show alpha-1/channel-0/1"),
        ("packets-show-hostile", "packets show alpha-1/channel-0/5"),
        ("packets-show-ordered", "packets show alpha-1/icahost/channel-1/1"),
        ("packets-mute", "packets mute alpha-1/channel-0/1..2 --reason known --until 7d"),
        ("chains", "chains"),
        ("channels", "channels"),
        ("channels-one", "channels --chain beta-1"),
        ("operations-none", "operations list"),
        ("clear-plan", "clear --chain alpha-1 --channel channel-0 --packet-sequences 1..3 --dry-run"),
        ("clear-plan-many", "clear --filter class:stuck --max-fee 9000stake --dry-run"),
    ],
)
def test_a_document_keeps_its_bytes(cli: Cli, busy: Rig, name: str, argv: str) -> None:
    del busy
    said = cli(*argv.split(), "--json")
    assert (said.code, said.err) == (0, "")
    assert said.document["schema_version"] == 1
    assert said.out.count(b"\n") == 1
    assert agrees(f"{name}.json", said.out)


def test_a_clear_and_its_proof_keep_their_bytes(cli: Cli, busy: Rig) -> None:
    del busy
    said = cli(*ONE, "1..3", "--yes", "--json")
    assert (said.code, said.err) == (0, "")
    assert agrees("clear.json", said.out)
    assert agrees("operations.json", cli("operations", "list", "--json").out)
    shown = cli("operations", "show", "op-", "--json")
    assert {name: shown.document[name] for name in said.document} == said.document
    assert agrees("operations-show.json", shown.out)
    assert agrees("clear-again.json", cli(*ONE, "1", "--yes", "--json").out)
    assert agrees("packets-show-done.json", cli("packets", "show", "alpha-1/channel-0/1", "--json").out)


def test_a_clear_of_many_keeps_its_bytes(cli: Cli, busy: Rig) -> None:
    del busy
    said = cli("clear", "--filter", "chain:alpha-1", "--max-fee", "9000stake,9000ubeta", "--yes", "--json")
    assert (said.code, said.err) == (0, "")
    assert agrees("clear-many.json", said.out)


def test_a_failed_path_keeps_its_bytes_and_exits_three(cli: Cli, busy: Rig) -> None:
    cli("packets", "list", "--json")
    busy.beta.down = NodeError("https://beta refused the connection", hint="relayclear doctor")
    said = cli("packets", "list", "--json")
    assert said.code == Exit.UNREACHABLE
    assert agrees("packets-list-failed.json", said.out)
    assert [path["stuck"] for path in said.document["paths"]] == [None] * 4
    for name, argv in (("chains-failed", "chains"), ("channels-failed", "channels")):
        said = cli(argv, "--json")
        assert said.code == Exit.UNREACHABLE
        assert agrees(f"{name}.json", said.out)


@pytest.mark.parametrize(
    ("name", "argv", "code"),
    [
        ("error-unknown-channel", "packets list --chain alpha-1 --channel channel-9", Exit.USAGE),
        ("error-unknown-chain", "packets list --chain alpha", Exit.USAGE),
        ("error-never-sent", "packets show alpha-1/channel-0/77", Exit.REFUSED),
        ("error-backwards", "clear --chain alpha-1 --channel channel-0 --packet-sequences 9..2", Exit.USAGE),
        ("error-nobody-to-ask", "clear --chain alpha-1 --channel channel-0 --packet-sequences 1", Exit.USAGE),
        ("error-option", "packets list --nonsense", Exit.USAGE),
        ("error-command", "packet list", Exit.USAGE),
        ("error-filter", "packets list --filter clas:stuck", Exit.USAGE),
        ("error-operation", "operations show op-77", Exit.USAGE),
    ],
)
def test_an_error_is_one_object_on_stderr_and_nothing_on_stdout(
    cli: Cli, busy: Rig, name: str, argv: str, code: Exit
) -> None:
    del busy
    said = cli(*argv.split(), "--json")
    assert (said.code, said.out) == (code, b"")
    assert set(said.error) == {"code", "message", "hint", "retryable"}
    assert agrees(f"{name}.json", said.err.encode())


@pytest.mark.parametrize(
    ("scenario", "state", "code"),
    [
        (does_nothing_and_says_success, "failed", Exit.FAILED),
        (is_killed_half_way, "unknown", Exit.UNREACHABLE),
        (touches_the_next_one_too, "cleared", Exit.FAILED),
    ],
)
def test_a_clear_that_went_wrong_says_so_in_state_and_exit_code(
    cli: Cli, rig: Rig, scenario: object, state: str, code: Exit
) -> None:
    rig.stuck(count=3)
    rig.relayer.scenarios = [scenario]  # type: ignore[list-item]
    said = cli(*ONE, "1,2", "--yes", "--json")
    assert (said.code, said.document["state"]) == (code, state)
    surplus = [key["sequence"] for key in said.document["extra_packets"]]
    assert surplus == ([3] if scenario is touches_the_next_one_too else [])


def test_check_tells_by_its_exit_code_whether_somebody_is_needed(cli: Cli, rig: Rig) -> None:
    assert cli("packets", "list", "--check", "--json").code == Exit.DONE
    rig.world.send(rig.source)
    assert cli("packets", "list", "--check", "--all", "--json").code == Exit.DONE
    rig.clock.step(600)
    assert cli("packets", "list", "--json").code == Exit.DONE
    assert cli("packets", "list", "--check", "--json").code == Exit.FOUND
    cli("packets", "mute", "alpha-1/channel-0", "--reason", "known", "--json")
    assert cli("packets", "list", "--check", "--json").code == Exit.DONE
    assert [row["muted"]["reason"] for row in cli("packets", "list", "--muted", "--json").document["packets"]] == [
        "known"
    ]
    ended = cli("packets", "unmute", "alpha-1/channel-0", "--json")
    assert ended.document["mutes_ended"] == 1
    assert cli("packets", "list", "--check", "--json").code == Exit.FOUND
    rig.beta.down = NodeError("frozen")
    assert cli("packets", "list", "--check", "--json").code == Exit.UNREACHABLE


def test_amounts_are_strings_of_any_length_and_unknown_is_null(cli: Cli, busy: Rig) -> None:
    del busy
    rows = {row["sequence"]: row for row in cli("packets", "list", "--all", "--json").document["packets"]}
    assert rows[2]["coin"] == {"denom": "transfer/channel-7/uatom", "amount": str(10**30)}
    bare = cli("packets", "list", "--details", "none", "--json").document["packets"]
    assert {row["coin"] for row in bare} <= {None}


def test_without_a_limit_every_row_comes(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=60)
    document = cli("packets", "list", "--json").document
    assert len(document["packets"]) == 60
    assert document["page"] == {"limit": None, "offset": 0, "total": 60, "has_next": False, "has_previous": False}
