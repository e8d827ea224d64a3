"""`relayclear refunds`: nothing goes without its amount said, and whoever reads knows what to do next."""

from __future__ import annotations

import json
import os
import secrets
import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer
from google.protobuf import json_format

from relayclear.chains.wallet.transactions import unsigned_tx
from relayclear.cli.completion import refunds
from relayclear.cli.output import Exit
from relayclear.cli.refund_files import unsigned_document
from relayclear.errors import NodeError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.spending import BankSend, Draft, IbcSend, Sending
from relayclear.money.ledger import Account
from relayclear.rehearsal.bank import switched_off_key
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.store import identity, stops
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.refund_send import holding_wallet
from tests.chains.rehearsed import send
from tests.cli.conftest import Cli, Said, agrees
from tests.fakes.rig import Rig
from tests.fakes.world import START, address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver, careless

ALICE = address("alice", ALPHA)
BOTH = "540000stake"


@pytest.fixture
def giver(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Giver:
    """Alice paid half, Bob a bit, and 20 came in dust; the token expired.  Every refund waits for a yes."""
    ids = iter(range(1, 100))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes([next(ids)]) * size)
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ada")
    giver = Giver(rig, tmp_path / "shop", refund_rules=RefundRules())
    with rig.journal.database.atomic() as tx:
        identity.say_once(tx, "instance", "0123456789abcdef")
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 500_000)
    giver.pay(token, 50_000, who="bob")
    giver.expire(token)
    return giver


@pytest.fixture
def ids(giver: Giver) -> list[str]:
    """The refunds of Alice and of Bob."""
    return [one.id for one in sorted(giver.owed(), key=lambda one: -one.due.gross)]


@pytest.fixture
def cli(cli: Cli, giver: Giver) -> Cli:
    """Over the giver's desk."""
    cli.desk = lambda: giver.desk
    return cli


def approve_all(cli: Cli) -> Said:
    return cli("refunds", "approve", "--all", "--yes", "--max-amount", BOTH, "--json")


# Looking


def test_what_is_owed_stands_behind_what_was_decided(cli: Cli, ids: list[str]) -> None:
    said = cli("refunds", "list", width=80)
    assert (said.code, max(map(len, said.lines)) <= 80) == (Exit.DONE, True)
    assert agrees("refunds-list-80.txt", said.out)
    assert said.err.endswith("! 2 wait for approval: relayclear refunds approve ID\n")
    assert agrees("refunds-list-120.txt", cli("refunds", "list", width=120).out)
    cli("refunds", "approve", ids[0], "--yes", "--max-amount", BOTH)
    rows = cli("refunds", "list", "--json").document["refunds"]
    assert [(row["id"], row["state"]) for row in rows] == [(ids[1], "owed"), (ids[0], "approved")]
    assert "1 goes with the next sweep: relayclear refunds sweep" in cli("refunds", "list").err


def test_the_documents_change_their_bytes(cli: Cli, ids: list[str]) -> None:
    assert agrees("refunds-list.json", cli("refunds", "list", "--json").out)
    assert agrees("refunds-show-owed.json", cli("refunds", "show", ids[0], "--json").out)
    assert agrees("refunds-plan.json", cli("refunds", "sweep", "--dry-run", "--json").out)
    assert agrees("refunds-approve.json", approve_all(cli).out)
    assert agrees("refunds-sweep.json", cli("refunds", "sweep", "--json").out)
    assert agrees("refunds-show.json", cli("refunds", "show", ids[0], "--json").out)
    assert agrees("refunds-page.json", cli("refunds", "list", "--limit", "1", "--offset", "1", "--json").out)
    assert agrees("refunds-resolve.json", cli("refunds", "resolve", "--chain", ALPHA, "--json").out)
    assert agrees("refunds-error.json", cli("refunds", "show", "zzz", "--json").err.encode())


def test_the_lines_of_a_list_add_up_to_another_sum_than_the_books_without_a_word(
    cli: Cli, giver: Giver, ids: list[str]
) -> None:
    """The lines say what is sent, the books what is owed: both sums are named, before and after somebody said yes."""
    both = "alpha-1: 550000 stake owed before fees; 540000 stake is sent, 10000 stake kept as refund fees"
    for _ in range(2):
        assert both in " ".join(cli("refunds", "list", width=80).err.split())
        (row,) = cli("refunds", "list", "--json").document["owed"]
        assert row["before_fees"] == {"denom": "stake", "amount": str(giver.total(Account.OWED))}
        assert row["sends"]["amount"] == "540000"
        cli("refunds", "approve", ids[0], "--yes", "--max-amount", BOTH)
    assert "owed before fees" in cli("audit").text


def test_a_page_is_wider_than_the_terminal(cli: Cli, ids: list[str]) -> None:
    assert agrees("refunds-show-owed-80.txt", cli("refunds", "show", ids[0], width=80).out)
    approve_all(cli)
    cli("refunds", "sweep")
    assert agrees("refunds-show-80.txt", cli("refunds", "show", ids[0], width=80).out)
    assert agrees("refunds-resolve-80.txt", cli("refunds", "resolve", "--chain", ALPHA, width=80).out)


def test_check_says_by_its_exit_code_whether_something_is_owed(cli: Cli, giver: Giver) -> None:
    assert cli("refunds", "list", "--check").code == Exit.FOUND
    assert cli("refunds", "list", "--check", "--json", "--chain", "beta-1").code == Exit.DONE
    assert cli("refunds", "sweep", "--dry-run", "--check").code == Exit.FOUND
    assert (cli("refunds", "sweep").code, cli("refunds", "sweep", "--check").code) == (Exit.REFUSED, Exit.FOUND)
    approve_all(cli)
    assert cli("refunds", "list", "--check").code == Exit.FOUND
    assert cli("refunds", "sweep", "--check").code == Exit.DONE
    assert cli("refunds", "list", "--check").code == Exit.DONE
    del giver


def test_who_meets_a_stop_reads_nowhere_how_it_ends(cli: Cli, giver: Giver) -> None:
    """The operator sent coins with another program: every page about refunds names it, and both ways out."""
    giver.act_as_payee("bob", 7)
    foreign = giver.last_hash()
    assign = f'  try: relayclear books assign --tx {foreign} --as withdrawal --reason "…"'
    go_on = f'  try: relayclear refunds resolve --chain {ALPHA} --go-on --reason "…"'
    planned = cli("refunds", "sweep", "--dry-run")
    assert assign in planned.err.splitlines()
    assert go_on in planned.err.splitlines()
    audited = cli("audit", width=80)
    assert assign in audited.lines
    assert go_on in audited.lines
    for argv in (("refunds", "list"), ("refunds", "sweep")):
        assert go_on in cli(*argv).err.splitlines()
    assert cli("refunds", "list", "--json").document["stopped"][0]["chain"] == ALPHA
    assert cli("audit", "--json").document["chains"][0]["unexplained"][0]["tx_hash"] == foreign
    assert f"refunds resolve --chain {ALPHA} --go-on" in cli("health").text
    assert cli("books", "assign", "--tx", foreign, "--as", "withdrawal", "--reason", "mine").code == Exit.DONE
    assert cli("audit").code == Exit.DONE
    assert cli("refunds", "resolve", "--chain", ALPHA, "--go-on", "--reason", "it was me").code == Exit.DONE
    assert "--go-on" not in cli("refunds", "list").err


def test_dust_of_a_stranger_wakes_somebody_every_night(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    cli("refunds", "sweep")
    giver.rig.world.fund(ALPHA, address("mallory", ALPHA), "stake")
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 20, who="mallory")
    giver.expire(token)
    said = cli("refunds", "list", "--check")
    assert said.code == Exit.DONE
    assert "1 waits as too little to send" in said.err
    (row,) = cli("refunds", "list", "--state", "dust", "--json").document["refunds"]
    assert (row["wait"], row["state"]) == ("dust", "dust")


def test_a_token_hides_what_was_given_back_of_it(cli: Cli, giver: Giver, ids: list[str]) -> None:
    approve_all(cli)
    cli("refunds", "sweep")
    rows = cli("tokens", "show", "rc1", "--json").document["refunds"]
    assert {row["id"] for row in rows} == set(ids)
    assert {row["tx_hash"] for row in rows} == {use.tx_hash for use in giver.uses()}
    assert "confirmed" in cli("tokens", "show", "rc1").text


# Saying yes


@pytest.mark.parametrize(
    ("argv", "code", "word", "hint"),
    [
        (("approve",), Exit.USAGE, "usage", "relayclear refunds list"),
        (("approve", "x", "--all"), Exit.USAGE, "usage", "relayclear refunds list"),
        (("approve", "--all"), Exit.USAGE, "usage", f"add --yes --max-amount {BOTH}"),
        (("approve", "--all", "--yes"), Exit.USAGE, "usage", f"add --max-amount {BOTH}"),
        (("approve", "--all", "--yes", "--max-amount", "5"), Exit.USAGE, "usage", "--max-amount 20000uatom"),
        (
            ("approve", "--all", "--yes", "--max-amount", "539999stake"),
            Exit.REFUSED,
            "above_max_amount",
            f"--max-amount {BOTH}",
        ),
        (("approve", "zzz", "--yes"), Exit.USAGE, "no_refund", "relayclear refunds list"),
        (("waive", "zzz", "--reason", "x"), Exit.USAGE, "no_refund", "relayclear refunds list"),
        (("list", "--state", "owde"), Exit.USAGE, "usage", "--state owed"),
        (("list", "--chain", "alpha"), Exit.USAGE, "usage", None),
        (("sweep", "--yes"), Exit.USAGE, "usage", f"add --max-amount {BOTH}: so much waits for a yes now"),
        (("sweep", "--max-amount", "5stake"), Exit.USAGE, "usage", "add --yes"),
        (("sweep", "--chain", "beta-1"), Exit.USAGE, "no_payee", None),
        (("export",), Exit.USAGE, "usage", "add --chain CHAIN"),
        (("export", "--chain", ALPHA), Exit.USAGE, "usage", "add -o DIR"),
        (("export", "--cancel", "zzz"), Exit.USAGE, "no_reason", '--reason "…"'),
        (("mark-paid", "zzz", "--tx", "AB"), Exit.USAGE, "no_refund", "relayclear refunds list"),
        (("resolve", "--chain", ALPHA, "--void", "--go-on"), Exit.USAGE, "usage", f"--chain {ALPHA}"),
        (("resolve", "--chain", ALPHA, "--assume-dead"), Exit.USAGE, "no_reason", '--reason "…"'),
        (
            ("resolve", "--chain", ALPHA, "--void"),
            Exit.REFUSED,
            "nothing_waits",
            f"relayclear refunds resolve --chain {ALPHA}",
        ),
    ],
)
def test_a_refusal_sends_money_or_leaves_one_alone_with_it(
    cli: Cli, giver: Giver, argv: tuple[str, ...], code: Exit, word: str, hint: str | None
) -> None:
    said = cli("refunds", *argv, "--json")
    assert (said.code, said.out, said.error["code"]) == (code, b"", word)
    assert said.error["hint"] == hint or (hint is None and said.error["hint"] is not None) or word == "usage"
    assert giver.sent() == []
    assert giver.refunds() == []


@pytest.mark.parametrize(
    ("typed", "code"), [("540001\n", 4), ("\n", 4), ("y\n", 4), ("540000\n", 0), ("540000stake\n", 0)]
)
def test_money_goes_because_somebody_pressed_enter(cli: Cli, giver: Giver, typed: str, code: int) -> None:
    alone = cli("refunds", "approve", "--all")
    assert (alone.code, alone.out) == (Exit.USAGE, b"")
    said = cli("refunds", "approve", "--all", typed=typed)
    assert said.code == code
    assert "495000 stake" in said.text
    assert f"  to        {ALICE}" in said.lines
    assert "  because   the token expired before its price was paid in full" in said.lines
    assert "Type the amount to go on (540000stake)" in said.err
    assert len(giver.refunds()) == (0 if code else 2)


def test_a_script_that_says_it_twice_approves_another_one(cli: Cli, giver: Giver, ids: list[str]) -> None:
    words = ("refunds", "approve", "--all", "--yes", "--max-amount", BOTH, "--idempotency-key", "k1", "--json")
    first = cli(*words)
    assert {row["id"] for row in first.document["refunds"]} == set(ids)
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 400_000)
    giver.expire(token)
    assert cli(*words).out == first.out
    assert len(giver.owed()) == 1
    other = cli("refunds", "approve", ids[0], "--yes", "--max-amount", BOTH, "--idempotency-key", "k1", "--json")
    assert (other.code, other.error["code"]) == (Exit.REFUSED, "idempotency_key_reused")


def test_a_waived_refund_is_sent(cli: Cli, giver: Giver, ids: list[str]) -> None:
    said = cli("refunds", "waive", ids[1][:6], "--reason", "he said so", "--idempotency-key", "w", "--json")
    assert (said.document["state"], said.document["id"]) == ("waived", ids[1])
    again = cli("refunds", "waive", ids[1][:6], "--reason", "he said so", "--idempotency-key", "w", "--json")
    assert again.out == said.out
    approve_all(cli)
    cli("refunds", "sweep")
    assert giver.paid_to("bob") == []
    assert "he said so" in cli("refunds", "show", ids[1]).text


# Sweeping


def test_a_sweep_sends_what_nobody_said_yes_to(cli: Cli, giver: Giver) -> None:
    said = cli("refunds", "sweep")
    assert said.code == Exit.REFUSED
    assert "2 wait for approval" in said.err
    assert giver.sent() == []
    said = cli("refunds", "sweep", "--yes", "--max-amount", "494999stake")
    assert said.code == Exit.REFUSED
    assert (giver.paid_to("alice"), giver.paid_to("bob")) == ([], [45_000])
    assert f"✓ {giver.refunds()[0].id[:8]} 45000 stake" in said.err
    assert "! --max-amount 494999stake is too little: 495000stake above the caps waits still" in said.err.splitlines()
    assert cli("refunds", "sweep", "--yes", "--max-amount", "495000stake").code == Exit.DONE
    assert cli("refunds", "sweep").code == Exit.DONE
    assert len(giver.sent()) == 2
    giver.check_books()


def test_a_dry_run_sends_or_decides(cli: Cli, giver: Giver) -> None:
    said = cli("refunds", "sweep", "--dry-run", "--yes", "--max-amount", "495000stake", width=80)
    assert said.code == Exit.DONE
    assert agrees("refunds-plan-80.txt", said.out)
    assert max(map(len, said.lines)) <= 80
    assert (giver.sent(), giver.refunds()) == ([], [])
    assert "is too little: 495000stake above the caps waits still" in said.err


def test_two_sweeps_at_once_send_twice(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    with holding_wallet(giver.desk, ALPHA):
        said = cli("refunds", "sweep", "--json")
    assert said.code == Exit.HELD
    (row,) = said.document["chains"]
    assert row["error"]["code"] == "held"
    assert giver.sent() == []


def always_out_of_gas(giver: Giver) -> None:
    """Refunds go by themselves, land in a block, and run out of gas there again and again."""
    giver.rig.alpha.underestimates = 10_000
    giver.refund_rules = replace(careless(), gas_margin=Decimal("1.01"))


def test_a_sweep_is_silent_of_refunds_that_failed_for_good(cli: Cli, giver: Giver, ids: list[str]) -> None:
    """The dry run said that they go; they failed three times, and only `refunds list` would have told of it."""
    always_out_of_gas(giver)
    assert "goes by itself" in cli("refunds", "sweep", "--dry-run").text
    json_said = cli("refunds", "sweep", "--json")
    (row,) = json_said.document["chains"]
    assert {one["id"]: one["given_up"] for one in row["failed"]} == dict.fromkeys(ids, True)
    failed, waiting = ids[0], next(one.id for one in giver.owed() if one.due.to == ALICE)
    assert failed != waiting
    said = cli("refunds", "sweep", width=80)
    told = " ".join(said.err.split())
    assert said.code == Exit.REFUSED
    assert f"! refund {waiting[:8]} waits for you: an earlier refund of this payment failed for good" in told
    assert f"relayclear refunds approve {waiting[:8]}" in said.err
    assert f"relayclear refunds export {waiting[:8]} --chain alpha-1 -o DIR" in said.err
    shown = cli("refunds", "show", waiting, width=80).err
    assert f"relayclear refunds show {failed[:8]}" in shown
    assert f"relayclear refunds export {waiting[:8]} --chain alpha-1 -o DIR" in shown
    assert f"relayclear refunds show {waiting[:8]}" in cli("refunds", "show", failed).err
    assert cli("refunds", "approve", waiting, "--yes", "--max-amount", BOTH).code == Exit.DONE
    assert f"relayclear refunds show {waiting[:8]}" in cli("refunds", "show", failed).err


def test_a_sweep_says_of_each_refund_that_failed_why(cli: Cli, giver: Giver, ids: list[str]) -> None:
    always_out_of_gas(giver)
    told = " ".join(cli("refunds", "sweep", width=80).err.split())
    for name in ids:
        assert f"! refund {name[:8]} failed, given up: its transaction stood in block" in told
    assert "with code 11 (out of gas)" in told


def test_a_refund_that_the_chain_refuses_before_it_is_sent_is_told_once(cli: Cli, giver: Giver, ids: list[str]) -> None:
    giver.rig.world.write(ALPHA, switched_off_key("stake"), True)
    giver.refund_rules = careless()
    for then in ("it is signed again by the next sweep", "it is signed again by the next sweep", "given up"):
        told = " ".join(cli("refunds", "sweep", width=80).err.split())
        assert f"! refund {ids[0][:8]} failed, {then}: " in told
        assert "transfers are currently disabled" in told
        assert "was not sent" not in told


def test_a_refund_that_failed_and_can_not_be_paid_now_is_told_with_both(cli: Cli, giver: Giver, ids: list[str]) -> None:
    approve_all(cli)
    giver.rig.alpha.underestimates = 20_000
    cli("refunds", "sweep", "--wait", "0", "--limit", "1")
    giver.blocks(2)
    giver.refund_rules = replace(giver.refund_rules, reserve={"stake": 10**9})
    told = " ".join(cli("refunds", "sweep", width=80).err.split())
    failed = next(name for name in ids if f"refund {name[:8]} failed" in told)
    # Who reads the old failure alone looks for it in the wrong place, and sends the wallet nothing.
    assert f"! {failed[:8]} was not sent: the wallet on alpha-1 has 0 stake to spend" in told


def test_a_chain_that_cannot_be_reached_looks_like_done(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    giver.rig.alpha.down = NodeError("refused the connection", hint="relayclear doctor")
    said = cli("refunds", "sweep")
    assert said.code == Exit.UNREACHABLE
    assert "refused the connection" in said.err
    assert "try: relayclear doctor" in said.err
    assert cli("refunds", "sweep", "--json").document["chains"][0]["blocked"]["code"] == "node_unreachable"


def test_what_is_not_seen_in_a_block_yet_is_called_paid(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    said = cli("refunds", "sweep", "--wait", "0", "--limit", "1", "--json")
    assert said.code == Exit.UNREACHABLE
    assert (said.document["chains"][0]["unfinished"], said.document["chains"][0]["landed"]) == (1, [])
    assert cli("refunds", "sweep").code == Exit.DONE
    assert len(giver.sent()) == 2


def test_a_wallet_without_coins_looks_like_done(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    giver.refund_rules = RefundRules(reserve={"stake": 10_500_000})
    said = cli("refunds", "sweep")
    assert said.code == Exit.REFUSED
    assert "was not sent: the wallet on alpha-1 has" in said.err


def test_a_wallet_without_its_key_says_only_that_it_failed(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    giver.wallet.remove(ALPHA)
    said = cli("refunds", "sweep")
    assert said.code == Exit.REFUSED
    assert "try: relayclear wallet add --chain alpha-1" in said.err
    assert "try: relayclear wallet add" in cli("refunds", "sweep", "--dry-run").err


def test_ctrl_c_leaves_one_sent_and_not_written_down(cli: Cli, giver: Giver) -> None:
    approve_all(cli)
    heard: list[str] = []

    def pressed(what: str) -> None:
        if what == "broadcast arrived" and not heard:
            heard.append(what)
            os.kill(os.getpid(), signal.SIGINT)

    giver.rig.alpha.heard = pressed
    said = cli("refunds", "sweep")
    assert said.code == Exit.INTERRUPTED
    assert "stopping" in said.err
    states = [row["state"] for row in cli("refunds", "list", "--json").document["refunds"]]
    assert states.count("confirmed") < len(states)
    assert f"{states.count('broadcast')} on the way" in said.text
    giver.rig.alpha.heard = None
    assert cli("refunds", "sweep").code == Exit.DONE
    assert len(giver.sent()) == 2
    giver.check_books()


# By another hand


def test_an_exported_refund_is_sent_by_the_sweep_too(cli: Cli, giver: Giver, ids: list[str], tmp_path: Path) -> None:
    approve_all(cli)
    folder = tmp_path / "out"
    said = cli("refunds", "export", "--chain", ALPHA, "-o", str(folder), ids[0][:6])
    assert said.code == Exit.DONE
    file = folder / f"refund-{ids[0]}.json"
    lines = [line for line in said.lines if line.startswith("simd")]
    assert lines[0].startswith(f"simd tx sign {file} --from YOUR_KEY --chain-id alpha-1 --offline --account-number ")
    assert lines[1].startswith(f"simd tx broadcast {file.with_suffix('.signed.json')} --node ")
    assert "within 100 blocks" in said.err
    assert "once those blocks have gone by" in said.err
    assert "timeout_blocks" in cli("refunds", "export", "--help").text
    message = json.loads(file.read_text())["body"]["messages"][0]
    assert message["amount"] == [{"denom": "stake", "amount": "495000"}]
    assert cli("refunds", "sweep").code == Exit.DONE
    assert giver.paid_to("alice") == []
    assert cli("refunds", "list", "--check").code == Exit.FOUND
    assert "1 is on the way" in cli("refunds", "list").err
    again = cli("refunds", "export", "--chain", ALPHA, "-o", str(folder), ids[0], "--json")
    assert (again.code, again.error["code"]) == (Exit.REFUSED, "not_approved")
    assert cli("refunds", "export", "--chain", ALPHA, "-o", str(folder)).text.startswith("No approved refund")


def test_a_file_of_somebody_is_written_over_or_exported_for_nothing(
    cli: Cli, giver: Giver, ids: list[str], tmp_path: Path
) -> None:
    approve_all(cli)
    file = tmp_path / f"refund-{ids[1]}.json"
    file.write_text("signed already")
    for folder in (tmp_path, file):
        said = cli("refunds", "export", "--chain", ALPHA, "-o", str(folder), "--json")
        assert (said.code, said.error["code"]) == (Exit.USAGE, "usage")
    assert file.read_text() == "signed already"
    assert {one.state for one in giver.refunds()} == {"approved"}


def test_an_export_that_was_cut_off_is_lost_or_made_twice(
    cli: Cli, giver: Giver, ids: list[str], tmp_path: Path
) -> None:
    """What nobody heard of is told again, with its files, and the rest waits for another wish."""
    approve_all(cli)
    argv = ("refunds", "export", "--chain", ALPHA, "-o", str(tmp_path / "out"), "--idempotency-key", "e", "--json")
    first = cli(*argv, ids[0])
    file = tmp_path / "out" / f"refund-{ids[0]}.json"
    text = file.read_text()
    file.unlink()
    giver.blocks(3)
    again = cli(*argv, ids[0])
    assert (again.code, again.out, file.read_text()) == (Exit.DONE, first.out, text)
    assert cli(*argv).error["code"] == "idempotency_key_reused"
    giver.blocks(110)
    cancel = ("refunds", "export", "--cancel", ids[0], "--reason", "away", "--idempotency-key", "c")
    said = cli(*cancel, "--json")
    assert said.document["state"] == "approved"
    assert cli(*cancel, "--json").out == said.out
    assert cli(*cancel).text.startswith("◷ ")


def test_an_export_that_may_still_land_is_taken_back(cli: Cli, giver: Giver, ids: list[str], tmp_path: Path) -> None:
    approve_all(cli)
    cli("refunds", "export", "--chain", ALPHA, "-o", str(tmp_path / "out"), ids[0])
    cancel = ("refunds", "export", "--cancel", ids[0], "--reason", "the signer is away", "--json")
    said = cli(*cancel)
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "may_land")
    giver.blocks(110)
    assert cli(*cancel).document["state"] == "approved"
    assert cli("refunds", "sweep").code == Exit.DONE
    assert giver.paid_to("alice") == [495_000]


def test_a_refund_that_another_purse_paid_is_sent_again(cli: Cli, giver: Giver, ids: list[str]) -> None:
    approve_all(cli)
    giver.rig.world.fund(ALPHA, address("purse", ALPHA), "stake")
    message = send(ALPHA, "purse", (495_000, "stake"), to="alice")
    giver.rig.world.act(ALPHA, address("purse", ALPHA), message, terms=Terms(0, gas=350_000, memo=""))
    tx = hash_of(giver.rig.alpha.state.blocks[-1].txs[-1])
    giver.blocks(3)
    wrong = cli("refunds", "mark-paid", ids[1], "--tx", tx, "--json")
    assert (wrong.code, wrong.error["code"]) == (Exit.USAGE, "not_paid_by_it")
    said = cli("refunds", "mark-paid", ids[0], "--tx", tx, "--idempotency-key", "m", "--json")
    assert said.document["state"] == "paid_by_hand"
    assert said.document["tx_hash"] == tx
    assert cli("refunds", "mark-paid", ids[0], "--tx", tx, "--idempotency-key", "m", "--json").out == said.out
    assert cli("refunds", "sweep").code == Exit.DONE
    assert giver.paid_to("alice") == []
    giver.check_books()


def _same(packed: Any, message: Any) -> Any:
    assert packed.Unpack(message)
    if hasattr(message, "timeout_height"):
        message.ClearField("timeout_height")
    return message


@pytest.mark.parametrize(
    "sending",
    [
        BankSend(ALICE, Coin("stake", 7)),
        IbcSend(ChannelEnd(ALPHA, "transfer", "channel-0"), "beta1x", Coin("transfer/channel-7/uatom", 10**30), START),
    ],
)
def test_a_file_says_something_else_than_what_we_would_sign(sending: Sending) -> None:
    draft = Draft(ALPHA, ALICE, 3, 4, sending, Coin("stake", 99), 110_000, "rc1r:x late", 1234, "grantor")
    document: Any = unsigned_document(draft)
    assert document["auth_info"].pop("tip") is None
    told = json_format.Parse(json.dumps(document), tx_pb2.Tx())
    ours = tx_pb2.Tx.FromString(unsigned_tx(draft))
    assert (told.body.memo, told.body.timeout_height) == (ours.body.memo, ours.body.timeout_height)
    # The SDK writes an empty timeout height out, and we leave it away.
    kind = bank.MsgSend if isinstance(sending, BankSend) else transfer.MsgTransfer
    assert _same(told.body.messages[0], kind()) == _same(ours.body.messages[0], kind())
    assert told.auth_info.fee == ours.auth_info.fee


# Knots


def lost(giver: Giver, cli: Cli) -> None:
    """The refund of Alice, signed, and its node forgot it."""
    alice = next(one.id for one in giver.owed() if one.due.to == ALICE)
    cli("refunds", "approve", alice, "--yes", "--max-amount", BOTH)
    giver.rig.alpha.drops = 1
    cli("refunds", "sweep", "--wait", "0")


def test_a_knot_says_nothing_of_its_ways_out(cli: Cli, giver: Giver) -> None:
    assert cli("refunds", "resolve", "--chain", ALPHA).text.startswith("✓ nothing keeps it")
    lost(giver, cli)
    said = cli("refunds", "resolve", "--chain", ALPHA, width=80)
    assert said.text.startswith("! it waits")
    assert "--void" in said.text
    assert max(len(line) for line in said.lines if "relayclear" not in line and "/" not in line) <= 80
    document = cli("refunds", "resolve", "--chain", ALPHA, "--json").document
    assert document["at_stake"] == {"denom": "stake", "amount": "495000"}
    assert len(document["releases"]) == 1


def test_a_sequence_is_voided_without_its_amount(cli: Cli, giver: Giver) -> None:
    lost(giver, cli)
    words = ("refunds", "resolve", "--chain", ALPHA, "--void")
    alone = cli(*words, "--json")
    assert (alone.code, alone.error["hint"]) == (Exit.USAGE, "add --yes --amount 495000stake")
    wrong = cli(*words, "--yes", "--amount", "5stake", "--json")
    assert (wrong.code, wrong.error["code"]) == (Exit.USAGE, "amount_typed")
    assert cli(*words, typed="yes\n").code == Exit.REFUSED
    assert cli(*words, typed="495000stake\n").code == Exit.DONE
    giver.blocks(2)
    said = cli("refunds", "sweep")
    assert (said.code, said.err.count("confirmed")) == (Exit.REFUSED, 1)
    assert giver.paid_to("alice") == [495_000]
    assert len(giver.sent()) == 2
    giver.check_books()


def test_what_may_land_is_taken_for_dead(cli: Cli, giver: Giver) -> None:
    lost(giver, cli)
    words = ("refunds", "resolve", "--chain", ALPHA, "--assume-dead", "--reason", "it is gone")
    said = cli(*words, "--yes", "--amount", "495000stake", "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "may_land")
    giver.blocks(120)
    assert cli(*words, "--yes", "--json").error["code"] == "amount_typed"
    assert cli(*words, "--yes", "--amount", "495000stake", "--json").document["done"] == "assumed_dead"


def test_refunds_go_on_after_a_restore_without_anybodys_word(cli: Cli, giver: Giver) -> None:
    with giver.rig.journal.database.atomic() as tx:
        stops.stop(tx, ALPHA, "the database was restored", giver.rig.clock.now())
    assert "the database was restored" in cli("refunds", "resolve", "--chain", ALPHA).text
    assert cli("refunds", "resolve", "--chain", ALPHA, "--go-on").code == Exit.USAGE
    words = ("refunds", "resolve", "--chain", ALPHA, "--go-on", "--reason", "audited")
    refused = cli(*words, "--json")
    assert (refused.code, refused.error["code"]) == (Exit.REFUSED, "not_audited")
    assert cli("audit", "--chain", ALPHA).code == Exit.DONE
    said = cli(*words)
    assert said.lines == ["ended: the database was restored", "refunds of alpha-1 go by themselves within the caps"]
    assert stops.standing(giver.rig.journal.database, ALPHA) is None


def test_tab_finds_no_refund(
    cli: Cli, giver: Giver, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del giver
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    assert refunds("") == sorted(ids)
    cli("refunds", "approve", ids[0], "--yes", "--max-amount", BOTH)
    assert refunds(ids[0][:4]) == [ids[0]]


def test_a_node_that_fails_after_the_export_hides_what_is_to_be_signed(
    cli: Cli, giver: Giver, ids: list[str], tmp_path: Path
) -> None:
    approve_all(cli)
    giver.rig.alpha.fails["program"] = NodeError("refused the connection")
    said = cli("refunds", "export", "--chain", ALPHA, "-o", str(tmp_path / "out"), "--json")
    assert said.code == Exit.DONE
    assert {row["id"] for row in said.document["exports"]} == set(ids)
    sequences = [row["commands"][0].partition("--sequence ")[2].split()[0] for row in said.document["exports"]]
    assert int(sequences[1]) == int(sequences[0]) + 1
    assert all(row["commands"][0].startswith("CHAIN_BINARY tx sign ") for row in said.document["exports"])
    assert all(json.loads(Path(row["file"]).read_text()) == row["transaction"] for row in said.document["exports"])
