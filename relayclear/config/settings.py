"""Every key there is: its name, kind, default and meaning.  The one source for all of it.

Reading, defaults, the nearest name for a typo, `config show` and `config.example.toml` follow from
these classes.  A class is a table of the file, its docstring's first line the table's comment, a
field one key.  Defaults are written as the file writes them.
"""
# ruff: noqa: RUF009 - `_key` and its like wrap dataclasses.field and give immutable values

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from relayclear.config import kinds
from relayclear.config.finding import DATABASE
from relayclear.config.kinds import Endpoint, Kind
from relayclear.config.places import Places
from relayclear.ibc.coin import Coin

T = TypeVar("T")


QUOTES: Final = "quotes.jsonl"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its kind, its default as TOML has it (None: it must be given), and its meaning."""

    kind: Kind[Any]
    default: Any
    doc: str
    example: Any


class Shape(StrEnum):
    """How a table stands in the file."""

    ONE = "[name]"
    ONE_OR_MANY = "[name] or [[name]]"
    LIST = "[[name]]"
    BY_NAME = "[name.anything]"


@dataclass(frozen=True, slots=True)
class Table:
    """A table or several of one class; `example` names one where the file chooses the names."""

    of: type
    shape: Shape
    example: str


def _key(kind: Kind[T], default: Any, doc: str) -> T:
    value: T = field(default=kind.read(default), metadata={"key": Key(kind, default, doc, default)})
    return value


def _required(kind: Kind[T], example: Any, doc: str) -> T:
    value: T = field(metadata={"key": Key(kind, None, doc, example)})
    return value


def _one(of: type[T]) -> T:
    value: T = field(default_factory=of, metadata={"table": Table(of, Shape.ONE, "")})
    return value


def _named(of: type[T], example: str) -> Mapping[str, T]:
    value: Mapping[str, T] = field(default_factory=dict, metadata={"table": Table(of, Shape.BY_NAME, example)})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class HermesSettings:
    """A Hermes of yours; write [[hermes]] for each when there are several."""

    config: Path = _key(kinds.PATH, "~/.hermes/config.toml", "the config of the Hermes that runs")
    command: tuple[str, ...] = _key(
        kinds.COMMAND, ["hermes"], 'elsewhere: ["docker", "exec", "-i", "hermes", "hermes"]'
    )
    work_dir: Path | None = _key(kinds.OPTIONAL_PATH, "", "a folder both sides see, when Hermes runs elsewhere")
    time_limit: int = _key(kinds.PERIOD, "5m", "one run of Hermes is ended after this")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSettings:
    """How packets are looked for."""

    interval: int = _key(kinds.PERIOD, "60s", "watch and --watch look this often")
    stuck_after: int = _key(kinds.DURATION, "5m", "a packet older than this counts as stuck")
    rpc_budget: int = _key(kinds.whole(1), 20, "requests a second per endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSettings:
    """What clearing costs in one denom, in base units; one [[…prices]] per denom."""

    denom: str = _required(kinds.NAME, "uosmo", "the denom that is paid in")
    service_fee: int = _key(kinds.AMOUNT, 1000000, "once per clearing token")
    per_packet_fee: int = _key(kinds.AMOUNT, 100000, "for each packet")
    refund_fee: int = _key(kinds.AMOUNT, 5000, "kept from a refund that the payer caused")
    dust: int = _key(kinds.AMOUNT, 10000, "less than this is not refunded on its own")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """What relayclear knows of a chain beyond Hermes' config; the name is the chain id."""

    rpc: tuple[Endpoint, ...] = _key(
        kinds.ENDPOINTS, [], 'tried after Hermes\' own; { url = "…", trusted = true } for your own node'
    )
    clearing_key: str = _key(kinds.TEXT, "", "a Hermes key that no daemon uses")
    payee: str = _key(kinds.TEXT, "", "where payments arrive; empty: this chain sells nothing")
    fee_granter: str = _key(kinds.TEXT, "", "pays the fee of refunds in the payee's place, by a grant on the chain")
    prices: tuple[PriceSettings, ...] = field(
        default=(), metadata={"table": Table(PriceSettings, Shape.LIST, "prices")}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DenomSettings:
    """How a denom is shown, where its chain doesn't say; the name is the base denom."""

    symbol: str = _required(kinds.TEXT, "OSMO", "the word that wallets show")
    decimals: int = _required(kinds.whole(0, 36), 6, "1 OSMO = 10^decimals uosmo")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """What gas of another denom costs; the name is CHAIN/DENOM: 1 of it = num / den `of`."""

    num: int = _required(kinds.whole(1), 3, "numerator")
    den: int = _required(kinds.whole(1), 2, "denominator")
    of: str = _required(kinds.NAME, "uatom", "the denom that is paid in")


@dataclass(frozen=True, slots=True, kw_only=True)
class SellSettings:
    """Selling clearings."""

    token_ttl: int = _key(kinds.PERIOD, 3600, "how long a quote can be paid")
    late_grace: int = _key(kinds.DURATION, 86400, "a payment this late still counts, if the packets are still stuck")
    operation_deadline: int = _key(
        kinds.DURATION, 7200, "of the paying chain's time; then what is not cleared goes back"
    )
    unknown_max: int = _key(kinds.DURATION, 86400, "an outcome unknown for longer waits for your approval")
    gas_margin: Decimal = _key(kinds.RATIO, Decimal("1.5"), "gas is quoted this many times what it is expected to be")
    gas_per_message: int = _key(kinds.whole(1), 250000, "until there is a median of our own relays")
    gas_guard: Decimal = _key(kinds.RATIO, 3, "a clear this many times dearer than usual is not sent")
    max_open_per_wallet: int = _key(kinds.whole(1), 20, "open quotes")
    max_per_hour: int = _key(kinds.whole(1), 200, "quotes")
    waiver_budget: tuple[Coin, ...] = _key(kinds.COINS, [], "what may be cleared for nothing in 24 hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSettings:
    """Giving back what was not earned."""

    mode: str = _key(kinds.one_of("approve", "auto"), "approve", 'or "auto", within the caps')
    max_each: tuple[Coin, ...] = _key(kinds.COINS, [], 'coins, like ["5000000uosmo"]; a denom without one waits')
    max_per_day: tuple[Coin, ...] = _key(kinds.COINS, [], "coins in 24 hours; a denom without one: no limit")
    max_per_payer: tuple[Coin, ...] = _key(kinds.COINS, [], "coins to one address in 24 hours; without one: no limit")
    gas_reserve: tuple[Coin, ...] = _key(kinds.COINS, [], "coins that stay in the wallet")
    exchanges: tuple[str, ...] = _key(kinds.TEXTS, [], "accounts of many people's coins: back by a claim alone")
    refund_check_interval: int = _key(kinds.PERIOD, 300, "how often watch sends what is due")
    timeout_blocks: int = _key(kinds.whole(5), 100, "a refund's transaction lands in so many blocks, or is signed anew")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Who you are to those who pay."""

    name: str = _key(kinds.TEXT, "", "shown on quotes")
    url: str = _key(kinds.URL, "", "where payers can check addresses and keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayerSettings:
    """Relayers that count as us."""

    ours: tuple[str, ...] = _key(kinds.TEXTS, [], "further addresses, besides the keys in Hermes' configs")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysSettings:
    """Signing keys of quotes and of refunds."""

    dir: Path | None = _key(kinds.OPTIONAL_PATH, "", "mode 0700, files 0600; default: in the platform's config folder")
    passphrase_file: Path | None = _key(
        kinds.OPTIONAL_PATH, "", "opens the wallet file; else a systemd credential, or you are asked"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The database."""

    url: Path | None = _key(kinds.DATABASE, "", "default: a file in the platform's data folder")
    slow_query_ms: int = _key(kinds.whole(1), 100, "slower queries are logged")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """The daemon."""

    workers: int = _key(kinds.whole(1, 64), 4, "operations at a time")
    listen: str = _key(kinds.LISTEN, "", '"127.0.0.1:9464" for health and metrics')
    token_file: Path | None = _key(
        kinds.OPTIONAL_PATH, "", "mode 0600; who asks then needs its token, and may be elsewhere"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Calling a person."""

    webhook: str = _key(kinds.URL, "", "alerts are posted there as JSON, signed")
    webhook_secret_file: Path | None = _key(
        kinds.OPTIONAL_PATH, "", "mode 0600, what they are signed with; else a systemd credential"
    )
    command: tuple[str, ...] = _key(kinds.TEXTS, [], "a program that gets them as JSON on its standard input")
    time_limit: int = _key(kinds.PERIOD, "10s", "one call is given up after this, and made again")
    least: str = _key(kinds.one_of("high", "normal", "low"), "normal", "what is less urgent raises none")


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """The screen."""

    theme: str = _key(kinds.one_of("dark", "light", "terminal"), "dark", "terminal: its own 16 colours")
    words: str = _key(kinds.one_of("field", "plain"), "field", 'or "plain", with a line of explanation; F2 switches')
    keys: tuple[str, ...] = _key(kinds.TEXTS, [], 'other keys, like ["clear=K", "quote="]; an empty one is no key')


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, and the origin of each: ``flag``, ``env NAME``, ``file PATH``, ``default``.

    `origins` is keyed by the key's full path, `hermes.config` or `chains.osmosis-1.rpc`; paths are
    absolute, times whole seconds.  `file` is the config file that was read, None without one.  `ask`
    puts a question to whoever sits at the terminal and gives the answer unseen, None where nobody does.
    """

    hermes: tuple[HermesSettings, ...] = field(
        default=(HermesSettings(),), metadata={"table": Table(HermesSettings, Shape.ONE_OR_MANY, "")}
    )
    scan: ScanSettings = _one(ScanSettings)
    chains: Mapping[str, ChainSettings] = _named(ChainSettings, "osmosis-1")
    denoms: Mapping[str, DenomSettings] = _named(DenomSettings, "uosmo")
    rates: Mapping[str, RateSettings] = _named(RateSettings, "beta-1/ubeta")
    sell: SellSettings = _one(SellSettings)
    refunds: RefundSettings = _one(RefundSettings)
    operator: OperatorSettings = _one(OperatorSettings)
    relayers: RelayerSettings = _one(RelayerSettings)
    keys: KeysSettings = _one(KeysSettings)
    store: StoreSettings = _one(StoreSettings)
    watch: WatchSettings = _one(WatchSettings)
    alerts: AlertSettings = _one(AlertSettings)
    dashboard: DashboardSettings = _one(DashboardSettings)
    origins: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    places: Places = field(default_factory=Places.of_user)
    ask: Callable[[str], str] | None = field(default=None, repr=False, compare=False)

    def chain(self, chain_id: str) -> ChainSettings:
        """The settings of a chain; one that the file doesn't name has the defaults."""
        return self.chains.get(chain_id, ChainSettings())

    @property
    def database(self) -> Path:
        """The database file."""
        return self.store.url or self.places.data / DATABASE

    @property
    def quotes_file(self) -> Path:
        """Every signed quote, beside the database: whoever saves one finds the other."""
        return self.database.with_name(QUOTES)

    @property
    def keys_dir(self) -> Path:
        """The folder of signing keys."""
        return self.keys.dir or self.places.config / "keys"

    @property
    def lock_dir(self) -> Path:
        """The folder of the locks per (chain, key), the same for every process of the user."""
        return self.places.state / "locks"


def keys_of(table: type) -> dict[str, Key]:
    """The keys of a table's class, in the order of the file."""
    return {item.name: item.metadata["key"] for item in _fields(table) if "key" in item.metadata}


def tables_of(table: type) -> dict[str, Table]:
    """The tables within a table's class, in the order of the file."""
    return {item.name: item.metadata["table"] for item in _fields(table) if "table" in item.metadata}


def is_required(table: type, name: str) -> bool:
    """Whether the key has no default."""
    return any(item.name == name and item.default is MISSING for item in _fields(table))


def _fields(table: type) -> tuple[Field[Any], ...]:
    return fields(table)
