"""`relayclear wallet`: what is kept, what is refused, and that no secret is ever said."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.bootstrap.wallet import FileWallet
from relayclear.cli.output import Exit
from relayclear.config.passphrase import PassphraseSource
from relayclear.ibc.accounts import AccountKind, AccountType
from relayclear.ibc.address import read_address
from relayclear.rehearsal.keys import encode_address
from relayclear.store import history
from tests.cli.conftest import Cli, agrees
from tests.cli.test_start import environ
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.test_bootstrap import CHAIN

PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
COSMOS_KEY = "/cosmos.crypto.secp256k1.PubKey"
ADDRESS = "alpha19rl4cm2hmr8afy4kldpxz3fka4jguq0atty5ch"
PASSPHRASE = "correct horse"  # noqa: S105 - of these tests


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return private(tmp_path / "payee.txt", PHRASE + "\n")


@pytest.fixture
def kept(rig: Rig, tmp_path: Path) -> Path:
    """A real wallet on the rig's desk; its file."""
    accounts = {chain: AccountType(chain[:-2], AccountKind.SECP256K1, COSMOS_KEY) for chain in ("alpha-1", "beta-1")}
    source = PassphraseSource(private(tmp_path / "passphrase", PASSPHRASE))
    rig.real_wallet = FileWallet(tmp_path / "keys", accounts, source)
    return tmp_path / "keys" / "wallet.json"


def paid_at(rig: Rig, folder: Path, payee: str) -> None:
    """Payments on alpha-1 arrive at an account."""
    rig.shop = replace(rig.sell(folder), payees={"alpha-1": payee})


def add(words: Path, chain: str = "alpha-1") -> tuple[str, ...]:
    return "wallet", "add", "--chain", chain, "--mnemonic-file", str(words)


def test_the_documents_keep_their_bytes(cli: Cli, rig: Rig, kept: Path, words: Path, tmp_path: Path) -> None:
    assert agrees("wallet-none.json", cli("wallet", "list", "--json").out)
    paid_at(rig, tmp_path / "shop", ADDRESS)
    said = cli(*add(words), "--json")
    assert (said.code, said.err, said.document["address"]) == (Exit.DONE, "", ADDRESS)
    assert agrees("wallet-add.json", said.out)
    cli(*add(words, "beta-1"), "--hd-path", "m/44'/118'/0'/0/7")
    assert agrees("wallet-list.json", cli("wallet", "list", "--json").out)
    assert agrees("wallet-remove.json", cli("wallet", "remove", "--chain", "alpha-1", "--yes", "--json").out)
    assert [key["chain"] for key in json.loads(kept.read_text())["keys"]] == ["beta-1"]


def test_the_pages_fit_80_columns(cli: Cli, rig: Rig, kept: Path, words: Path, tmp_path: Path) -> None:
    del kept
    assert cli("wallet", "list").text.startswith("No keys yet")
    assert agrees("wallet-add.txt", cli(*add(words), width=80).out)
    cli(*add(words, "beta-1"))
    paid_at(rig, tmp_path / "shop", address("payee", "alpha-1"))
    assert agrees("wallet-list-80.txt", cli("wallet", "list", width=80).out)
    assert agrees("wallet-list-120.txt", cli("wallet", "list", width=120).out)
    assert agrees("wallet-remove.txt", cli("wallet", "remove", "--chain", "beta-1", "--yes").out)


def test_what_a_person_did_is_forgotten(cli: Cli, rig: Rig, kept: Path, words: Path) -> None:
    del kept
    cli(*add(words))
    cli("wallet", "remove", "--chain", "alpha-1", "--yes")
    told = [*history.page(rig.journal.database, 10, 0, history.Search(subject="wallet alpha-1"))]
    assert [event.what for event in told] == ["wallet_key_removed", "wallet_key_added"]
    assert {event.detail["address"] for event in told} == {ADDRESS}
    assert "abandon" not in str(told)


def test_a_secret_is_said(cli: Cli, rig: Rig, kept: Path, words: Path) -> None:
    assert rig.real_wallet is not None
    secret = rig.real_wallet.derived("alpha-1", PHRASE)
    said = [cli(*add(words)), cli("wallet", "list", "--json"), cli(*add(words), "--json"), cli("--debug", *add(words))]
    text = "".join(one.text + one.err for one in said) + kept.read_text() + repr(secret)
    for hidden in ("abandon", PASSPHRASE, secret.secret.hex(), str(secret.secret)):
        assert hidden not in text


def test_a_key_that_is_not_the_payees_is_kept(cli: Cli, rig: Rig, kept: Path, words: Path, tmp_path: Path) -> None:
    payee = address("payee", "alpha-1")
    paid_at(rig, tmp_path / "shop", payee)
    said = cli(*add(words), "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "not_the_payee")
    assert ADDRESS in said.error["message"]
    assert payee in said.error["message"]
    assert not kept.exists()


def test_another_spelling_of_the_payee_is_another_account(
    cli: Cli, rig: Rig, kept: Path, words: Path, tmp_path: Path
) -> None:
    del kept
    account = read_address(ADDRESS)
    assert account is not None
    paid_at(rig, tmp_path / "shop", encode_address("cosmos", account.account))
    assert cli(*add(words), "--json").document["is_payee"] is True


@pytest.mark.parametrize("name", ["daemon", "clearing"])
def test_hermes_and_refunds_race_for_one_account(cli: Cli, rig: Rig, kept: Path, words: Path, name: str) -> None:
    rig.relayer.addresses["alpha-1", name] = ADDRESS
    said = cli(*add(words), "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "shared_account")
    assert f"{name} key" in said.error["message"]
    assert not kept.exists()


def test_a_clearing_key_that_cannot_be_told_stops_everything(cli: Cli, rig: Rig, kept: Path, words: Path) -> None:
    rig.clearing_keys["alpha-1"] = "not made yet"
    assert cli(*add(words)).code == Exit.DONE
    rig.clearing_keys["beta-1"], rig.relayer.addresses["beta-1", "hidden"] = "hidden", None
    assert cli(*add(words, "beta-1")).code == Exit.DONE
    assert len(json.loads(kept.read_text())["keys"]) == 2


def test_a_second_key_takes_the_place_of_the_first(cli: Cli, kept: Path, words: Path) -> None:
    cli(*add(words))
    before = kept.read_bytes()
    said = cli(*add(words), "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "key_exists")
    assert said.error["hint"] == "relayclear wallet remove --chain alpha-1"
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "mode", "code", "said"),
    [
        (PHRASE, 0o644, "keys_open", "others may read"),
        (PHRASE.replace("about", "hunter2"), 0o600, "bad_mnemonic", "word 12 of the mnemonic"),
        (PHRASE.replace("about", "abandon"), 0o600, "bad_mnemonic", "checksum"),
        ("hunter2", 0o600, "bad_mnemonic", "12, 15, 18, 21 or 24 words, not 1"),
        ("hunter2 é", 0o600, "usage", "no English mnemonic"),
        ("hunter2 " * 1000, 0o600, "usage", "no English mnemonic"),
    ],
)
def test_a_mnemonic_file_that_cannot_be_used_is_used_or_quoted(
    cli: Cli, kept: Path, words: Path, text: str, mode: int, code: str, said: str
) -> None:
    private(words, text, mode)
    refused = cli(*add(words), "--json")
    assert (refused.code, refused.error["code"]) == (Exit.USAGE, code)
    assert said in refused.error["message"]
    assert "hunter2" not in refused.err
    assert not kept.exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--chain gamma-1 --mnemonic-file WORDS", "no chain 'gamma-1'"),
        ("--chain alpha-1 --mnemonic-file /nowhere/words", "can't be used"),
        ("--chain alpha-1 --mnemonic-file WORDS --hd-path 44/118", "no derivation path"),
        ("--chain alpha-1", "Missing option"),
    ],
)
def test_what_cannot_be_asked_for_breaks_us(cli: Cli, kept: Path, words: Path, argv: str, said: str) -> None:
    refused = cli("wallet", "add", *argv.replace("WORDS", str(words)).split(), "--json")
    assert refused.code == Exit.USAGE
    assert said.lower() in refused.error["message"].lower()
    assert not kept.exists()


def test_a_key_is_forgotten_without_a_yes(cli: Cli, kept: Path, words: Path) -> None:
    cli(*add(words))
    for argv, typed, code in (((), None, Exit.USAGE), (("--json",), "y\n", Exit.USAGE), ((), "n\n", Exit.REFUSED)):
        assert cli("wallet", "remove", "--chain", "alpha-1", *argv, typed=typed).code == code
    assert kept.exists()
    assert cli("wallet", "remove", "--chain", "alpha-1", typed="y\n").code == Exit.DONE
    assert not kept.exists()
    assert cli("wallet", "remove", "--chain", "alpha-1", "--yes").code == Exit.USAGE


# The program as it is, over its own config


@pytest.fixture
def configured(home: Path) -> list[str]:
    """A Hermes config and our own; the words that every command line begins with."""
    hermes = home / "hermes.toml"
    eth = 'address_type = { derivation = "ethermint", proto_type = { pk_type = "/e.PubKey" } }\n'
    text = CHAIN.format(chain="alpha-1", kind="CosmosSdk") + CHAIN.format(chain="eth-1", kind="CosmosSdk") + eth
    hermes.write_text(text, encoding="utf-8")
    return ["--hermes-config", str(hermes), "--db", str(home / "relayclear.db")]


def on_terminal(argv: list[str], home: Path, typed: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer each question: the exit code, what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "relayclear", *argv], environ(home))  # noqa: S606
    shown, left = b"", [*typed]
    # Linux tells the end of a terminal as an error.
    with suppress(OSError):
        while more := os.read(terminal, 4096):
            shown += more
            if left and shown.endswith((b"file: ", b"again: ")):
                os.write(terminal, left.pop(0).encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_a_typed_passphrase_is_shown(home: Path, words: Path, configured: list[str]) -> None:
    argv = [*configured, *add(words)]
    code, shown = on_terminal(argv, home, [f"{PASSPHRASE}\n", f"{PASSPHRASE}\n"])
    assert (code, "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4" in shown) == (Exit.DONE, True)
    assert PASSPHRASE not in shown
    code, shown = on_terminal([*configured, *add(words, "eth-1")], home, ["another\n"])
    assert (code, "not the passphrase" in shown, "another" in shown) == (Exit.USAGE, True, False)
    code, shown = on_terminal([*configured, *add(words, "eth-1")], home, ["\x03"])
    assert (code, "interrupted" in shown) == (Exit.INTERRUPTED, True)


@pytest.mark.parametrize("way", ["flag", "variable", "credential", "config"])
def test_a_passphrase_is_found_where_it_was_put(
    cli: Cli, home: Path, words: Path, configured: list[str], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file = private(home / "relayclear-passphrase", PASSPHRASE + "\n")
    argv = [*configured, *add(words, "eth-1"), "--json"]
    match way:
        case "flag":
            argv += ["--passphrase-file", str(file)]
        case "variable":
            monkeypatch.setenv("RELAYCLEAR_PASSPHRASE_FILE", str(file))
        case "credential":
            monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(home))
        case _:
            argv += ["--config", str(private(home / "ours.toml", f'[keys]\npassphrase_file = "{file}"\n'))]
    said = cli.alone(*argv)
    assert (said.code, said.err) == (Exit.DONE, "")
    # The address that Ethereum's wallets show of these words.
    assert read_address(said.document["address"]) == (
        "cosmos",
        bytes.fromhex("9858EfFD232B4033E47d90003D41EC34EcaEda94"),
    )
    assert (said.document["kind"], said.document["path"]) == ("eth_secp256k1", "m/44'/60'/0'/0/0")


def test_a_document_is_waited_for_by_a_question(cli: Cli, words: Path, configured: list[str]) -> None:
    said = cli.alone(*configured, *add(words), "--json", typed="pw\npw\n")
    assert (said.code, said.error["code"]) == (Exit.USAGE, "no_passphrase")


def test_a_passphrase_is_typed_where_everybody_sees_it(home: Path) -> None:
    # A process without a terminal of its own: what getpass then does is to warn and to go on.
    code = "from relayclear.cli.asking import unseen\nunseen('Passphrase: ')"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=environ(home),
        input=PASSPHRASE + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert "can't hide what is typed" in said.stderr
    assert PASSPHRASE not in said.stdout + said.stderr
