"""`operations proof` and `verify`: a file that travels, and what comes of reading one from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli import proofs
from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from tests.cli.conftest import Cli, agrees
from tests.cli.test_pages import harmless
from tests.fakes.rig import Rig

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")


@pytest.fixture
def proof(cli: Cli, busy: Rig, tmp_path: Path) -> Path:
    """The proof of three packets: one delivered, one given back, one acknowledged."""
    del busy
    assert cli(*ONE, "1..3", "--yes").code == Exit.DONE
    path = tmp_path / "proof.json"
    assert cli("operations", "proof", "op-", "-o", str(path)).code == Exit.DONE
    return path


def tampered(proof: Path, change: Any) -> str:
    """The file with its document changed."""
    document = json.loads(proof.read_bytes())
    change(document)
    proof.write_text(json.dumps(document), encoding="utf-8")
    return str(proof)


def test_a_proof_keeps_its_bytes(cli: Cli, proof: Path) -> None:
    steady = json.loads(proof.read_bytes())
    assert len(steady["instance"]) == 16
    steady["instance"] = "0123456789abcdef"
    assert agrees("proof.json", json.dumps(steady, indent=2).encode() + b"\n")
    assert cli("operations", "proof", "op-").out == proof.read_bytes()
    assert cli("operations", "proof", "op-", "--json").out == proof.read_bytes()


def test_a_confirmed_proof_as_people_and_programs_see_it(cli: Cli, proof: Path) -> None:
    page = cli("operations", "verify", str(proof), width=80)
    assert (page.code, page.err) == (Exit.DONE, "")
    assert agrees("verify-80.txt", page.out)
    document = json.loads(proof.read_bytes())
    said = cli("operations", "verify", str(proof), "--json")
    assert said.code == Exit.DONE
    assert agrees("verify.json", said.out.replace(document["instance"].encode(), b"0123456789abcdef"))


def test_one_changed_hash_contradicts_the_whole_proof(cli: Cli, proof: Path) -> None:
    file = tampered(proof, lambda whole: whole["packets"][0]["transactions"][0].update(hash="AB" * 32))
    page = cli("operations", "verify", file, width=80)
    assert page.code == Exit.FAILED
    assert agrees("verify-contradicted-80.txt", page.out)
    document = cli("operations", "verify", file, "--json").document
    assert document["verdict"] == "contradicted"
    assert [row["verdict"] for row in document["packets"]] == ["contradicted", "confirmed", "confirmed"]
    assert document["packets"][0]["findings"][0]["flaw"] == "no_such_tx"


def test_what_can_not_be_read_is_exit_three_and_says_what(cli: Cli, busy: Rig, proof: Path) -> None:
    busy.beta.down = NodeError("https://beta refused the connection")
    page = cli("operations", "verify", str(proof), width=80)
    assert page.code == Exit.UNREACHABLE
    assert agrees("verify-unreadable-80.txt", page.out)


def test_hostile_words_in_a_proof_are_shown_harmless(cli: Cli, proof: Path) -> None:
    nasty = "\x1b[2J\u202eevil"
    said = cli(
        "operations",
        "verify",
        tampered(proof, lambda whole: whole["path"].update(version=nasty) or whole["operation"].update(id="op-<b>")),
    )
    harmless(said)
    said = cli("operations", "verify", tampered(proof, lambda whole: whole["operation"].update(id=nasty)))
    assert said.code == Exit.USAGE
    assert "operation.id is not a name" in said.err
    assert nasty not in said.err


def test_a_proof_from_standard_input_is_checked_too(cli: Cli, proof: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with proof.open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert cli("operations", "verify", "-").code == Exit.DONE


def test_files_that_are_no_proof_are_plain_errors(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path | str) -> str:
        said = cli("operations", "verify", str(path), "--json")
        assert (said.code, said.out) == (Exit.USAGE, b"")
        return str(said.error["message"])

    assert refused(tmp_path / "absent.json").endswith("can't be read: No such file or directory")
    assert "can't be read" in refused(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"\xff" * 10)
    assert refused(other) == "this is no proof of clear: the document is not JSON"
    monkeypatch.setattr(proofs, "LARGEST_PROOF", 9)
    assert refused(other) == f"{other} is larger than any proof of clear"


@pytest.mark.parametrize(
    ("rpc", "said"),
    [
        ("beta-1", "--rpc is not CHAIN=URL"),
        ("=http://x", "--rpc is not CHAIN=URL"),
        ("beta-1=ftp://user:secret@x", "--rpc is not CHAIN=URL"),
        ("gamma-1=http://127.0.0.1:1", "the proof is about alpha-1 and beta-1, not gamma-1"),
        ("beta-1=http://127.0.0.1:1", "no endpoint is known for alpha-1"),
    ],
)
def test_endpoints_that_can_not_be_meant_are_refused(cli: Cli, proof: Path, rpc: str, said: str) -> None:
    answer = cli("operations", "verify", str(proof), "--rpc", rpc)
    assert answer.code == Exit.USAGE
    assert said in answer.err
    assert "secret" not in answer.err


def test_a_file_that_is_there_is_not_written_over(cli: Cli, proof: Path, tmp_path: Path) -> None:
    said = cli("operations", "proof", "op-", "-o", str(proof))
    assert (said.code, "is there already" in said.err) == (Exit.USAGE, True)
    said = cli("operations", "proof", "op-", "-o", str(tmp_path / "no" / "folder.json"))
    assert (said.code, "can't be written" in said.err) == (Exit.USAGE, True)
    fresh = cli("operations", "proof", "op-", "-o", str(tmp_path / "two.json"), "--json")
    assert fresh.document["packets"] == 3


def test_an_operation_of_which_nothing_is_known_has_no_proof(cli: Cli) -> None:
    said = cli("operations", "proof", "op-77", "--json")
    assert (said.code, said.error["code"]) == (Exit.USAGE, "usage")
