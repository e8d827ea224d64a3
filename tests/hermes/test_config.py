"""Hermes configs of three generations, as operators write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from relayclear.errors import UsageError
from relayclear.hermes.config import (
    AddressType,
    DynamicGasPrice,
    GasPrice,
    UnsupportedChain,
    load,
)
from relayclear.hermes.rules import PacketFilter
from relayclear.ibc.packet import SequenceRanges
from tests.hermes.standin import CONFIGS

OLD, LEAST, FULL = (CONFIGS / f"{name}.toml" for name in ("v1_7", "v1_10", "v1_13"))


def test_a_config_of_1_7_is_read() -> None:
    config = load(OLD)
    chain = config.chain("ibc-0")
    assert (chain.websocket_url, chain.event_mode) == ("ws://127.0.0.1:27030/websocket", "push")
    assert chain.trusting_period == timedelta(days=14)
    assert chain.gas_price == GasPrice(Decimal("0.025"), "stake")
    assert (chain.max_gas, chain.default_gas, chain.max_msg_num) == (400_000, 100_000, 30)
    assert (config.clear_interval, config.clear_on_start, config.packets_enabled) == (200, False, True)
    assert (config.rest.enabled, config.rest.host, config.rest.port) == (True, "0.0.0.0", 3000)  # noqa: S104 - the example's
    assert config.chain("ibc-1").gas_price.price == 1


def test_addresses_of_scheme_tcp_are_http_as_hermes_takes_them() -> None:
    chain = load(OLD).chain("ibc-0")
    assert (chain.rpc_addr, chain.grpc_addr) == ("http://127.0.0.1:27030", "http://127.0.0.1:27032")


def test_what_a_short_config_leaves_out_has_hermes_defaults() -> None:
    config = load(LEAST)
    chain = config.chain("osmosis-1")
    assert (chain.max_gas, chain.default_gas, chain.gas_multiplier) == (400_000, None, Decimal("1.1"))
    assert chain.key_store_folder == Path.home() / ".hermes" / "keys"
    assert (chain.max_block_time, chain.clock_drift) == (timedelta(seconds=30), timedelta(seconds=5))
    assert (chain.address_type, chain.packet_filter) == (AddressType(), PacketFilter())
    assert (chain.clear_interval, chain.trusting_period, chain.fee_granter) == (None, None, None)
    assert (chain.memo_prefix, chain.memo_overwrite) == ("", None)
    assert (config.packets_enabled, config.clear_on_start, config.clear_interval, config.clear_limit) == (
        *(True, True),
        *(100, 50),
    )
    assert (config.max_memo, config.max_receiver) == (32768, 2048)
    assert (config.rest.enabled, config.telemetry.enabled, config.telemetry.port) == (False, False, 3001)


def test_a_websocket_address_is_made_from_the_rpc_address_when_hermes_pulls() -> None:
    config = load(LEAST)
    assert config.chain("osmosis-1").websocket_url == "wss://rpc.example.org:443/websocket"
    assert config.chain("cosmoshub-4").event_mode == "pull"


def test_a_config_of_1_13_with_everything_set_is_read() -> None:
    config = load(FULL)
    chain = config.chain("injective-1")
    assert chain.address_type == AddressType("ethermint", "/injective.crypto.v1beta1.ethsecp256k1.PubKey")
    assert chain.dynamic_gas_price == DynamicGasPrice(enabled=True, multiplier=Decimal("1.5"), max=Decimal("5e8"))
    assert (chain.key_name, chain.key_store_folder) == ("relay.er", Path("/srv/hermes/keys"))
    assert (chain.fee_granter, chain.memo_prefix, chain.memo_overwrite) == ("inj1granter", "relayed by us", "ours")
    assert (chain.clear_interval, chain.max_block_time) == (50, timedelta(seconds=90))
    assert (config.clear_interval, config.clear_limit) == (0, 20)
    assert (config.max_memo, config.max_receiver) == (4000, None)
    assert [one.id for one in config.chains] == ["injective-1", "osmosis-1"]


def test_chains_that_we_cannot_read_are_named_and_skipped() -> None:
    assert load(FULL).unsupported == (
        UnsupportedChain("namada.5f5de2dd1b88cba30586420", "Namada"),
        UnsupportedChain("penumbra-1", "Penumbra"),
    )


def test_exclusions_are_numbers_and_ranges_and_the_rest_is_dropped_as_hermes_does() -> None:
    rules = load(FULL).rules("injective-1")
    assert rules.excluded == {"channel-3": SequenceRanges([(1, 1), (5, 7), (9, 9)])}
    assert (rules.max_memo, rules.max_receiver) == (4000, None)
    assert load(LEAST).rules("osmosis-1").excluded == {"channel-0": SequenceRanges([(7, 7), (10, 12)])}
    assert load(LEAST).rules("cosmoshub-4").excluded == {}


@pytest.mark.parametrize(
    ("config", "chain", "port", "channel", "allowed"),
    [
        (OLD, "ibc-0", "transfer", "channel-0", True),
        (OLD, "ibc-0", "transfer", "channel-01", False),
        (OLD, "ibc-0", "icahost", "channel-9", True),
        (OLD, "ibc-0", "xica", "channel-9", False),
        (OLD, "ibc-1", "anything", "channel-1", True),
        (FULL, "injective-1", "transfer", "channel-8", False),
        (FULL, "injective-1", "transfer", "channel-80", False),
        (FULL, "injective-1", "transfer", "channel-9", True),
        (FULL, "injective-1", "wasm.inj1abc", "channel-9", False),
        (FULL, "injective-1", "wasmXinj1abc", "channel-9", True),
    ],
)
def test_a_star_is_the_only_wildcard_of_the_packet_filter(
    config: Path, chain: str, port: str, channel: str, *, allowed: bool
) -> None:
    assert load(config).chain(chain).packet_filter.allows(port, channel) is allowed


def test_a_price_is_kept_exactly_as_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(LEAST.read_text().replace("price = 0.0025", "price = 0.00250000000000000000000001"))
    assert str(load(path).chain("osmosis-1").gas_price.price) == "0.00250000000000000000000001"


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("14days", 1_209_600), ("1h 30m", 5400), ("500ms", 0.5), ("1M", 2_630_016)]
)
def test_durations_are_spelled_as_humantime_spells_them(tmp_path: Path, text: str, seconds: float) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FULL.read_text().replace('"14days"', f'"{text}"'))
    assert load(path).chain("injective-1").trusting_period == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [('"32KiB"', 32768), ('"32 kib"', 32768), ('"1.5 KB"', 1500), ("2048", 2048), ('"2048"', 2048), ('"1M"', 10**6)],
)
def test_sizes_are_spelled_as_byte_unit_spells_them(tmp_path: Path, text: str, size: int) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FULL.read_text().replace('"4 KB"', text))
    assert load(path).max_memo == size


def test_a_relative_key_folder_is_taken_from_where_hermes_would_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FULL.read_text().replace('"/srv/hermes/keys"', '"keys"'))
    monkeypatch.chdir(tmp_path)
    assert load(path).chain("injective-1").key_store_folder == tmp_path / "keys"


def test_credentials_in_addresses_stay_out_of_what_is_printed() -> None:
    shown = repr(load(FULL))
    assert "hunter2" not in shown
    assert "sesame" not in shown
    assert "penumbraspendkey" not in shown
    assert "hunter2" in load(FULL).chain("injective-1").rpc_addr


def test_an_unknown_chain_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        load(LEAST).chain("osmosis-2")
    assert caught.value.message.endswith("; did you mean osmosis-1?")
    with pytest.raises(UsageError, match="no chain 'zzz'"):
        load(LEAST).rules("zzz")
