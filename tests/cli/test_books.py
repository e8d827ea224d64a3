"""`relayclear books`, `audit`, `wallet withdrawable`: documents byte for byte, pages of 80 columns, exit codes."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path

import pytest

from relayclear.cli.book_pages import print_days
from relayclear.cli.face import Face
from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.money.ledger import Account, Kind, Place, book
from relayclear.store import ledger
from relayclear.store.assignments import Word
from relayclear.usecases.audit_values import Finding, Flaw
from relayclear.usecases.books_daily import Day
from relayclear.wording.books import ACCOUNTS, finding_line, ours_question
from tests.cli.conftest import HOSTILE, Cli, agrees
from tests.fakes.rig import Rig
from tests.usecases.paying import ALPHA, Till


@pytest.fixture
def till(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    """A till whose keys are the same every time, with orphans of 500 and 7, a payment of 60, and ada at it."""
    ids = iter(range(1, 100))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes([next(ids)]) * size)
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ada")
    made = Till(rig, tmp_path / "shop")
    made.pay(made.sold().memo, 60)
    made.pay("", 500)
    made.pay("", 7, denom="token")
    made.read_all()
    return made


def orphan(till: Till) -> str:
    return next(one.arrival.tx_hash for one in till.orphans() if one.arrival.coin.amount == 500)


def test_a_movement_is_assigned_twice_by_a_script_that_was_cut_off(cli: Cli, till: Till) -> None:
    argv = (
        "books",
        "assign",
        "--tx",
        orphan(till),
        "--as",
        "deposit",
        "--reason",
        "gas",
        "--yes",
        "--idempotency-key",
        "1",
    )
    said = cli(*argv, "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert agrees("books-assign.json", said.out)
    assert cli(*argv, "--json").out == said.out
    again = cli(*argv)
    assert "500 stake came in as a deposit of yours" in again.text
    assert till.total(Account.DEPOSITS) == 500
    token = orphan_of(till, "token")
    other = cli("books", "assign", "--tx", token, "--as", "deposit", "--reason", "x", "--idempotency-key", "1")
    assert other.code == Exit.REFUSED


def test_an_orphan_is_kept_though_nobody_said_yes(cli: Cli, till: Till) -> None:
    argv = ("books", "write-off", orphan(till), "--reason", "dust", "--idempotency-key", "2")
    alone = cli(*argv)
    assert alone.code == Exit.USAGE
    assert "try: add --yes" in alone.err
    assert cli(*argv, "--json").code == Exit.USAGE
    assert till.total(Account.WRITTEN_OFF) == 0
    said = cli(*argv, "--json", "--yes")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert agrees("books-write-off.json", said.out)
    assert cli(*argv, "--json", "--yes").out == said.out
    assert "500 stake of a payer's, asked back by nobody, are yours now" in cli(*argv, "--yes", width=80).text
    assert till.total(Account.WRITTEN_OFF) == 500
    assert "written off, by ada at 2026-01-02 12:00:20Z: dust" in cli("payments", "show", argv[2]).text
    assert cli("audit").code == Exit.DONE


@pytest.mark.parametrize("word", ["deposit", "income"])
def test_a_strangers_coins_are_booked_as_ours_without_asking(cli: Cli, till: Till, word: str) -> None:
    """A payer who forgot the memo looks just like a deposit: keeping his coins is asked as writing them off is."""
    argv = ("books", "assign", "--tx", orphan(till), "--as", word, "--reason", "gas")
    before = till.total(Account.ORPHANED)
    alone = cli(*argv)
    assert alone.code == Exit.USAGE
    assert "came from an account that isn't yours" in " ".join(alone.err.split())
    assert "try: add --yes" in alone.err
    assert cli(*argv, "--json").code == Exit.USAGE
    assert till.total(Account.ORPHANED) == before
    refused = cli(*argv, typed="n\n")
    assert refused.code == Exit.DONE
    asked = " ".join(refused.err.split())
    assert "They may be a payer's who forgot the memo" in asked
    assert "no command gives them back" in asked
    assert till.total(Account.ORPHANED) == before
    assert cli(*argv, typed="y\n").code == Exit.DONE
    assert till.total(Account.ORPHANED) == before - 500
    # The same word again changes nothing, and asks nothing.
    assert cli(*argv).code == Exit.DONE


def test_the_question_before_an_orphan_is_kept_hides_how_much_it_is(till: Till) -> None:
    [view] = [one for one in till.orphans() if one.arrival.coin.amount == 500]
    asked = ours_question(view, "rc1somebody", Word.WRITTEN_OFF)
    assert asked.startswith("500 stake came on alpha-1 at ")
    assert asked.endswith("Write off 500 stake?")
    assert "It may be meant for rc1somebody" in asked
    assert "may be meant" not in ours_question(view, None, Word.WRITTEN_OFF)


def orphan_of(till: Till, denom: str) -> str:
    return next(one.arrival.tx_hash for one in till.orphans() if one.arrival.coin.denom == denom)


def test_what_stands_said_is_hidden(cli: Cli, till: Till) -> None:
    argv = ("books", "assign", "--tx", orphan(till), "--as", "income", "--reason", HOSTILE[:60], "--yes")
    said = cli(*argv, width=80)
    assert said.code == Exit.DONE
    assert "500 stake came in as income of yours" in said.text
    assert not {"\x1b", "\u202e"} & set(said.text)
    otherwise = cli(
        "books", "assign", "--tx", orphan_of(till, "token"), "--as", "withdrawal", "--reason", "x", "--json"
    )
    assert (otherwise.code, otherwise.error["code"]) == (Exit.USAGE, "other_way")
    assert (
        cli("books", "assign", "--tx", "AB" * 32, "--as", "income", "--reason", "x", "--json").error["code"]
        == "unknown_tx"
    )
    assert "recheck" in cli("books", "assign", "--tx", "AB" * 32, "--as", "income", "--reason", "x").err


def test_days_and_withdrawable_keep_their_bytes(cli: Cli, till: Till) -> None:
    del till
    assert agrees("books-daily.json", cli("books", "daily", "--json").out)
    assert agrees("books-daily-80.txt", cli("books", "daily", width=80).out)
    assert cli("books", "daily", "--denom", "nothing").text == "Nothing was booked then.\n"
    said = cli("wallet", "withdrawable", "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert agrees("wallet-withdrawable.json", said.out)
    assert agrees("wallet-withdrawable-80.txt", cli("wallet", "withdrawable", width=80).out)


def test_a_wallet_that_cannot_be_read_is_called_empty(cli: Cli, till: Till) -> None:
    till.rig.alpha.down = NodeError("refused")
    said = cli("wallet", "withdrawable")
    assert said.code == Exit.UNREACHABLE
    assert "can't be read now: refused" in said.err
    assert cli("wallet", "withdrawable", "--json").document["wallets"][0]["error"]["code"]


def test_a_day_that_reading_began_on_opens_with_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What lay in the wallet before came on no day; and what is printed adds up."""
    moved = {Account.RECEIVED: 60, Account.HELD: -40, Account.EARNED: 100, Account.OPENING: 1000}
    moved |= {Account.BALANCE: 1058, Account.FEES_TAKEN: 2}
    print_days(Face(), [Day(Place(ALPHA, "stake"), date(2026, 1, 2), 0, moved, 1058)])
    assert capsys.readouterr().out.splitlines() == [
        "2026-01-02 alpha-1 stake, where reading began",
        "    opened with       1000",
        "  + received            60",
        "  - fees taken           2",
        "  = closed with       1058",
        "  of what payers sent, more or less than the day before:",
        "    held               -40",
        "    earned             100",
    ]


def test_an_audit_keeps_its_bytes(cli: Cli, till: Till) -> None:
    said = cli("audit", "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert agrees("audit.json", said.out)
    page = cli("audit", width=80)
    assert page.code == Exit.DONE
    assert max(map(len, page.lines)) <= 80
    assert agrees("audit-80.txt", page.out)
    assert "equations and balance agree" in cli("audit", "--quick", "--chain", ALPHA).text
    del till


def test_books_that_are_wrong_exit_like_good_ones(cli: Cli, till: Till) -> None:
    with till.rig.journal.database.atomic() as tx:
        entry = book(Place(ALPHA, "stake"), Kind.WITHDRAWAL, f"{'AB' * 32}/out/0", 7)
        ledger.post(tx, [entry], till.rig.clock.now())
    said = cli("audit", "--json")
    assert said.code == Exit.FOUND
    assert agrees("audit-found.json", said.out)
    page = cli("audit", width=80)
    assert page.code == Exit.FOUND
    assert agrees("audit-found-80.txt", page.out)
    till.rig.alpha.down = NodeError("refused")
    down = cli("audit")
    assert down.code == Exit.UNREACHABLE
    assert "alpha-1 can't be read: refused" in down.text


def test_a_book_before_the_first_reading_is_shown_as_read(cli: Cli, rig: Rig, tmp_path: Path) -> None:
    rig.sell(tmp_path / "shop")
    rig.alpha.down = NodeError("refused")
    assert cli("audit").code == Exit.UNREACHABLE
    assert cli("wallet", "withdrawable").text == "The wallets hold nothing.\n"


def test_a_flaw_or_an_account_has_no_words() -> None:
    assert set(ACCOUNTS) == set(Account)
    place = Place(ALPHA, "stake")
    lines = {finding_line(Finding(flaw, place, "earned", 3, -4)) for flaw in Flaw}
    assert len(lines) == len(Flaw)
