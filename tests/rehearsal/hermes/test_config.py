"""The config: what the real program refuses is refused, with its reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from relayclear.rehearsal.hermes.config import Config, InvalidConfigError, load, read
from relayclear.rehearsal.hermes.tables import ConfigError
from relayclear.rehearsal.spec import KeyKind
from tests.rehearsal.hermes.playing import Playground

MODE: dict[str, Any] = {
    "clients": {"enabled": True, "refresh": True},
    "connections": {"enabled": False},
    "channels": {"enabled": False},
    "packets": {"enabled": True},
}


def changed(ground: Playground, **fields: Any) -> dict[str, Any]:
    tables = copy.deepcopy(ground.tables)
    tables["chains"][0] |= fields
    return tables


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"foo": 3}, "unknown field `foo`, expected one of `id`, `rpc_addr`"),
        ({"max_msg_num": 300}, "invalid value: integer `300`, expected a usize less than or equal to 100"),
        ({"gas_multiplier": 0.2}, "expected a floating-point value less than 1"),
        ({"memo_prefix": "x" * 60}, "invalid length 60, expected a string length of at most 50"),
        ({"rpc_addr": "127.0.0.1:26657"}, "relative URL without a base"),
        ({"max_gas": "many"}, 'invalid type: string "many", expected u64'),
        ({"max_gas": -1}, "invalid value: integer `-1`, expected u64"),
        ({"type": "Foo"}, "unknown chain type: Foo"),
        ({"rpc_timeout": "soon"}, "expected a duration"),
        ({"packet_filter": {"list": []}}, "missing field `policy`"),
        ({"address_type": {"derivation": "other"}}, "unknown variant `other`"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(ground: Playground, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match="parse error: ") as said:
        read(changed(ground, **fields))
    assert reason in str(said.value)


def test_a_missing_field_is_named(ground: Playground) -> None:
    del ground.tables["chains"][0]["key_name"]
    with pytest.raises(ConfigError, match="missing field `key_name`"):
        read(ground.tables)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"gas_adjustment": 0.1}, "deprecated setting `gas_adjustment = 0.1` for the chain 'alpha-1'"),
        ({"id": "beta-1"}, "config file has duplicate entry for the chain 'beta-1'"),
        ({"trust_threshold": "1/4"}, "trust threshold cannot be < 1/3"),
        ({"trust_threshold": {"numerator": "1", "denominator": "1"}}, "trust threshold cannot be >= 1"),
    ],
)
def test_what_can_be_read_and_makes_no_sense_is_told_apart(
    ground: Playground, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidConfigError) as said:
        read(changed(ground, **fields))
    assert reason in str(said.value)


def test_clients_that_do_nothing_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match="either `refresh` or `misbehaviour`"):
        read({"mode": {**MODE, "clients": {"enabled": True}}})


def test_a_mode_needs_all_its_tables_and_no_others() -> None:
    for broken in ({"packets": {"enabled": True}}, {**MODE, "other": {}}):
        with pytest.raises(ConfigError):
            read({"mode": broken})
    with pytest.raises(ConfigError, match="integer `-1`"):
        read({"mode": {**MODE, "packets": {"enabled": True, "clear_interval": -1}}})


@pytest.mark.parametrize(
    ("size", "most"), [("32KiB", 32768), ("4KB", 4000), ("100", 100), (7, 7), ("1 MiB", 1048576), ("2K", 2000)]
)
def test_sizes_are_byte_units(size: Any, most: int) -> None:
    packets = {"enabled": True, "ics20_max_memo_size": {"enabled": True, "size": size}}
    assert read({"mode": {**MODE, "packets": packets}}).max_memo == most


def test_a_size_that_is_none_is_refused_and_a_check_can_be_off() -> None:
    packets: dict[str, Any] = {"enabled": True, "ics20_max_memo_size": {"enabled": False, "size": "4KiB"}}
    assert read({"mode": {**MODE, "packets": packets}}).max_memo is None
    packets["ics20_max_memo_size"]["size"] = "4Zonk"
    with pytest.raises(ConfigError, match="The character 'Z' is incorrect"):
        read({"mode": {**MODE, "packets": packets}})


def test_memos_carry_the_version_unless_they_are_overwritten(ground: Playground) -> None:
    def memo(**fields: str) -> str:
        return read(changed(ground, **fields)).chains[0].memo

    assert memo() == "hermes 1.10.5 (https://hermes.informal.systems)"
    assert memo(memo_prefix="ops") == "ops | hermes 1.10.5 (https://hermes.informal.systems)"
    assert memo(memo_prefix="ops", memo_overwrite="mine") == "mine"


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("500ms", 0.5), ("14days", 14 * 86400), ("1h 30m", 5400), ("2mins", 120)]
)
def test_durations_are_humans(ground: Playground, text: str, seconds: float) -> None:
    assert read(changed(ground, rpc_timeout=text)).chains[0].rpc_timeout == pytest.approx(seconds)


def test_only_one_name_of_key_type_makes_an_ethereum_key(ground: Playground) -> None:
    for name, kind in ((".v1.ethsecp256k1.PubKey", KeyKind.ETH_SECP256K1), (".v1.Other", KeyKind.SECP256K1)):
        address_type = {"derivation": "ethermint", "proto_type": {"pk_type": f"/x{name}"}}
        assert read(changed(ground, address_type=address_type)).chains[0].key_kind is kind


def test_filters_match_with_stars(ground: Playground) -> None:
    lists = {"policy": "allow", "list": [["transfer", "channel-1*"], ["ica*", "*"]]}
    allowed = read(changed(ground, packet_filter=lists)).chains[0].packet_filter
    assert allowed.allows("transfer", "channel-12")
    assert allowed.allows("icahost", "channel-0")
    assert not allowed.allows("transfer", "channel-2")


def test_an_empty_file_is_a_config_of_nothing() -> None:
    assert read({}) == Config()


def test_garbage_and_missing_files_are_told_apart(ground: Playground) -> None:
    with pytest.raises(ConfigError, match="config error: path error"):
        load(ground.folder / "none.toml")
    (ground.folder / "bad.toml").write_text("[[chains\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="parse error: "):
        load(ground.folder / "bad.toml")
