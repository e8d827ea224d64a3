"""`clear --token`: paid work from a terminal or a script, with its retries and its refusals."""

from __future__ import annotations

import gc
import io
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from relayclear.clearing.alerting import Alert
from relayclear.clearing.request import RequestState
from relayclear.cli.clear_token import _teller
from relayclear.cli.face import Face
from relayclear.cli.lines import LiveLine
from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.money.state import TokenState
from relayclear.usecases.alert_facts import conditions
from relayclear.usecases.token_clear import Progress
from relayclear.usecases.watching import beat, being_alone
from relayclear.wording.alerting import alert_sentence
from tests.cli.conftest import Cli, Said
from tests.fakes import relayer as hermes
from tests.usecases.counter import Counter
from tests.usecases.requesting import Office


@pytest.fixture
def counter(cli: Cli, tmp_path: Path) -> Counter:
    return Counter(cli.rig, tmp_path / "shop")


def test_an_unpaid_token_is_refused_with_what_is_missing(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck())
    said = cli("clear", "--token", token.memo, "--yes", "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "not_paid")
    assert f"not paid as far as payments are read: {token.price} of {token.price} are missing" in said.error["message"]
    assert cli.rig.relayer.jobs == []


def test_a_paid_token_is_cleared_here_when_no_daemon_lives(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    said = cli("clear", "--token", token.memo, "--yes", "--json")
    assert (said.code, said.document["state"]) == (Exit.DONE, "cleared")
    again = cli("clear", "--token", token.memo, "--yes", "--json")
    assert (again.code, again.document["state"]) == (Exit.DONE, "cleared")
    assert len(cli.rig.relayer.jobs) == 1


def test_with_wait_the_payment_is_waited_for_and_read(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck())
    counter.pay(token)
    said = cli("clear", "--token", token.memo, "--wait", "--yes", "--json")
    assert (said.code, said.document["state"]) == (Exit.DONE, "cleared")


def test_a_payer_whose_packet_ran_out_of_time_reads_that_the_sender_has_the_coins(cli: Cli, counter: Counter) -> None:
    """From the chain's word to the text that is pasted to an angry user: "everything is cleared" is no answer."""
    key = cli.rig.world.send(cli.rig.source, timeout_seconds=700)
    cli.rig.clock.step(600)
    token = counter.bought([key])
    cli.rig.clock.step(200)
    counter.work()
    for flags in ([], ["--for-payer"]):
        text = " ".join(cli("tokens", "show", token.memo, *flags).out.decode().split())
        assert "the receiver got nothing, and the sender has the coins back" in text
        assert "Everything is cleared" not in text
    assert "earned: cleared by us, returned to sender; share" in " ".join(
        cli("tokens", "show", token.memo).out.decode().split()
    )
    (packet,) = cli("tokens", "show", token.memo, "--json").document["packets"]
    assert (packet["result"], packet["fate"]) == ("earned", "returned_to_sender")


class _Watched(io.StringIO):
    def isatty(self) -> bool:
        """A person watches."""
        return True


def test_who_waits_for_a_payment_sees_nothing_move_for_an_hour(
    cli: Cli, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a line runs down; elsewhere each change is told once: what is waited for, and until when."""
    token = counter.quote(cli.rig.stuck())
    counter.pay(token, 1_000)
    said = cli("clear", "--token", token.memo, "--wait", "--yes")
    assert said.code == Exit.REFUSED
    waits = " ".join(said.err.split())
    assert waits.count("waiting for") == 2
    for missing in (token.price.amount, token.price.amount - 1_000):
        what = f"waiting for {missing}{token.price.denom} to {token.payee}, memo {token.memo}"
        assert f"{what}, until {token.expires_at:%Y-%m-%d %H:%M:%SZ}" in waits
    watched = _Watched()
    tell = _teller(Face(), LiveLine(shown=True), cli.rig.clock)
    monkeypatch.setattr(sys, "stderr", watched)
    for block in (17, 18):
        tell(Progress(None, 0, 0, 2.0, "5stake to me", cli.rig.clock.now() + timedelta(seconds=90), block))
    *_, last = watched.getvalue().split("\r\x1b[K")
    assert last == "  payments read through block 18; it can be paid for 1 m 30 s more"
    assert watched.getvalue().count("waiting for 5stake to me") == 1


def test_nobody_to_ask_and_no_yes_is_a_slip(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    said = cli("clear", "--token", token.memo, "--json")
    assert (said.code, said.error["code"]) == (Exit.USAGE, "usage")
    assert cli.rig.relayer.jobs == []


def test_a_dry_run_shows_the_plan_with_its_caps_and_does_nothing(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    said = cli("clear", "--token", token.memo, "--dry-run", "--json")
    (plan,) = said.document["plans"]
    assert (said.code, plan["run"]) == (Exit.DONE, [1])
    assert [fee["amount"] for fee in plan["worst_fees"]] == ["4001", "4001"]
    assert cli.rig.relayer.jobs == []


def test_three_tries_are_shown_and_the_rest_is_left_to_the_queue(cli: Cli, counter: Counter) -> None:
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(cli.rig.stuck())
    said = cli("clear", "--token", token.memo, "--yes")
    assert said.code == Exit.FAILED
    assert len(cli.rig.relayer.jobs) == 3
    assert "attempt 1 of 3" in said.err
    assert "attempt 2 of 3" in said.err
    assert "next in" in said.err
    assert "The work stays queued" in said.err
    assert counter.view(token).state is TokenState.CLEARING


def test_a_node_that_cannot_be_reached_leaves_the_request_queued(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    cli.rig.beta.fails["receptions"] = NodeError("beta-1: nobody answers")
    said = cli("clear", "--token", token.memo, "--yes")
    assert said.code == Exit.UNREACHABLE
    del cli.rig.beta.fails["receptions"]
    counter.rig.clock.step(20)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_what_others_cleared_is_told_and_is_no_success(cli: Cli, counter: Counter) -> None:
    (key,) = cli.rig.stuck()
    token = counter.quote([key])
    cli.rig.world.relay(key)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    said = cli("clear", "--token", token.memo, "--yes", "--json")
    assert (said.code, said.document["state"]) == (Exit.FAILED, "not_cleared")
    assert cli.rig.relayer.jobs == []


def by_hand(cli: Cli, sequences: str, *more: str, typed: str | None = None) -> Said:
    where = ("--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", sequences)
    return cli("clear", *where, *more, typed=typed)


def test_clearing_a_packet_of_an_open_token_by_hand_takes_the_token_back(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck())
    refused = by_hand(cli, "1", typed="n\n")
    assert refused.code == Exit.REFUSED
    assert f"is in token {token.memo}" in refused.err
    assert counter.view(token).state is TokenState.OPEN
    assert by_hand(cli, "1", "--yes").code == Exit.DONE
    assert counter.view(token).state is TokenState.REVOKED


def test_clearing_the_packets_of_a_paid_token_by_hand_is_that_tokens_work(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck(count=2))
    said = by_hand(cli, "1..2", "--yes", "--json")
    assert (said.code, said.document["state"]) == (Exit.DONE, "cleared")
    assert counter.view(token).state is TokenState.CLEARED


def test_a_part_of_a_paid_token_is_not_cleared_beside_it(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck(count=3)[:2])
    for sequences in ("1", "1..3"):
        said = by_hand(cli, sequences, "--yes", "--json")
        assert (said.code, said.error["code"]) == (Exit.REFUSED, "in_paid_token")
        assert token.memo in said.error["hint"]
    assert cli.rig.relayer.jobs == []


def test_a_filter_leaves_sold_packets_alone(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck(count=2)[:1])
    said = cli(
        "clear", "--filter", "chain:alpha-1", "--max-fee", "9000stake", "--max-fee", "9000ubeta", "--yes", "--json"
    )
    assert said.code == Exit.DONE
    (left,) = said.document["left_out"]
    assert (left["sequence"], token.memo in left["reason"]) == (1, True)
    assert cli.rig.pending() == [1]


def test_while_a_daemon_lives_its_work_is_followed_and_none_is_done_here(cli: Cli, counter: Counter) -> None:
    token = counter.bought(cli.rig.stuck())
    beat(cli.rig.desk, cli.rig.clock.now(), {"mode": "seller"})
    sleeps = cli.rig.clock.sleep

    async def works_meanwhile(seconds: float) -> None:
        await sleeps(seconds)
        await counter.engine().step()

    cli.rig.clock.sleep = works_meanwhile  # type: ignore[method-assign]
    with being_alone(cli.rig.desk):
        said = cli("clear", "--token", token.memo)
    assert said.code == Exit.DONE
    assert "watch is running" in said.err


def test_a_second_daemon_ends_with_five(cli: Cli, counter: Counter) -> None:
    with being_alone(counter.rig.desk):
        assert cli("watch", "--once", "--json").code == Exit.HELD


def test_a_daemon_does_not_keep_its_garbage_as_commands_do(cli: Cli, counter: Counter) -> None:
    assert counter.rig.journal.database.path
    gc.disable()
    try:
        assert cli("watch", "--once", "--json").code == Exit.DONE
        assert gc.isenabled()
    finally:
        gc.enable()


def test_watch_once_from_cron_does_what_is_due_and_tells_it_as_lines_of_json(cli: Cli, counter: Counter) -> None:
    token = counter.quote(cli.rig.stuck())
    counter.pay(token)
    counter.blocks(2)
    said = cli("watch", "--once", "--json")
    lines = [orjson.loads(line) for line in said.lines]
    assert said.code == Exit.DONE
    assert lines[0]["event"] == "watching"
    assert lines[-1]["event"] == "stopped"
    assert {line["token"] for line in lines if "token" in line} == {token.memo}
    assert counter.view(token).state is TokenState.CLEARED


def test_work_that_failed_is_tried_again_at_once_when_the_operator_says_so(cli: Cli, counter: Counter) -> None:
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success] * 4 + [hermes.does_the_job]
    token = counter.bought(cli.rig.stuck())
    for _ in range(20):
        counter.work()
        counter.blocks()
    assert len(cli.rig.relayer.jobs) == 4
    waiting = counter.operation(token)
    said = cli("operations", "retry", waiting.id, "--json")
    assert (said.code, said.document["state"]) == (Exit.DONE, "waiting")
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED
    assert cli("operations", "retry", waiting.id, "--json").error["code"] == "ended"


def given_up(cli: Cli) -> Any:
    """What health says of work that nobody goes on with."""
    findings = cli("health", "--json").document["findings"]
    return next((one for one in findings if one["trouble"] == "dead_letters"), None)


def test_work_whose_channel_left_the_config_is_told_and_goes_on_when_somebody_says_so(
    cli: Cli, counter: Counter
) -> None:
    token = counter.bought(cli.rig.stuck())
    beta = cli.rig.chains.pop("beta-1")
    assert counter.work() == 1, "nobody tries what can't succeed again and again"
    told = given_up(cli)
    assert (told["subject"], told["try"]) == (token.memo, f"relayclear operations retry {token.memo}")
    assert "no channel 'channel-0'" in told["message"]
    cli.rig.chains["beta-1"] = beta
    assert cli(*told["try"].split()[1:]).code == Exit.DONE
    assert given_up(cli) is None
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_the_command_that_is_told_of_work_given_up_fits_another_kind_of_work(cli: Cli) -> None:
    cli.rig.stuck()
    office = Office(cli.rig)
    request = office.clear("1")
    with cli.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0, why = 'it broke'")
    told = given_up(cli)
    assert told["try"] == f"relayclear operations retry {told['subject']}"
    with cli.rig.journal.database.snapshot() as reads:
        (called,) = conditions(reads, cli.rig.clock.now(), lambda *_: ())
    alert = Alert("al-1", cli.rig.clock.now(), called.priority, called.kind, None, None, called.subject, called.detail)
    assert told["try"] in alert_sentence(alert)
    said = cli(*told["try"].split()[1:], "--idempotency-key", "once", "--json")
    assert (said.code, said.document["operation"], said.document["task"]) == (Exit.DONE, None, told["subject"])
    again = cli(*told["try"].split()[1:], "--idempotency-key", "once")
    assert (again.code, again.text) == (
        Exit.DONE,
        f"{told['subject']}: it is tried again as soon as somebody works (relayclear watch)\n",
    )
    assert given_up(cli) is None
    office.work()
    assert office.view(request).state is RequestState.DONE
    assert cli("operations", "retry", told["subject"], "--json").error["code"] == "ended"


def test_an_operation_that_was_given_up_never_says_that_it_goes_on_by_itself(cli: Cli, counter: Counter) -> None:
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success, hermes.does_the_job]
    token = counter.bought(cli.rig.stuck())
    counter.work()
    beta = cli.rig.chains.pop("beta-1")
    counter.blocks(20)
    counter.work()
    name = counter.operation(token).id
    shown = cli("operations", "show", name, "--json").document
    assert (shown["state"], shown["waits"]["given_up"]) == ("waiting", True)
    assert "no chain 'beta-1'" in shown["waits"]["why"]
    for said in (cli("operations", "show", name), cli("operations", "list")):
        assert "given up" in said.text
        assert "by itself" not in said.text
    assert f"relayclear operations retry {name}" in cli("operations", "show", name).text
    cli.rig.chains["beta-1"] = beta
    assert cli("operations", "retry", name, "--json").document["waits"]["given_up"] is False
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_an_operation_that_waits_says_until_when_and_why(cli: Cli, counter: Counter) -> None:
    cli.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(cli.rig.stuck())
    counter.work()
    name = counter.operation(token).id
    waits = cli("operations", "show", name, "--json").document["waits"]
    assert waits["why"]
    assert f"until {waits['until'].replace('T', ' ')}: {waits['why']}" in cli("operations", "show", name).text


def test_a_clear_of_the_operators_own_is_not_retried_as_a_tokens(cli: Cli, counter: Counter) -> None:
    cli.rig.stuck()
    operation = by_hand(cli, "1", "--yes", "--json").document["operation"]
    assert cli("operations", "retry", operation, "--json").error["code"] == "no_token"
    assert counter.books()["held"] == 0
