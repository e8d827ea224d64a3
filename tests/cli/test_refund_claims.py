"""`relayclear refunds claim`: the text to sign word for word, documents byte for byte, what is refused by exit code."""

from __future__ import annotations

import io
import secrets
import sys
from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.money.claims import Refusal, Role
from relayclear.usecases.refund_acts import approve
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.wording import claiming
from tests.cli.conftest import Cli, agrees
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, WEEK, Claimer, signed
from tests.usecases.counter import ALPHA

ALICE, ALICE_THERE = address("alice", ALPHA), address("alice", BETA)


@pytest.fixture
def till(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Claimer:
    """A till whose ids are the same every time, and an operator of that name."""
    ids = iter(range(1, 250))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes([next(ids)]) * size)
    monkeypatch.setattr(secrets, "token_hex", lambda size: (bytes([next(ids)]) * size).hex())
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ada")
    return Claimer(rig, tmp_path / "shop")


@pytest.fixture
def owed(till: Claimer) -> OwedRefund:
    return till.underpaid()


def answer(folder: Path, text: str, who: str = "alice", chain: str = BETA) -> str:
    path = folder / "answer.json"
    path.write_text(signed(text, who, chain), encoding="utf-8")
    return str(path)


def test_a_payer_signs_other_words_than_were_kept(cli: Cli, owed: OwedRefund, till: Claimer, tmp_path: Path) -> None:
    said = cli("refunds", "claim", owed.id, "--to", ALICE_THERE, "--to-chain", BETA)
    assert said.code == Exit.DONE
    assert agrees("refunds-claim.txt", said.out)
    assert agrees("refunds-claim-talk.txt", said.err.encode())
    nonce = said.lines[-1].removeprefix("nonce: ")
    taken = cli("refunds", "claim", owed.id, "--nonce", nonce, "--signature", answer(tmp_path, said.text.strip()))
    assert taken.code == Exit.DONE
    assert agrees("refunds-claimed.txt", taken.out)
    assert till.owed()[0].due.to == ALICE_THERE


def test_a_document_keeps_its_bytes(cli: Cli, owed: OwedRefund, tmp_path: Path) -> None:
    said = cli("refunds", "claim", owed.id[:6], "--to", ALICE_THERE, "--to-chain", BETA, "--json")
    assert agrees("refunds-claim.json", said.out)
    file = answer(tmp_path, said.document["text"])
    argv = ("refunds", "claim", owed.id, "--nonce", said.document["nonce"], "--signature", file, "--json")
    taken = cli(*argv)
    assert taken.code == Exit.DONE
    assert agrees("refunds-claimed.json", taken.out)
    assert cli(*argv).out == taken.out
    other = cli("refunds", "claim", owed.id, "--to", ALICE, "--json")
    assert other.code == Exit.REFUSED
    assert other.error["code"] == "claim_claimed"


def test_a_retry_with_its_key_makes_a_second_text_or_claim(cli: Cli, owed: OwedRefund, tmp_path: Path) -> None:
    asking = ("refunds", "claim", owed.id, "--to", ALICE, "--idempotency-key", "1")
    first = cli(*asking, "--json")
    assert cli(*asking, "--json").out == first.out
    assert cli(*asking).text.strip() == first.document["text"]
    file = answer(tmp_path, first.document["text"])
    taking = ("refunds", "claim", owed.id, "--nonce", first.document["nonce"], "--signature", file)
    done = cli(*taking, "--idempotency-key", "2", "--json")
    assert cli(*taking, "--idempotency-key", "2", "--json").out == done.out
    assert ALICE in cli(*taking, "--idempotency-key", "2").text


def test_a_signature_comes_through_a_pipe(cli: Cli, owed: OwedRefund, monkeypatch: pytest.MonkeyPatch) -> None:
    text = cli("refunds", "claim", owed.id, "--to", ALICE, "--json").document
    monkeypatch.setattr(sys, "stdin", io.StringIO(signed(text["text"], "alice")))
    assert cli("refunds", "claim", owed.id, "--nonce", text["nonce"], "--signature", "-").code == Exit.DONE


@pytest.mark.parametrize(
    "argv",
    [
        "",
        "--nonce 11",
        "--signature answer.json",
        "--to a --nonce 11",
        "--to a --nonce 11 --signature b",
        "--nonce 11 --signature b --to-chain beta-1",
    ],
)
def test_half_a_step_is_guessed(cli: Cli, argv: str) -> None:
    said = cli("refunds", "claim", "x", *argv.split(), "--json")
    assert said.code == Exit.USAGE
    assert "two steps" in said.error["message"]


def test_a_file_that_is_no_text_ends_in_a_traceback(cli: Cli, owed: OwedRefund, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nowhere.json", str(tmp_path / "binary")):
        said = cli("refunds", "claim", owed.id, "--nonce", "11", "--signature", name, "--json")
        assert said.code == Exit.USAGE
        assert "can't be read" in said.error["message"]


def test_a_claim_that_waits_for_a_person_looks_settled(
    cli: Cli, owed: OwedRefund, till: Claimer, tmp_path: Path
) -> None:
    till.rig.clock.step(WEEK)
    till.settle()
    said = cli("refunds", "claim", owed.id, "--to", ALICE)
    assert "that paid" in said.err
    assert "that sent the packets" in said.err
    nonce = said.lines[-1].removeprefix("nonce: ")
    file = answer(tmp_path, said.text.strip(), "sender", ALPHA)
    taken = cli("refunds", "claim", owed.id, "--nonce", nonce, "--signature", file)
    assert "claimed for another" in taken.text
    assert f"relayclear refunds approve {owed.id}" in taken.text


def test_a_refund_that_takes_anothers_place_is_not_named(cli: Cli, till: Claimer, tmp_path: Path) -> None:
    owed = till.underpaid_here()
    approve(till.desk, owed.id, "ada")
    said = cli("refunds", "claim", owed.id, "--to", address("bob", ALPHA))
    nonce = said.lines[-1].removeprefix("nonce: ")
    file = answer(tmp_path, said.text.strip(), "alice", ALPHA)
    taken = cli("refunds", "claim", owed.id, "--nonce", nonce, "--signature", file)
    assert f"refund {owed.id} was approved for another address" in taken.text


def test_every_role_and_refusal_has_words() -> None:
    assert set(claiming.ROLES) == set(Role)
    assert set(claiming.LATER) == {None, *Refusal}
