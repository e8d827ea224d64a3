"""Accounts from key files, and no secrets."""

from __future__ import annotations

import gc
import shlex
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import RefusedError
from relayclear.hermes.config import HermesChain, load
from relayclear.hermes.keys import _only_account, add_key_command, key_file, key_names, key_store_visible, read_address
from tests.hermes.standin import CONFIGS, config
from tests.hermes.standin import key_file as write_key

CONFIG = Path("/etc/hermes/config.toml")


@pytest.fixture
def chain(tmp_path: Path) -> HermesChain:
    return config(tmp_path).chain("ibc-0")


def refusal(chain: HermesChain, name: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_address(chain, name, config=CONFIG)
    return caught.value


def test_the_address_of_a_key_is_read_from_its_file(chain: HermesChain) -> None:
    assert read_address(chain, "relayer", config=CONFIG) == "cosmos1zero"


def test_a_key_that_is_not_there_is_refused_by_name_with_the_command_that_adds_it(chain: HermesChain) -> None:
    error = refusal(chain, "cleaning")
    assert error.message.startswith("key 'cleaning' is unknown on ibc-0: no file ")
    assert error.message.endswith("/keys/ibc-0/keyring-test/cleaning.json (there: clearing, relayer)")
    assert error.hint == (
        "hermes --config /etc/hermes/config.toml keys add --chain ibc-0 --key-name cleaning"
        " --mnemonic-file MNEMONIC_FILE"
    )


def test_a_chain_without_any_key_lists_none(chain: HermesChain, tmp_path: Path) -> None:
    empty = replace(chain, key_store_folder=tmp_path / "nowhere")
    assert key_names(empty) == ()
    assert not key_store_visible(empty)
    assert "(there" not in refusal(empty, "relayer").message


def test_a_key_folder_behind_a_wall_counts_as_not_visible(chain: HermesChain) -> None:
    too_long = replace(chain, id="x" * 300)
    assert not key_store_visible(too_long)
    assert key_names(too_long) == ()


def test_key_names_come_from_file_names_alone(chain: HermesChain) -> None:
    (chain.key_store_folder / "ibc-0" / "keyring-test" / "notes.txt").write_text("no key")
    assert key_names(chain) == ("clearing", "relayer")
    assert key_store_visible(chain)


def test_a_dot_in_a_key_name_is_cut_as_hermes_cuts_it(chain: HermesChain) -> None:
    assert key_file(chain, "relay.er").name == "relay.json"
    assert key_file(chain, ".hidden").name == ".hidden.json"
    assert key_file(chain, "a.b.c").name == "a.b.json"


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc/passwd", "a/b", "a\0b"])
def test_a_key_name_that_leads_out_of_the_folder_is_refused(chain: HermesChain, name: str) -> None:
    assert "can't be the name of a key" in refusal(chain, name).message


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'"cosmos1zero"', b'{"account":7}', b'{"address":"cosmos1zero"}', b"\xff\xfe", b"[" * 100_000],
)
def test_a_damaged_key_file_is_refused_by_name(chain: HermesChain, content: bytes) -> None:
    key_file(chain, "relayer").write_bytes(content)
    assert "names no account" in refusal(chain, "relayer").message


def test_a_key_file_that_cannot_be_opened_is_refused_by_name(chain: HermesChain) -> None:
    path = key_file(chain, "relayer")
    path.unlink()
    path.mkdir()
    assert refusal(chain, "relayer").message.startswith("key 'relayer' on ibc-0 can't be read")


def test_a_key_imported_under_another_prefix_is_refused(chain: HermesChain) -> None:
    error = refusal(replace(chain, account_prefix="osmo"), "relayer")
    assert "its account is cosmos1zero, but account_prefix is 'osmo' now" in error.message
    assert (error.hint or "").endswith("--overwrite")


def test_no_secret_survives_a_damaged_key_file(chain: HermesChain) -> None:
    path = key_file(chain, "relayer")
    path.write_text(path.read_text() + "garbage")
    error = refusal(chain, "relayer")
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    gc.collect()
    held = [text for text in gc.get_objects() if isinstance(text, Exception) and "5e5e5e" in repr(vars(text))]
    assert "5e5e5e" not in shown
    assert error.__context__ is None
    assert held == []


def test_everything_but_the_account_is_dropped_while_a_key_file_is_parsed() -> None:
    assert _only_account([("private_key", "5e5e"), ("account", "cosmos1zero")]) == {"account": "cosmos1zero"}


def test_an_ethermint_chain_gets_its_derivation_path() -> None:
    chain = load(CONFIGS / "v1_13.toml").chain("injective-1")
    command = add_key_command(chain, "clearing")
    start = "hermes keys add --chain injective-1 --key-name clearing --mnemonic-file MNEMONIC_FILE --hd-path "
    assert command.startswith(start)
    assert shlex.split(command)[-1] == "m/44'/60'/0'/0/0"


def test_the_command_for_a_hermes_in_a_container_goes_into_the_container(chain: HermesChain) -> None:
    command = add_key_command(chain, "my key", command=("docker", "exec", "-i", "hermes", "hermes"))
    assert command.startswith("docker exec -i hermes hermes keys add --chain ibc-0 --key-name 'my key' ")


def test_the_file_of_another_chain_is_not_taken(chain: HermesChain, tmp_path: Path) -> None:
    write_key(tmp_path / "keys", "ibc-1", "only-there", "cosmos1other")
    assert "unknown on ibc-0" in refusal(chain, "only-there").message
