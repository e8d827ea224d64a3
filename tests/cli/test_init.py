"""`relayclear init`: a first config without a lost answer, an overwritten file or a question that nobody hears."""

from __future__ import annotations

import json
import re
import socket
import stat
from pathlib import Path

import pytest

from relayclear.cli import init as command
from relayclear.cli.output import Exit
from relayclear.config.loading import load
from tests.cli.conftest import Cli
from tests.fakes.world import address

PAYEE = address("payee", "alpha-1")
SELLS = ("--payee", f"alpha-1={PAYEE}", "--service-fee", "alpha-1=10stake", "--per-packet-fee", "alpha-1=1stake")
CHAIN = """
[[chains]]
id = "{name}-1"
type = "CosmosSdk"
rpc_addr = "http://ada:hunter2secret@127.0.0.1:1"
grpc_addr = "http://127.0.0.1:1"
event_source = {{ mode = "pull", interval = "1s" }}
account_prefix = "{name}"
key_name = "daemon"
key_store_folder = "{folder}/keys"
store_prefix = "ibc"
gas_price = {{ price = 0.1, denom = "{denom}" }}
"""


@pytest.fixture
def hermes(home: Path) -> Path:
    """A Hermes config where Hermes itself looks for it, with one key that can be read."""
    folder = home / ".hermes"
    folder.mkdir()
    chains = (("alpha", "stake"), ("beta", "ubeta"))
    text = "".join(CHAIN.format(name=name, denom=denom, folder=folder) for name, denom in chains)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    keys = folder / "keys" / "alpha-1" / "keyring-test"
    keys.mkdir(parents=True)
    account = {"account": address("daemon", "alpha-1"), "private_key": "xprv-canary"}
    (keys / "daemon.json").write_text(json.dumps(account), encoding="utf-8")
    return folder / "config.toml"


@pytest.fixture
def file(home: Path) -> Path:
    return home / ".config" / "relayclear" / "config.toml"


def test_without_a_terminal_the_flags_are_named_and_nothing_is_written(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    for argv in (["init"], ["init", "--json"]):
        said = cli(*argv)
        assert said.code == Exit.USAGE
        assert all(flag in said.err for flag in ("--yes", "--sell-nothing", "--payee", "--service-fee", "--refunds"))
    assert not file.exists()


def test_a_seller_without_a_terminal_gets_the_config_that_the_flags_say(cli: Cli, hermes: Path, file: Path) -> None:
    said = cli("init", "--yes", *SELLS, "--refunds", "auto", "--refund-max-each", "7stake", "--clearing-key", "clear")
    assert (said.code, said.lines[0]) == (Exit.DONE, f"written: {file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    read = load(config_path=file, env={}, flags={})
    assert [one.config for one in read.hermes] == [hermes]
    assert {chain: (of.payee, of.clearing_key) for chain, of in read.chains.items()} == {
        "alpha-1": (PAYEE, "clear"),
        "beta-1": ("", "clear"),
    }
    assert [str(price.service_fee) + price.denom for price in read.chains["alpha-1"].prices] == ["10stake"]
    assert (read.refunds.mode, [str(coin) for coin in read.refunds.max_each]) == ("auto", ["7stake"])


def test_what_is_left_to_do_and_why_a_key_of_its_own_is_said(cli: Cli, hermes: Path) -> None:
    said = cli("init", "--yes")
    assert "nothing is sold" in said.text
    assert "The clearing key" in said.text
    assert f"hermes --config {hermes} keys add --chain alpha-1 --key-name relayclear" in said.text
    assert "keys mnemonic" in said.text
    assert "there is no program 'hermes'" in said.text
    assert said.lines[-1] == "then: relayclear packets list"


def test_the_network_is_listed_with_its_channels_and_accounts(cli: Cli, hermes: Path) -> None:
    said = cli("init", "--yes")
    assert f"Hermes: {hermes}" in said.err
    words = " ".join(said.err.split())
    assert f"alpha-1: gas in stake; the daemon's key 'daemon' is {address('daemon', 'alpha-1')}" in words
    assert "channel-0 → beta-1" in said.err
    assert "beta-1: gas in ubeta; the daemon's key 'daemon': its address can't be read from here" in words


def test_nodes_that_refuse_keep_nobody_from_a_config(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    said = cli.alone("init", "--yes", "--sell-nothing")
    assert said.code == Exit.DONE
    assert "channels not known yet" in said.err
    assert file.exists()


def test_a_config_that_is_there_stays_until_force_keeps_a_copy(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n", encoding="utf-8")
    said = cli("init", typed="\n")
    assert said.code == Exit.USAGE
    assert "--force" in said.err
    assert "1. Where" not in said.err  # nobody answers for nothing
    assert file.read_text(encoding="utf-8") == "# mine\n"
    said = cli("init", "--yes", "--force")
    kept = file.with_name("config.toml.old-1")
    assert said.lines[0] == f"written: {file}; what was there: {kept}"
    assert kept.read_text(encoding="utf-8") == "# mine\n"
    assert "# mine" not in file.read_text(encoding="utf-8")


def test_a_setting_that_force_drops_is_lost_in_silence(cli: Cli, hermes: Path, file: Path) -> None:
    file.parent.mkdir(parents=True)
    text = f'[hermes]\nconfig = "{hermes}"\n[store]\nurl = "/srv/own.db"\n[scan]\ninterval = "60s"\n'
    file.write_text(text + '[chains."alpha-1"]\nclearing_key = "mine"\n', encoding="utf-8")
    said = cli("init", "--yes", "--force")
    assert said.lines[1] == "! set there, and not any more: chains.alpha-1.clearing_key, store.url"
    assert cli("init", "--yes", "--force", "--json").document["dropped"] == []


def test_a_broken_config_keeps_force_from_replacing_it(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    file.parent.mkdir(parents=True)
    file.write_text("[scan\n", encoding="utf-8")
    assert cli("init", "--yes", "--force").code == Exit.DONE
    assert cli("config", "validate").code == Exit.DONE


def test_a_dry_run_prints_the_file_and_leaves_nothing(cli: Cli, hermes: Path, home: Path) -> None:
    said = cli.alone("init", "--dry-run", *SELLS)
    assert said.code == Exit.DONE
    assert said.lines[0].startswith("# The settings of relayclear, by `relayclear init`")
    assert f'payee = "{PAYEE}"' in said.text
    assert [path for path in home.rglob("*") if hermes.parent not in path.parents and path != hermes.parent] == []


def test_programs_get_one_document_without_a_secret(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    said = cli("init", "--yes", "--json")
    document = said.document
    assert (document["config"], document["written"], document["kept"]) == (str(file), True, None)
    assert document["text"] == file.read_text(encoding="utf-8")
    alpha, beta = document["chains"]
    assert (alpha["chain"], alpha["channels"], alpha["error"]) == ("alpha-1", ["channel-0 → beta-1"], None)
    assert beta["daemon_address"] is None
    assert any(row["check"] == "hermes" and row["severity"] == "fail" for row in document["findings"])
    assert said.err == ""
    for text in (said.text, cli("init", "--yes", "--force").text, file.read_text(encoding="utf-8")):
        assert "hunter2secret" not in text
        assert "xprv-canary" not in text


def test_a_person_is_asked_three_things_and_again_after_a_wrong_answer(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    wrong = f"alpha-1={address('daemon', 'alpha-1')}"
    slip = f"alpha-1={PAYEE[:-1]}{'q' if PAYEE[-1] != 'q' else 'p'}"
    asked_costs = ["ten", "10stak", "10stake", "1stak", ""]
    asked_caps = ["perhaps", "auto", "5stak", "", "9stak", "9stake"]
    typed = [wrong, slip, f"alpha-1={PAYEE}", "", *asked_costs, *asked_caps, "n"]
    said = cli("init", typed="\n".join(typed) + "\n")
    assert said.code == Exit.DONE
    words = " ".join(said.err.split())
    assert "its checksum doesn't hold: a character is mistyped" in words
    assert "'stak' is not known on alpha-1; did you mean stake?" in words
    assert words.count("'stak' is another denom than stake") == 3
    assert all(f"\n{number}. " in said.err for number in (1, 2, 3))
    assert "hermes start signs with" in words
    assert "'ten' is not a coin" in said.err
    assert "'perhaps' is neither approve nor auto" in said.err
    read = load(config_path=file, env={}, flags={})
    (price,) = read.chains["alpha-1"].prices
    assert (price.service_fee, price.per_packet_fee, price.denom) == (10, 100000, "stake")
    assert (read.refunds.mode, [str(coin) for coin in read.refunds.max_each]) == ("auto", ["5000000stake"])
    assert [str(coin) for coin in read.refunds.max_per_day] == ["9stake"]


def test_no_line_of_what_init_says_is_broken_within_a_word(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes, file
    said = cli("init", typed=f"alpha-1={PAYEE}\n\n\n\nauto\n\n\nn\n", width=80)
    assert said.code == Exit.DONE
    # A path stays whole; questions follow each other on a line where nobody types.
    prose = [line for line in said.err.splitlines() if "]:" not in line and not line.startswith("Hermes: ")]
    assert [line for line in prose if len(line) > 80] == []


def test_an_empty_answer_to_the_cap_of_a_day_is_no_limit_and_the_file_says_so(
    cli: Cli, hermes: Path, file: Path
) -> None:
    del hermes
    assert cli("init", typed=f"alpha-1={PAYEE}\n\n\n\nauto\n\n\nn\n").code == Exit.DONE
    assert load(config_path=file, env={}, flags={}).refunds.max_per_day == ()
    (line,) = [one for one in file.read_text(encoding="utf-8").splitlines() if "max_per_day" in one]
    assert "no limit" in line


def test_a_hermes_config_that_is_not_there_is_told_before_answers_are_missed(cli: Cli, file: Path) -> None:
    said = cli("--hermes-config", "/no/such.toml", "init")
    assert said.code == Exit.USAGE
    assert "/no/such.toml" in said.err
    assert "three things" not in said.err
    assert not file.exists()


def test_whoever_takes_no_money_is_asked_what_it_costs(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    said = cli("init", typed="\nn\n")
    assert said.code == Exit.DONE
    assert "2. What does" not in said.err
    assert load(config_path=file, env={}, flags={}).chains == {}


def test_a_question_left_with_the_end_of_input_writes_half_a_config(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    assert cli("init", typed=f"alpha-1={PAYEE}\n\n").code == Exit.INTERRUPTED
    assert not file.exists()


def test_keys_that_hermes_cannot_be_given_are_said_to_be_made(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    said = cli("init", typed="\ny\n")
    assert "Make key 'relayclear' for alpha-1, beta-1 now?" in said.err
    assert "not made: alpha-1's clearing key: hermes can't be started" in said.text
    assert "keys mnemonic" in said.text
    document = cli("init", "--yes", "--make-keys", "--force", "--json").document
    assert [(row["chain"], row["address"]) for row in document["keys"]] == [("alpha-1", None), ("beta-1", None)]
    words = [file.parent / "clearing-keys" / f"{chain}-1-relayclear.txt" for chain in ("alpha", "beta")]
    assert [row["words_file"] for row in document["keys"]] == [str(path) for path in words]
    assert words[0].read_text(encoding="ascii").strip() not in json.dumps(document)
    assert load(config_path=file, env={}, flags={}).chains["alpha-1"].clearing_key == "relayclear"


def test_a_dry_run_makes_keys(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    said = cli("init", "--dry-run", "--make-keys")
    assert 'clearing_key = "relayclear"' in said.text
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--payee alpha-1 --yes", "has no CHAIN="),
        (f"--payee alpha-1={PAYEE} --yes", "nobody said its service-fee"),
        (f"--payee alpha-1={PAYEE} --payee alpha-1={PAYEE} --yes", "names alpha-1 twice"),
        (f"--payee alpha-1={PAYEE} --sell-nothing --yes", "don't go together"),
        ("--yes --refunds sometimes", "neither approve nor auto"),
        ("--yes --refund-max-each 5", "is not a coin"),
        (
            f"--payee alpha-1={PAYEE} --service-fee alpha-1=1stak --per-packet-fee alpha-1=1stak --yes",
            "did you mean stake",
        ),
    ],
)
def test_a_wrong_flag_writes_a_config(cli: Cli, hermes: Path, file: Path, argv: str, said: str) -> None:
    del hermes
    answer = cli("init", *argv.split())
    assert answer.code == Exit.USAGE
    assert said in answer.err
    assert not file.exists()


def test_no_hermes_config_anywhere_is_told_with_the_flag(cli: Cli, file: Path) -> None:
    said = cli("init", "--yes")
    assert said.code == Exit.USAGE
    assert "init --hermes-config" in said.err
    assert not file.exists()


def test_a_node_that_hangs_keeps_init_from_its_end(cli: Cli, hermes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        # The kernel takes the connection; nobody ever reads from it.
        text = hermes.read_text(encoding="utf-8").replace("127.0.0.1:1", f"127.0.0.1:{deaf.getsockname()[1]}")
        hermes.write_text(text, encoding="utf-8")
        monkeypatch.setattr(command, "DOCTOR_SECONDS", 0.2)
        said = cli("init", "--yes")
    assert said.code == Exit.DONE
    assert "! no whole answer within 0 s: the nodes were left out of this" in said.lines
    assert "there is no program 'hermes'" in said.text
    # What is fine isn't listed here, and counted all the same.
    assert not any(line.startswith("✓") for line in said.lines)
    assert re.search(r"^[1-9]\d* fine, ", said.text, re.MULTILINE)
