"""The config file: what the stand-in uses of it, refused where the real one refuses it (`rly/config.rs`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from relayclear.rehearsal.hermes.output import LEVELS
from relayclear.rehearsal.hermes.sequences import Range, excluded_ranges
from relayclear.rehearsal.hermes.tables import ConfigError, Table
from relayclear.rehearsal.spec import KeyKind

VERSION = "1.10.5"
_CHAIN_FIELDS = (
    "id rpc_addr grpc_addr event_source rpc_timeout trusted_node account_prefix key_name key_store_type "
    "key_store_folder store_prefix default_gas max_gas genesis_restart gas_adjustment gas_multiplier fee_granter "
    "max_msg_num max_tx_size max_grpc_decoding_size query_packets_chunk_size clock_drift max_block_time "
    "trusting_period client_refresh_rate ccv_consumer_chain memo_prefix memo_overwrite sequential_batch_tx "
    "proof_specs trust_threshold gas_price packet_filter dynamic_gas_price address_type extension_options "
    "compat_mode clear_interval excluded_sequences allow_ccq"
)
_PACKET_FIELDS = (
    "enabled clear_interval clear_on_start tx_confirmation auto_register_counterparty_payee ics20_max_memo_size "
    "ics20_max_receiver_size clear_limit"
)
_MAX_MESSAGES, _MAX_TX_SIZE, _MAX_MEMO = 100, 8 * 1024 * 1024, 50
_COSMOS_KEY = "/cosmos.crypto.secp256k1.PubKey"


class InvalidConfigError(Exception):
    """A config that can be read and makes no sense; Hermes stops before its first log line."""


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """Which channels the daemon relays; commands ignore it."""

    policy: str = "allowall"
    patterns: tuple[tuple[str, str], ...] = ()

    def allows(self, port: str, channel: str) -> bool:
        """Whether the channel of that name on this chain is relayed."""
        hit = any(_matches(one, port) and _matches(other, channel) for one, other in self.patterns)
        return {"allow": hit, "deny": not hit}.get(self.policy, True)


@dataclass(frozen=True, slots=True)
class GasTerms:
    """What a transaction may cost: `price` a unit of gas in `denom`."""

    price: float
    denom: str
    most: int
    default: int
    multiplier: float
    granter: str = ""
    dynamic: bool = False
    dynamic_most: float = 0.0


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """One chain of the file.  Durations in seconds; `memo` is what transactions carry."""

    id: str
    rpc_addr: str
    grpc_addr: str
    account_prefix: str
    key_name: str
    key_folder: Path
    key_kind: KeyKind
    public_key_type: str
    gas: GasTerms
    memo: str
    max_messages: int
    max_tx_size: int
    rpc_timeout: float
    poll_interval: float
    chunk_size: int
    clear_interval: int | None
    packet_filter: PacketFilter
    excluded: Mapping[str, tuple[Range, ...]]

    @property
    def revision(self) -> int:
        """The number after the last dash of the id, 0 without one."""
        tail = self.id.rpartition("-")[2]
        return int(tail) if "-" in self.id and tail.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Config:
    """A whole file.  Sizes in bytes, None where the check is off."""

    chains: tuple[ChainConfig, ...] = ()
    level: str = "info"
    packets: bool = True
    clear_interval: int = 100
    clear_on_start: bool = True
    clear_limit: int = 50
    max_memo: int | None = 32768
    max_receiver: int | None = 2048

    def chain(self, name: str) -> ChainConfig | None:
        """The chain of that id."""
        return next((chain for chain in self.chains if chain.id == name), None)


def load(path: Path) -> Config:
    """Read a file.  Raises ConfigError, InvalidConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as missing:
        raise ConfigError(f"config error: path error: {path}") from missing
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as garbage:
        raise ConfigError(f"parse error: {garbage}") from garbage
    return read(values)


def read(values: Mapping[str, Any]) -> Config:
    """A config out of a parsed file.  Raises ConfigError, InvalidConfigError."""
    top = Table(values, "", ("global", "mode", "rest", "telemetry", "chains", "tracing_server"))
    rows = values.get("chains", [])
    chains = tuple(_chain(row) for row in rows)
    shared = top.table_or_none("global", ("log_level",))
    level = shared.text("log_level", "info") if shared else "info"
    if level not in LEVELS:
        expected = ", ".join(f"`{one}`" for one in LEVELS)
        raise top.wrong(f"unknown variant `{level}`, expected one of {expected}")
    packets = _packets(top)
    _distinct(chains)
    if packets is None:
        return Config(chains, level)
    return Config(
        chains,
        level,
        packets.flag("enabled"),
        packets.whole("clear_interval", 100),
        packets.flag("clear_on_start", True),
        packets.whole("clear_limit", 50),
        _limit(packets, "ics20_max_memo_size", 32768),
        _limit(packets, "ics20_max_receiver_size", 2048),
    )


def _packets(top: Table) -> Table | None:
    mode = top.table_or_none("mode", ("clients", "connections", "channels", "packets"))
    if mode is None:
        return None
    clients = mode.table("clients", ("enabled", "refresh", "misbehaviour"))
    for key in ("connections", "channels"):
        mode.table(key, ("enabled",)).flag("enabled")
    if clients.flag("enabled") and not clients.flag("refresh", False) and not clients.flag("misbehaviour", False):
        why = "either `refresh` or `misbehaviour` must be set to true if `clients.enabled` is set to true"
        raise InvalidConfigError(f"config file specifies invalid mode config, caused by: {why}")
    return mode.table("packets", _PACKET_FIELDS.split())


def _limit(packets: Table, key: str, default: int) -> int | None:
    table = packets.table_or_none(key, ("enabled", "size"))
    if table is None:
        return default
    size = table.size("size", default)
    return size if table.flag("enabled") else None


def _distinct(chains: tuple[ChainConfig, ...]) -> None:
    names = [chain.id for chain in chains]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidConfigError(f"config file has duplicate entry for the chain '{name}'")


def _chain(row: Mapping[str, Any]) -> ChainConfig:
    values = {key: value for key, value in row.items() if key != "type"}
    if row.get("type", "CosmosSdk") != "CosmosSdk":
        raise ConfigError(f"parse error: unknown chain type: {row['type']} for key `chains`")
    table = Table(values, "chains", _CHAIN_FIELDS.split(), "invalid CosmosSdk config: ")
    table.text("store_prefix")
    kind, public_key_type = _address_type(table)
    _check_threshold(table)
    return ChainConfig(
        id=table.text("id"),
        rpc_addr=_address(table),
        grpc_addr=table.text("grpc_addr"),
        account_prefix=table.text("account_prefix"),
        key_name=table.text("key_name"),
        key_folder=_key_folder(table),
        key_kind=kind,
        public_key_type=public_key_type,
        gas=_gas(table),
        memo=_memo(table),
        max_messages=_bounded(table, "max_msg_num", 30, _MAX_MESSAGES),
        max_tx_size=_bounded(table, "max_tx_size", 180_000, _MAX_TX_SIZE),
        rpc_timeout=table.seconds("rpc_timeout", 10.0),
        poll_interval=table.table("event_source").seconds("interval", 0.5),
        chunk_size=table.whole("query_packets_chunk_size", 50),
        clear_interval=table.whole_or_none("clear_interval"),
        packet_filter=_filter(table),
        excluded=_excluded(table),
    )


def _check_threshold(table: Table) -> None:
    given = table.values.get("trust_threshold", "2/3")
    parts = given.split("/") if isinstance(given, str) else [given["numerator"], given["denominator"]]
    part, whole = (int(one) for one in parts)
    if 3 * part < whole or part >= whole:
        why = "trust threshold cannot be < 1/3" if 3 * part < whole else "trust threshold cannot be >= 1"
        where = f"an invalid `trust_threshold` ({part}/{whole}) for the chain '{table.text('id')}'"
        raise InvalidConfigError(f"invalid cosmos config: config file specifies {where}, caused by: {why}")


def _address(table: Table) -> str:
    address = table.text("rpc_addr")
    if urlsplit(address).scheme not in ("http", "https"):
        raise table.wrong("parse error\n\nCaused by:\n    relative URL without a base")
    return address


def _key_folder(table: Table) -> Path:
    folder = table.text_or_none("key_store_folder")
    return Path.home() / ".hermes" / "keys" if folder is None else Path(folder)


def _gas(table: Table) -> GasTerms:
    if "gas_adjustment" in table.values:
        old = table.number("gas_adjustment")
        kept = f"config file specifies deprecated setting `gas_adjustment = {old}` for the chain '{table.text('id')}'"
        same = f"to get the same behavior, use `gas_multiplier = {1 + old}"
        raise InvalidConfigError(f"invalid cosmos config: {kept}; {same}")
    price = table.table("gas_price", ("price", "denom"))
    multiplier = table.number("gas_multiplier", 1.1)
    if multiplier < 1:
        # The real words say the contrary of what is meant.
        bad = f"invalid value: floating point `{multiplier}`, expected a floating-point value less than 1"
        raise table.wrong(bad)
    most = table.whole("max_gas", 400_000)
    dynamic = table.table_or_none("dynamic_gas_price", ("enabled", "multiplier", "max"))
    return GasTerms(
        price.number("price"),
        price.text("denom"),
        most,
        table.whole("default_gas", most),
        multiplier,
        table.text("fee_granter", ""),
        dynamic is not None and dynamic.flag("enabled"),
        dynamic.number("max") if dynamic is not None else 0.0,
    )


def _memo(table: Table) -> str:
    for key in ("memo_prefix", "memo_overwrite"):
        size = len(table.text(key, "").encode())
        if size > _MAX_MEMO:
            raise table.wrong(f"invalid length {size}, expected a string length of at most {_MAX_MEMO}")
    suffix = f"hermes {VERSION} (https://hermes.informal.systems)"
    prefix = table.text("memo_prefix", "")
    return table.text("memo_overwrite", f"{prefix} | {suffix}" if prefix else suffix)


def _bounded(table: Table, key: str, default: int, most: int) -> int:
    found = table.whole(key, default)
    if found > most:
        raise table.wrong(f"invalid value: integer `{found}`, expected a usize less than or equal to {most}")
    return found


def _address_type(table: Table) -> tuple[KeyKind, str]:
    kind = table.table_or_none("address_type")
    if kind is None or kind.text("derivation") == "cosmos":
        return KeyKind.SECP256K1, _COSMOS_KEY
    if kind.text("derivation") != "ethermint":
        raise table.wrong(f"unknown variant `{kind.text('derivation')}`, expected `cosmos` or `ethermint`")
    named = kind.table("proto_type").text("pk_type")
    # Another name makes Hermes derive as Cosmos does, without a word.
    ethereum = named.endswith(".ethsecp256k1.PubKey")
    return (KeyKind.ETH_SECP256K1 if ethereum else KeyKind.SECP256K1), named


def _filter(table: Table) -> PacketFilter:
    found = table.table_or_none("packet_filter", ("policy", "list", "min_fees"))
    if found is None:
        return PacketFilter()
    pairs = tuple((str(port).strip(), str(channel).strip()) for port, channel in found.values.get("list", []))
    return PacketFilter(found.text("policy"), pairs)


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name) is not None


def _excluded(table: Table) -> dict[str, tuple[Range, ...]]:
    found = table.table_or_none("excluded_sequences")
    return {channel: excluded_ranges(items) for channel, items in found.values.items()} if found else {}
