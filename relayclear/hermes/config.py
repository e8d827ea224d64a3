"""Reads the operator's Hermes config, versions 1.7 to 1.13, and keeps whatever else stands in it.

Field names and defaults are Hermes' own (its `crates/relayer/src/config.rs` and
`chain/cosmos/config.rs`).  Values of URLs may hold credentials: they are left out of every
`repr`, and `text.redact_url` makes them fit to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from relayclear.errors import ConfigError, UsageError
from relayclear.hermes.rules import PacketFilter, read_excluded, read_filter
from relayclear.hermes.tables import Table, read_toml
from relayclear.ibc.names import names_chain
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.text import clean, url_secrets

COSMOS = "CosmosSdk"
UNSUPPORTED = ("Namada", "Penumbra")
DEFAULT_MAX_GAS = 400_000


@dataclass(frozen=True, slots=True)
class GasPrice:
    """What one unit of gas costs, exactly as written in the config."""

    price: Decimal
    denom: str


@dataclass(frozen=True, slots=True)
class DynamicGasPrice:
    """Whether Hermes asks the chain for its price; `max` is the most it then pays for a unit of gas."""

    enabled: bool = False
    multiplier: Decimal = Decimal("1.1")
    max: Decimal = Decimal("0.6")


@dataclass(frozen=True, slots=True)
class AddressType:
    """How addresses come from keys: ``cosmos``, or ``ethermint`` with a `pk_type`."""

    derivation: str = "cosmos"
    pk_type: str | None = None


@dataclass(frozen=True, slots=True)
class HermesChain:
    """One chain that Hermes relays.

    `key_store_folder` is absolute.  `clear_interval` (blocks) is None where the global one holds.
    `excluded_sequences` is keyed by the channel id on this chain.  `default_gas` None means `max_gas`.
    """

    id: str
    rpc_addr: str = field(repr=False)
    grpc_addr: str = field(repr=False)
    event_mode: str
    websocket_url: str = field(repr=False)
    account_prefix: str
    key_name: str
    key_store_folder: Path
    store_prefix: str
    gas_price: GasPrice
    max_gas: int
    default_gas: int | None
    gas_multiplier: Decimal
    max_msg_num: int
    fee_granter: str | None
    address_type: AddressType
    memo_prefix: str
    memo_overwrite: str | None
    excluded_sequences: Mapping[str, SequenceRanges]
    packet_filter: PacketFilter
    clear_interval: int | None
    dynamic_gas_price: DynamicGasPrice
    trusting_period: timedelta | None
    max_block_time: timedelta
    clock_drift: timedelta


def worst_price(chain: HermesChain) -> Decimal:
    """The most that Hermes pays for a unit of gas, static or dynamic, as the config writes it."""
    dynamic = chain.dynamic_gas_price
    return max(chain.gas_price.price, dynamic.max) if dynamic.enabled else chain.gas_price.price


@dataclass(frozen=True, slots=True)
class UnsupportedChain:
    """A chain in the config that relayclear can't read, named and skipped."""

    id: str
    type: str


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where the daemon's REST or telemetry server listens, if it does."""

    enabled: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class HermesConfig:
    """A whole config file.  `tables` is the parsed file itself, for writing derived configs.

    `max_memo` and `max_receiver` are in bytes, None where the check is off.
    """

    path: Path
    chains: tuple[HermesChain, ...]
    unsupported: tuple[UnsupportedChain, ...]
    packets_enabled: bool
    clear_on_start: bool
    tx_confirmation: bool
    clear_interval: int
    clear_limit: int
    max_memo: int | None
    max_receiver: int | None
    rest: ServiceAddress
    telemetry: ServiceAddress
    tables: Mapping[str, Any] = field(repr=False)

    def chain(self, chain_id: str) -> HermesChain:
        """The chain of that id.  Raises UsageError with the nearest id."""
        for chain in self.chains:
            if chain.id == chain_id:
                return chain
        meant = did_you_mean(chain_id, [chain.id for chain in self.chains])
        raise UsageError(f"no chain {chain_id!r} in {self.path}{meant}", hint="relayclear chains")

    def rules(self, chain_id: str) -> RelayRules:
        """What Hermes won't relay from a chain.  Raises UsageError for an unknown one."""
        return RelayRules(self.chain(chain_id).excluded_sequences, self.max_memo, self.max_receiver)


def load(path: Path) -> HermesConfig:
    """Read one config file.  Raises ConfigError: missing, unreadable, not TOML, or not what Hermes would take.

    Keys that are unknown here are kept, so that a newer Hermes gets its own file back in a derived config.
    """
    tables = read_toml(path)
    top = Table(tables, str(path), path)
    chains, unsupported = _chains(top)
    mode = top.table_or_none("mode")
    # Without [mode] Hermes relays packets; with it, `packets.enabled` must be said.
    packets = mode.table("packets") if mode else Table({"enabled": True}, "mode.packets", path)
    # 0 is no absence: it turns periodic clearing off, and a clear limit of 0 clears nothing.
    interval, limit = packets.integer_or_none("clear_interval"), packets.integer_or_none("clear_limit")
    return HermesConfig(
        path=path,
        chains=chains,
        unsupported=unsupported,
        packets_enabled=packets.flag("enabled"),
        clear_on_start=packets.flag("clear_on_start", default=True),
        tx_confirmation=packets.flag("tx_confirmation", default=False),
        clear_interval=100 if interval is None else interval,
        clear_limit=50 if limit is None else limit,
        max_memo=_size_limit(packets, "ics20_max_memo_size", 32 * 1024),
        max_receiver=_size_limit(packets, "ics20_max_receiver_size", 2 * 1024),
        rest=_service(top, "rest", 3000),
        telemetry=_service(top, "telemetry", 3001),
        tables=tables,
    )


def _chains(top: Table) -> tuple[tuple[HermesChain, ...], tuple[UnsupportedChain, ...]]:
    chains: list[HermesChain] = []
    unsupported: list[UnsupportedChain] = []
    for number, values in enumerate(top.tables("chains"), start=1):
        chain_id = Table(values, f"chain {number} of {top.path}", top.path).text("id")
        if not names_chain(chain_id):
            # It would stand in Hermes' argument list, and between slashes wherever packets are named.
            hint = f"correct the id in {top.path}"
            raise ConfigError(f"{clean(chain_id, 60)!r} in {top.path} can't be the id of a chain", hint=hint)
        if chain_id in {*(chain.id for chain in chains), *(chain.id for chain in unsupported)}:
            hint = f"keep one [[chains]] of that id in {top.path}"
            raise ConfigError(f"chain {chain_id!r} stands twice in {top.path}", hint=hint)
        table = Table(values, f"chain {chain_id!r}", top.path)
        kind = table.text_or_none("type") or COSMOS
        if kind in UNSUPPORTED:
            unsupported.append(UnsupportedChain(chain_id, kind))
        elif kind == COSMOS:
            chains.append(_chain(table, chain_id))
        else:
            raise table.wrong(key="type", wanted=f"{COSMOS}, {' or '.join(UNSUPPORTED)}, not {kind!r}")
    return tuple(chains), tuple(unsupported)


def _chain(table: Table, chain_id: str) -> HermesChain:
    rpc = table.url("rpc_addr", ("http", "https"))
    mode, websocket = _event_source(table.table("event_source"), rpc)
    price = table.table("gas_price")
    max_gas, messages = table.integer_or_none("max_gas"), table.integer_or_none("max_msg_num")
    return HermesChain(
        id=chain_id,
        rpc_addr=rpc,
        grpc_addr=table.url("grpc_addr", ("http", "https")),
        event_mode=mode,
        websocket_url=websocket,
        account_prefix=table.text("account_prefix"),
        key_name=table.text("key_name"),
        key_store_folder=_key_store_folder(table),
        store_prefix=table.text("store_prefix"),
        gas_price=GasPrice(price.number("price"), price.text("denom")),
        max_gas=DEFAULT_MAX_GAS if max_gas is None else max_gas,
        default_gas=table.integer_or_none("default_gas"),
        gas_multiplier=table.number("gas_multiplier", Decimal("1.1")),
        max_msg_num=30 if messages is None else messages,
        fee_granter=table.text_or_none("fee_granter") or None,
        address_type=_address_type(table),
        memo_prefix=table.text_or_none("memo_prefix") or "",
        memo_overwrite=table.text_or_none("memo_overwrite"),
        excluded_sequences=read_excluded(table),
        packet_filter=read_filter(table),
        clear_interval=table.integer_or_none("clear_interval"),
        dynamic_gas_price=_dynamic_gas_price(table),
        trusting_period=table.duration("trusting_period"),
        max_block_time=table.duration("max_block_time") or timedelta(seconds=30),
        clock_drift=table.duration("clock_drift") or timedelta(seconds=5),
    )


def _event_source(source: Table, rpc: str) -> tuple[str, str]:
    mode = source.text("mode")
    if mode == "push":
        return mode, source.url("url", ("ws", "wss"))
    if mode in {"pull", "poll"}:
        return "pull", "ws" + rpc.removeprefix("http").rstrip("/") + "/websocket"
    raise source.wrong(key="mode", wanted="push or pull")


def _key_store_folder(table: Table) -> Path:
    folder = table.text_or_none("key_store_folder")
    # Hermes expands neither ~ nor $HOME, and takes a relative folder from where it is started.
    return Path.home() / ".hermes" / "keys" if folder is None else Path(folder).absolute()


def _address_type(table: Table) -> AddressType:
    kind = table.table_or_none("address_type")
    if kind is None:
        return AddressType()
    derivation = kind.text("derivation")
    if derivation == "cosmos":
        return AddressType()
    if derivation == "ethermint":
        return AddressType(derivation, kind.table("proto_type").text("pk_type"))
    raise kind.wrong(key="derivation", wanted="cosmos or ethermint")


def _dynamic_gas_price(table: Table) -> DynamicGasPrice:
    dynamic = table.table_or_none("dynamic_gas_price")
    if dynamic is None:
        return DynamicGasPrice()
    return DynamicGasPrice(dynamic.flag("enabled"), dynamic.number("multiplier"), dynamic.number("max"))


def _size_limit(packets: Table, key: str, default: int) -> int | None:
    limit = packets.table_or_none(key)
    if limit is None:
        return default
    # Read even where the check is off, because Hermes does, and refuses a bad one.
    size = limit.size("size")
    return size if limit.flag("enabled") else None


def _service(top: Table, key: str, port: int) -> ServiceAddress:
    table = top.table_or_none(key)
    if table is None:
        return ServiceAddress(enabled=False, host="127.0.0.1", port=port)
    return ServiceAddress(table.flag("enabled"), table.text("host"), table.integer("port"))


def secrets(tables: Mapping[str, Any]) -> set[str]:
    """Everything in a config's addresses that nobody may see, piece by piece."""
    found: set[str] = set()
    for value in tables.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                found |= secrets(one)
            elif isinstance(one, str) and "://" in one:
                found |= url_secrets(one)
    return found
