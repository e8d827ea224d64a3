"""`relayclear payments`: pages at 80 columns, documents byte for byte, what somebody has to look at by exit code."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from tests.chains.rehearsed import send
from tests.cli.conftest import HOSTILE, Cli, agrees
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.paying import ALPHA, Till


@pytest.fixture
def till(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    """A till whose keys are the same every time, and an operator of that name."""
    ids = iter(range(1, 100))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes([next(ids)]) * size)
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ada")
    return Till(rig, tmp_path / "shop")


@pytest.fixture
def token(till: Till) -> ClearingToken:
    """A token with one payment of each kind around it."""
    sold, lost = till.sold(), till.sold(keep=False)
    till.pay(sold.memo, 60)
    till.pay(sold.memo, 60, who="bob")
    till.pay(sold.memo, 7, denom="token")
    till.pay_over_ibc("", 9, outer=sold.memo)
    till.pay(sold.memo[:-2], 3)
    till.pay(lost.memo)
    till.rig.world.fund(ALPHA, address("clearing", ALPHA), "stake")
    till.pay("", 11, who="clearing")
    till.pay(HOSTILE[:150], 1, who="mallory")
    till.read_all()
    return sold


def test_a_list_fits_a_terminal_and_says_what_needs_somebody(cli: Cli, token: ClearingToken) -> None:
    said = cli("payments", "list", width=80)
    assert said.code == Exit.DONE
    # What is odd of a payment is said on a narrow screen too, under its row.
    assert sum(line[0] != " " for line in said.lines) == 9
    assert "  remark: overpaid" in said.lines
    assert max(map(len, said.lines)) <= 80
    assert said.text.count(token.memo[:12]) >= 3
    assert "? orphan" in said.text
    assert "! ours, lost" in said.text
    assert "alpha-1 is read through block" in said.err
    assert "3 payments are for no token" in said.err
    wide = cli("payments", "list", width=200)
    assert f"meant {token.memo}?" in wide.text
    assert "overpaid" in wide.text


def test_what_a_stranger_wrote_obeys_no_terminal(cli: Cli, token: ClearingToken) -> None:
    del token
    for argv in (("payments", "list"), ("payments", "list", "--json")):
        said = cli(*argv, width=200)
        assert not {"\x1b", "\u202e", "\u2066", "\x07"} & set(said.text)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("payments-list", "payments list"),
        ("payments-page", "payments list --limit 2 --offset 1"),
        ("payments-orphans", "payments list --orphans"),
        ("payments-chain", "payments list --chain beta-1"),
        ("payments-gaps", "payments gaps"),
    ],
)
def test_a_document_keeps_its_bytes(cli: Cli, token: ClearingToken, name: str, argv: str) -> None:
    del token
    said = cli(*argv.split(), "--json")
    assert (said.code, said.err) == (0, "")
    assert agrees(f"{name}.json", said.out)


def test_a_hint_to_look_at_orphans_is_not_given_to_who_looks_at_them(cli: Cli, token: ClearingToken) -> None:
    del token
    assert "  try: relayclear payments list --orphans" in cli("payments", "list").err.splitlines()
    said = cli("payments", "list", "--orphans").err
    assert "payments list --orphans" not in said
    assert "relayclear payments assign PAYMENT TOKEN" in said
    assert "relayclear books assign --tx HASH" in said


def test_filters_choose_what_they_say(cli: Cli, till: Till, token: ClearingToken) -> None:
    def amounts(*argv: str) -> list[str]:
        return [row["amount"]["amount"] for row in cli("payments", "list", *argv, "--json").document["payments"]]

    assert amounts("--token", token.memo.upper()) == ["7", "60", "60"]
    assert sorted(amounts("--orphans"), key=int) == ["1", "3", "9", "11", "100"]
    assert amounts("--token", token.memo, "--orphans") == []
    assert amounts("--since", "2026-01-02T12:00:00Z") == amounts()
    till.wait(3600)
    assert amounts("--since", "30m") == []
    assert cli("payments", "list", "--token", "rc1nonsense").code == Exit.USAGE
    assert cli("payments", "list", "--chain", "gamma-1").code == Exit.USAGE


def test_one_payment_is_shown_with_all_that_arrived(cli: Cli, till: Till, token: ClearingToken) -> None:
    tx_hash = till.act("alice", send(ALPHA, "alice", (5, "stake"), (6, "token")), memo=token.memo)
    till.read_all()
    said = cli("payments", "show", tx_hash[:20].lower(), width=80)
    assert (said.code, max(map(len, said.lines)) <= 90) == (Exit.DONE, True)
    assert said.text.count(tx_hash) == 2
    assert "second payment" in said.text
    assert agrees("payments-show.json", cli("payments", "show", f"{tx_hash}/0", "--json").out)
    assert cli("payments", "show", "ABCDEF").code == Exit.USAGE


def test_a_payment_over_ibc_says_why_its_memo_does_not_count(cli: Cli, till: Till, token: ClearingToken) -> None:
    [packet] = [one for one in till.orphans() if one.arrival.packet]
    said = cli("payments", "show", packet.arrival.tx_hash, width=80)
    assert "over IBC" in said.text
    assert f"outer memo  {token.memo}" in said.text
    assert f"meant       {token.memo}?" in said.text


def test_an_orphan_is_assigned_with_a_reason_and_only_once(cli: Cli, till: Till, token: ClearingToken) -> None:
    [typo] = [one for one in till.orphans() if one.arrival.coin.amount == 3]
    argv = ("payments", "assign", typo.arrival.tx_hash, token.memo)
    assert cli(*argv).code == Exit.USAGE
    assert cli(*argv, "--reason", " ").code == Exit.USAGE
    said = cli(*argv, "--reason", "typo in the memo", "--json")
    assert said.code == Exit.DONE
    assert said.document["matched"] == {"how": "assigned", "who": "ada", "reason": "typo in the memo"} | {
        "at": said.document["matched"]["at"]
    }
    assert agrees("payments-assign.json", said.out)
    again = cli(*argv, "--reason", "again", "--json")
    assert (again.code, again.error["code"]) == (Exit.REFUSED, "already_matched")
    assert till.view(token).state is TokenState.PAID
    assert "assigned by hand, ada: typo in the memo" in cli("payments", "show", typo.arrival.tx_hash, width=200).text


def test_a_transaction_is_looked_at_again(cli: Cli, till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    failed = till.act("bob", send(ALPHA, "bob", (10**30, "stake")), memo=token.memo, code=5)
    till.blocks(2)
    said = cli("payments", "recheck", "--tx", tx_hash.lower(), "--json")
    assert (said.code, said.document["found"]) == (Exit.DONE, "new")
    assert agrees("payments-recheck.json", said.out)
    nothing = cli("payments", "recheck", "--tx", failed)
    assert nothing.code == Exit.REFUSED
    assert "failed" in nothing.text
    assert cli("payments", "recheck", "--tx", "AB" * 32, "--json").error["code"] == "unknown_tx"
    fresh = till.pay(token.memo)
    assert cli("payments", "recheck", "--tx", fresh).code == Exit.UNREACHABLE
    till.rig.alpha.down = NodeError("refused")
    assert cli("payments", "recheck", "--tx", fresh).code == Exit.UNREACHABLE


def test_a_gap_is_listed_accepted_and_passed(cli: Cli, till: Till) -> None:
    assert cli("payments", "gaps").text == "No gaps.\n"
    till.blocks(200)
    till.rig.alpha.pruned_below = till.height - 50
    till.read()
    listed = cli("payments", "list", "--check")
    assert listed.code == Exit.FOUND
    assert "  try: relayclear payments gaps" in listed.err.splitlines()
    said = cli("payments", "gaps", width=80)
    assert "! open" in said.text
    assert max(map(len, said.lines)) <= 80
    assert cli("payments", "gaps", "accept", "9", "--reason", "why").code == Exit.USAGE
    assert cli("payments", "gaps", "accept", "1").code == Exit.USAGE
    done = cli("payments", "gaps", "accept", "1", "--reason", "no archive keeps them", "--json")
    assert (done.code, done.document["accepted"]["reason"]) == (Exit.DONE, "no archive keeps them")
    assert agrees("payments-gap-accepted.json", done.out)
    till.read_all()
    assert "accepted" in cli("payments", "gaps").text
    assert cli("payments", "list", "--check").code == Exit.DONE


def test_an_empty_list_says_what_reads_payments(cli: Cli, rig: Rig) -> None:
    del rig
    said = cli("payments", "list")
    assert (said.code, said.text) == (Exit.DONE, "No payments yet; relayclear watch reads them.\n")


def test_check_says_by_its_exit_code_whether_somebody_is_needed(cli: Cli, till: Till) -> None:
    assert cli("payments", "list", "--check").code == Exit.DONE
    till.pay("")
    till.read_all()
    assert cli("payments", "list", "--check").code == Exit.FOUND
    assert cli("payments", "list").code == Exit.DONE
