"""`--idempotency-key`: the same key and words get the same answer, other words are refused, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.clearing.operation import Operation
from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.store import cursors, history
from tests.cli.conftest import Cli, Said
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.paying import Till

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes")
KEY = ("--idempotency-key", "k 1")


class KilledError(BaseException):
    """What ends a process at once, as far as its rows are concerned."""


@pytest.fixture
def counter(cli: Cli, tmp_path: Path) -> Counter:
    return Counter(cli.rig, tmp_path / "shop")


def told(rig: Rig) -> list[str]:
    """What the history says happened."""
    with rig.journal.database.snapshot() as reads:
        return [event.what for event in history.export(reads)]


def granted_once(cli: Cli, argv: tuple[str, ...], other: tuple[str, ...], code: Exit = Exit.DONE) -> Said:
    """Ask three times, an hour apart, and once with other words; the first answer."""
    first = cli(*argv, *KEY, "--json")
    assert first.code == code, first.err
    done = told(cli.rig)
    cli.rig.clock.step(3600)
    again = cli(*argv, *KEY, "--json")
    assert (again.code, again.out, again.err) == (code, first.out, "")
    page = cli(*argv, *KEY)
    assert (page.code, bool(page.text.strip())) == (code, True)
    assert "done before, with the same idempotency key" in page.err
    refused = cli(*argv[:-1], *other, *KEY, "--json")
    assert (refused.code, refused.error["code"]) == (Exit.REFUSED, "idempotency_key_reused")
    assert told(cli.rig) == done
    return first


# Tokens and keys


def test_a_token_is_taken_back_once(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck())
    said = granted_once(cli, ("tokens", "revoke", token.memo, "--reason", "too cheap"), ("dear",))
    assert said.document["state"] == "revoked"
    assert told(cli.rig).count("token_revoked") == 1


def test_lost_tokens_are_brought_back_once(cli: Cli, counter: Counter, tmp_path: Path) -> None:
    counter.quote(cli.rig.stuck())
    quotes, other = tmp_path / "shop" / "quotes.jsonl", tmp_path / "two.jsonl"
    other.write_text(quotes.read_text() * 2)
    said = granted_once(cli, ("tokens", "import", str(quotes)), (str(other),))
    assert [row["import"] for row in said.document["tokens"]] == ["known"]


def test_keys_are_made_turned_over_and_voided_once(cli: Cli, counter: Counter) -> None:
    made = cli("keys", "create", "--idempotency-key", "first", "--json")
    turned = cli("keys", "rotate", "--idempotency-key", "second", "--json")
    assert (made.document["key_id"], turned.document["key_id"]) == (1, 2)
    assert cli("keys", "create", "--idempotency-key", "first", "--json").out == made.out
    assert cli("keys", "rotate", "--idempotency-key", "second", "--json").out == turned.out
    assert cli("keys", "rotate", "--idempotency-key", "second").text.startswith("key 2, ")
    assert cli("keys", "rotate", "--idempotency-key", "first", "--json").error["code"] == "idempotency_key_reused"
    token = counter.quote(cli.rig.stuck())
    said = granted_once(cli, ("keys", "revoke", "2", "--yes", "--reason", "stolen"), ("lost",))
    assert said.document["voided"] == [token.memo]
    assert told(cli.rig).count("key_revoked") == 1
    assert [row["key_id"] for row in cli("keys", "list", "--json").document["keys"]] == [1, 2]


def test_a_key_that_could_not_be_made_may_be_wished_again(cli: Cli, counter: Counter) -> None:
    del counter
    assert cli("keys", "rotate", *KEY, "--json").error["code"] == "no_key"
    assert cli("keys", "create", "--json").code == Exit.DONE
    assert cli("keys", "rotate", *KEY, "--json").document["key_id"] == 2


# Payments, packets


def test_an_orphan_is_assigned_and_a_gap_accepted_once(cli: Cli, tmp_path: Path) -> None:
    till = Till(cli.rig, tmp_path / "shop")
    token = till.sold()
    tx_hash = till.pay("for you", 60)
    till.read_all()
    said = granted_once(cli, ("payments", "assign", tx_hash, token.memo, "--reason", "they wrote"), ("a typo",))
    assert said.document["token"] == token.memo
    with cli.rig.journal.database.atomic() as tx:
        heights = (till.height, till.height + 5)
        gap = cursors.add_gap(tx, "alpha-1", till.payee, *heights, "pruned", cli.rig.clock.now())
    argv = ("payments", "gaps", "accept", str(gap), "--reason", "no archive", "--idempotency-key", "k 2")
    first = cli(*argv, "--json")
    assert first.document["accepted"]["reason"] == "no archive"
    assert cli(*argv, "--json").out == first.out
    assert "may pass heights" in cli(*argv).text
    assert told(cli.rig).count("gap_accepted") == 1


def test_packets_are_muted_once_and_unmuted_once(cli: Cli) -> None:
    cli.rig.stuck()
    granted_once(cli, ("packets", "mute", "alpha-1/channel-0", "--reason", "known"), ("dead",))
    again = ("packets", "unmute", "alpha-1/channel-0", "--idempotency-key", "k 2", "--json")
    first = cli(*again)
    assert first.document["mutes_ended"] == 1
    assert cli(*again).out == first.out
    none = ("packets", "unmute", "alpha-1/channel-0", "--reason")
    cli.rig.journal.mute(cli.rig.source, None, "again", None, {"stuck"}, cli.rig.clock.now())
    assert cli(*again).out == first.out
    assert cli(*none, "mended", "--idempotency-key", "k 3", "--json").document["mutes_ended"] == 1
    assert cli(*none, "mended", "--idempotency-key", "k 4", "--json").code == Exit.FAILED
    assert cli(*none, "mended", "--idempotency-key", "k 4", "--json").code == Exit.FAILED


# Operations


def test_an_operation_is_called_off_once(cli: Cli) -> None:
    rig = cli.rig
    rig.journal.add_operation(Operation("op-x", rig.clock.now(), rig.source, rig.far, SequenceRanges.of([1])))
    rig.relayer.held["clearing", "op-x"] = "another process"
    said = granted_once(cli, ("operations", "cancel", "op-x", "--yes", "--reason", "wrong"), ("late",))
    assert said.document["state"] == "cancelled"


def test_paid_work_is_called_off_once_and_tried_again_once(cli: Cli, counter: Counter) -> None:
    rig = cli.rig
    rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(rig.stuck())
    counter.work()
    retry = ("operations", "retry", counter.operation(token).id, "--reason", "gas is back", *KEY)
    first = cli(*retry, "--json")
    counter.work()
    begun, waits = len(rig.relayer.jobs), counter.task(token).run_at
    assert first.code == Exit.DONE
    assert cli(*retry, "--json").out == first.out
    assert counter.operation(token).id in cli(*retry).text
    assert (counter.task(token).run_at, told(rig).count("retry_asked")) == (waits, 1)
    cancel = ("operations", "cancel", counter.operation(token).id, "--yes", "--idempotency-key", "k 2")
    first = cli(*cancel, "--json")
    counter.blocks(2)
    counter.work()
    assert cli(*cancel, "--json").out == first.out
    assert counter.operation(token).id in cli(*cancel).text
    assert (len(rig.relayer.jobs), told(rig).count("cancel_asked")) == (begun, 1)


# Clears


def test_a_clear_runs_once_and_is_shown_again(cli: Cli) -> None:
    cli.rig.stuck(count=2)
    said = granted_once(cli, (*ONE, "--max-fee", "99999stake"), ("88888stake",))
    assert said.document["state"] == "cleared"
    page = cli(*ONE, "--max-fee", "99999stake", *KEY).text
    assert f"relayclear operations proof {said.document['operation']}" in page
    assert len(cli.rig.relayer.jobs) == 1


def test_a_clear_that_failed_is_shown_again_as_failed_and_never_tried_by_its_key(cli: Cli) -> None:
    cli.rig.stuck()
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success, hermes.does_the_job]
    said = cli(*ONE, *KEY, "--json")
    again = cli(*ONE, *KEY, "--json")
    assert (said.code, again.code, again.out) == (Exit.FAILED, Exit.FAILED, said.out)
    assert cli(*ONE, "--json").document["state"] == "cleared"


def test_a_clear_that_was_refused_before_it_began_may_be_asked_for_again(cli: Cli) -> None:
    cli.rig.stuck()
    cli.rig.alpha.down = NodeError("frozen")
    assert cli(*ONE, *KEY, "--json").code == Exit.UNREACHABLE
    cli.rig.alpha.down = None
    assert cli(*ONE, *KEY, "--json").document["state"] == "cleared"


def killed(cli: Cli, when: str) -> None:
    """The command, whose process dies before or after Hermes did its work."""

    async def dies(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        if when == "after":
            await hermes.does_the_job(relayer, job, progress)
        raise KilledError

    cli.rig.relayer.scenarios = [dies, hermes.does_the_job]
    with pytest.raises(KilledError):
        cli(*ONE, *KEY, "--json")


@pytest.mark.parametrize(("when", "code"), [("before", Exit.UNREACHABLE), ("after", Exit.DONE)])
def test_a_clear_whose_process_was_killed_is_judged_and_never_run_again(cli: Cli, when: str, code: Exit) -> None:
    cli.rig.stuck()
    killed(cli, when)
    assert [cli(*ONE, *KEY, "--json").code for _ in range(2)] == [code, code]
    assert len(cli.rig.relayer.jobs) == 1


def test_a_clear_that_another_process_works_on_has_no_outcome_yet(cli: Cli) -> None:
    cli.rig.stuck()
    killed(cli, "before")
    (operation,) = cli.rig.journal.unfinished()
    cli.rig.relayer.held["clearing", operation.id] = "another process"
    said = cli(*ONE, *KEY, "--json")
    assert (said.code, said.document["state"]) == (Exit.UNREACHABLE, "running")
    assert len(cli.rig.relayer.jobs) == 1


def test_a_paid_token_is_asked_for_once_and_shown_as_it_stands(cli: Cli, counter: Counter) -> None:
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success] * 3 + [hermes.does_the_job]
    token = counter.bought(cli.rig.stuck())
    argv = ("clear", "--token", token.memo, "--yes", *KEY)
    assert cli(*argv, "--json").code == Exit.FAILED
    asked = told(cli.rig).count("clear_asked")
    said = cli(*argv, "--json")
    assert (said.code, said.document["state"]) == (Exit.UNREACHABLE, "clearing")
    cli.rig.clock.step(600)
    counter.work()
    said = cli(*argv, "--json")
    assert (said.code, said.document["state"]) == (Exit.DONE, "cleared")
    assert "cleared" in cli(*argv).text
    assert (len(cli.rig.relayer.jobs), told(cli.rig).count("clear_asked")) == (4, asked)
    other = cli("clear", "--token", "rc1", "--yes", *KEY, "--json")
    assert other.error["code"] == "idempotency_key_reused"


def test_packets_of_a_paid_token_named_by_hand_are_its_work_once(cli: Cli, counter: Counter) -> None:
    counter.bought(cli.rig.stuck())
    said = cli(*ONE, *KEY, "--json")
    assert said.document["state"] == "cleared"
    assert cli(*ONE, *KEY, "--json").document["state"] == "cleared"
    assert len(cli.rig.relayer.jobs) == 1


def test_work_that_is_over_already_keeps_the_key_too(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    counter.work()
    argv = ("clear", "--token", token.memo, "--yes", "--json")
    assert cli(*argv, *KEY).document["state"] == "cleared"
    assert cli("clear", "--token", "rc1", "--yes", "--json", *KEY).error["code"] == "idempotency_key_reused"


def test_who_only_looks_keeps_no_answer(cli: Cli) -> None:
    cli.rig.stuck()
    assert "plans" in cli(*ONE, "--dry-run", *KEY, "--json").document
    assert cli(*ONE, *KEY, "--json").document["state"] == "cleared"
    assert "plans" in cli(*ONE, "--dry-run", *KEY, "--json").document


# Slips


def test_a_key_of_another_command_is_refused(cli: Cli) -> None:
    cli.rig.stuck()
    assert cli("packets", "mute", "alpha-1/channel-0", "--reason", "known", *KEY).code == Exit.DONE
    assert cli("packets", "unmute", "alpha-1/channel-0", *KEY, "--json").error["code"] == "idempotency_key_reused"
    assert cli(*ONE, *KEY, "--json").error["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", " ", "a\nb", "\x1b[2J", "k" * 201])
@pytest.mark.parametrize(
    "argv", [ONE, ("packets", "unmute", "alpha-1/channel-0"), ("tokens", "create", "--wallet", "cosmos1")]
)
def test_a_key_is_a_line_of_text(cli: Cli, argv: tuple[str, ...], key: str) -> None:
    said = cli(*argv, "--idempotency-key", key, "--json")
    assert (said.code, "--idempotency-key takes a line" in said.error["message"]) == (Exit.USAGE, True)


def test_many_channels_have_no_key(cli: Cli) -> None:
    said = cli("clear", "--filter", "class:stuck", "--max-fee", "9stake", "--yes", *KEY, "--json")
    assert (said.code, "not with --filter" in said.error["message"]) == (Exit.USAGE, True)
