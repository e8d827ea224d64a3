"""Every way in which a Hermes config can be wrong, and what we say to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.errors import ConfigError
from relayclear.hermes.config import load
from tests.hermes.standin import CONFIGS

GOOD = (CONFIGS / "v1_10.toml").read_text()
FULL = (CONFIGS / "v1_13.toml").read_text()
REQUIRED = "id rpc_addr grpc_addr event_source account_prefix key_name store_prefix gas_price".split()  # noqa: SIM905


def refusal(tmp_path: Path, content: str | bytes) -> ConfigError:
    path = tmp_path / "config.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.hint
    return caught.value


def test_a_missing_config_names_the_flag_that_finds_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no Hermes config at .*nowhere") as caught:
        load(tmp_path / "nowhere.toml")
    assert "--hermes-config" in (caught.value.hint or "")


def test_a_folder_in_place_of_a_config_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path)


def test_a_config_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    assert "not UTF-8 (line 2)" in refusal(tmp_path, "# eins\n# für\n".encode("latin-1")).message


def test_invalid_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    assert "line 3" in refusal(tmp_path, "[global]\nlog_level = 'info'\nx = [1,,2]\n").message


def test_toml_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    assert "not valid TOML" in refusal(tmp_path, "x = " + "[" * 100_000).message


def test_an_unknown_chain_type_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, FULL.replace('type = "CosmosSdk"', 'type = "Solana"', 1))
    assert "chain 'injective-1'" in error.message
    assert "Solana" in error.message


def test_a_chain_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "'osmosis-1' stands twice" in refusal(tmp_path, GOOD + GOOD).message


def test_a_skipped_chain_that_stands_twice_is_refused_too(tmp_path: Path) -> None:
    error = refusal(tmp_path, FULL.replace('"penumbra-1"', '"namada.5f5de2dd1b88cba30586420"'))
    assert "stands twice" in error.message


@pytest.mark.parametrize("field", REQUIRED)
def test_a_field_that_hermes_needs_is_missed_by_name_and_chain(tmp_path: Path, field: str) -> None:
    lines = [line for line in GOOD.partition("[[chains]]")[2].splitlines() if not line.startswith(f"{field} ")]
    error = refusal(tmp_path, "[[chains]]\n" + "\n".join(lines))
    assert f"has no {field}" in error.message
    assert ("chain 1 of" if field == "id" else "chain 'osmosis-1'") in error.message


@pytest.mark.parametrize("field", ["price", "denom"])
def test_a_gas_price_needs_both_parts(tmp_path: Path, field: str) -> None:
    error = refusal(tmp_path, GOOD.replace(f" {field} =", " other =", 1))
    assert f"gas_price of chain 'osmosis-1' has no {field}" in error.message


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("key_name = 'relayer'", "key_name = 7", "key_name of chain 'osmosis-1' must be a text"),
        ("price = 0.0025", "price = '0.0025'", "price of gas_price of chain 'osmosis-1' must be a number"),
        ("price = 0.0025", "price = true", "must be a number"),
        ("price = 0.0025", "price = nan", "must be a number"),
        ("price = 0.0025", "price = -1.0", "must be a number"),
        ("price = 0.0025", "price = inf", "must be a number"),
        (
            "event_source = { mode = 'pull' }",
            "event_source = 'pull'",
            "event_source of chain 'osmosis-1' must be a table",
        ),
        ("mode = 'pull'", "mode = 'wait'", "must be push or pull"),
        ("mode = 'pull'", "mode = 'push'", "has no url"),
        ("'https://rpc.example.org:443'", "'rpc.example.org:443'", "rpc_addr of chain 'osmosis-1' must be an address"),
        ("'https://rpc.example.org:443'", "'https://'", "must be an address"),
        ("'https://rpc.example.org:443'", "'https://a:99999'", "must be an address"),
        ("'https://rpc.example.org:443'", "'https://[::1'", "must be an address"),
        ("'https://rpc.example.org:443'", "'ws://a'", "must be an address"),
        (
            "store_prefix = 'ibc'",
            "store_prefix = 'ibc'\nmax_gas = -1",
            "max_gas of chain 'osmosis-1' must be a whole number",
        ),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\nmax_gas = 1.5", "must be a whole number"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\nmax_gas = true", "must be a whole number"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\ntrusting_period = '14 moons'", "must be a duration"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\ntrusting_period = '14'", "must be a duration"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\ntrusting_period = '-14s'", "must be a duration"),
        (
            "store_prefix = 'ibc'",
            "store_prefix = 'ibc'\ntrusting_period = '99999999999y'",
            "must be a shorter duration",
        ),
        (
            "channel-0 = [7, '10-12']",
            "channel-0 = '7'",
            "channel-0 of excluded_sequences of chain 'osmosis-1' must be a list",
        ),
        ("channel-0 = [7, '10-12']", "channel-0 = ['10..12']", "must be a list of sequences"),
        ("channel-0 = [7, '10-12']", "channel-0 = ['-5']", "must be a list of sequences"),
        ("enabled = true, multiplier = 1.1", "enabled = 'yes', multiplier = 1.1", "must be true or false"),
        ("enabled = true, multiplier = 1.1, max", "enabled = true, max", "has no multiplier"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_place(tmp_path: Path, good: str, bad: str, complaint: str) -> None:
    assert good in GOOD
    assert complaint in refusal(tmp_path, GOOD.replace(good, bad, 1)).message


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('policy = "deny"', 'policy = "some"', "policy of packet_filter of chain 'injective-1' must be allow, deny"),
        ('policy = "deny"', "", "has no policy"),
        ('["wasm.*", "*"]', '["wasm.*"]', "must be a list of ['port', 'channel'] pairs"),
        ('["wasm.*", "*"]', "[1, 2]", "must be a list of ['port', 'channel'] pairs"),
        ('derivation = "ethermint"', 'derivation = "solana"', "must be cosmos or ethermint"),
        ('size = "4 KB"', 'size = "four"', "size of ics20_max_memo_size"),
        ('enabled = true, size = "4 KB"', 'size = "4 KB"', "has no enabled"),
        ("[mode.packets]\nenabled = true", "[mode.packets]", "packets of mode of"),
        ("[mode.packets]", "[mode.other]", "has no packets"),
        ('host = "127.0.0.1"\nport = 3000', "port = 3000", "rest of"),
        ("port = 3000", "", "has no port"),
    ],
)
def test_the_less_common_tables_are_checked_as_well(tmp_path: Path, good: str, bad: str, complaint: str) -> None:
    assert good in FULL
    assert complaint in refusal(tmp_path, FULL.replace(good, bad, 1)).message


@pytest.mark.parametrize("content", ["chains = 7", "chains = ['a']", "chains = { id = 'a' }"])
def test_chains_that_are_no_tables_are_refused(tmp_path: Path, content: str) -> None:
    assert "chains of" in refusal(tmp_path, content).message


def test_a_wrong_address_is_not_repeated_because_it_may_hold_a_password(tmp_path: Path) -> None:
    error = refusal(tmp_path, FULL.replace("https://user:hunter2@rpc", "ftp://user:hunter2@rpc"))
    assert "hunter2" not in error.message + (error.hint or "")
