"""What doctor is told, and what it answers: plain values, so that any face can show them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from relayclear.clearing.health import Facts
from relayclear.errors import ConfigError, RelayclearError, UnreachableError
from relayclear.ibc.packet import ChannelEnd, RelayPath
from relayclear.ports import Chain, Clock, Relayer


class Severity(StrEnum):
    """How much a finding matters: `fail` must be mended, `warn` should be."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Cause(StrEnum):
    """Whose trouble it is, for the exit code: of the config, of reaching something, or of the thing itself."""

    CONFIG = "config"
    UNREACHABLE = "unreachable"
    STATE = "state"


def cause_of(error: RelayclearError) -> Cause:
    """The cause that an error stands for."""
    if isinstance(error, ConfigError):
        return Cause.CONFIG
    return Cause.UNREACHABLE if isinstance(error, UnreachableError) else Cause.STATE


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.  `next` is the command or step that mends it, one a line; None where nothing is to do."""

    check: str
    chain: str | None
    severity: Severity
    finding: str
    why: str
    next: str | None = None
    cause: Cause = Cause.STATE


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file or folder: its permission bits (None: can't be told), whether it holds secrets, what its readers get."""

    path: str
    mode: int | None
    holds_secrets: bool = False
    why: str = "an address in it holds a password or key of your node"
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What a daemon does by itself with packets sent from a chain: from which channels, and how often it clears.

    `allows` takes port and channel.  `clear_interval` is in blocks, 0 for never.
    """

    allows: Callable[[str, str], bool]
    clear_interval: int


@dataclass(frozen=True, slots=True)
class HermesFacts:
    """One configured Hermes: its config, how it is called, its chains, those it has that we can't read.

    `unsupported` maps chain id to chain type.  `clear_interval` is in blocks, 0 for never.  `habits` are by chain.
    """

    config: str
    command: tuple[str, ...]
    chains: tuple[str, ...]
    unsupported: Mapping[str, str]
    packets_enabled: bool
    clear_on_start: bool
    clear_interval: int
    tx_confirmation: bool = False
    habits: Mapping[str, Habits] = field(default_factory=dict)

    def allows(self, end: ChannelEnd) -> bool:
        """Whether the daemon relays packets sent from this end."""
        return end.chain not in self.habits or self.habits[end.chain].allows(end.port, end.channel)

    def run(self, *words: str) -> str:
        """A command line of this Hermes, ready to paste."""
        return shlex.join([*self.command, "--config", self.config, *words])


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """How a person is called: a webhook's address as it may be shown, a command's words; empty for none.

    `is_open`: what goes to the webhook can be read on its way.  `unsigned` is why nothing can be signed.  `program`
    is the file that the command starts, None where there is none that can be.
    """

    webhook: str = ""
    is_open: bool = False
    unsigned: RelayclearError | None = None
    command: tuple[str, ...] = ()
    program: str | None = None


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """What sends refunds on a chain: the address of the wallet's key, empty for none, or what keeps the file shut.

    `witnessed`: a second endpoint, or a trusted one, can be asked.  `uncapped` are denoms that are
    sold in and have no cap, where refunds go by themselves.
    """

    key: str = ""
    trouble: str = ""
    witnessed: bool = False
    uncapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the configs say of a chain; empty texts where they say nothing.

    `rpc` are addresses without credentials.  `add_key` is the ``hermes keys add`` for the clearing
    key, or for `SUGGESTED_KEY` where none is named.  `binary` is the chain's own program.  `refunds`
    is None where nothing is known of giving back.
    """

    chain: str
    prefix: str
    rpc: tuple[str, ...]
    add_key: str
    clearing_key: str = ""
    payee: str = ""
    binary: str = "CHAIN_BINARY"
    refunds: RefundFacts | None = None


@dataclass(frozen=True, slots=True)
class DoctorInput:
    """Everything that the configs say, and the limits.

    `config` is relayclear's own config file, None without one; `problems` what is wrong in any
    config.  `private` are files and folders beside the configs that nobody else should look into.
    `paths` is None where the channels could not be read.  An account should hold the gas
    for `relays` transactions at their dearest; a client should live for another `client_margin`.
    """

    config: str | None
    files: tuple[FileFacts, ...]
    problems: tuple[RelayclearError, ...]
    instances: tuple[HermesFacts, ...]
    chains: tuple[ChainFacts, ...]
    paths: tuple[RelayPath, ...] | None
    private: tuple[FileFacts, ...] = ()
    alerts: AlertFacts = AlertFacts()
    relays: int = 50
    database: str = ""
    words: tuple[str, ...] = ()
    client_margin: timedelta = timedelta(days=3)
    clock_margin: timedelta = timedelta(seconds=10)
    block_margin: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ConfiguredNode:
    """One endpoint by itself: `address` without credentials, `hermes` the config whose Hermes uses it, if one does."""

    address: str
    hermes: str | None
    chain: Chain


@dataclass(frozen=True, slots=True)
class Unread:
    """Blocks of a payee's chain that no node serves, and why."""

    chain: str
    first: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """What is kept: the file with its size and version, what is wrong in it (None: not looked through), free bytes.

    `facts` is what health is judged by; `gaps` stop the reading of payments.  `quote_key` is the id of
    the key that signs quotes, None where there is none yet; `keys_trouble` what keeps it from being read.
    """

    database: str
    size: int
    version: int
    problems: tuple[str, ...] | None
    free: int | None
    facts: Facts
    gaps: tuple[Unread, ...] = ()
    quote_key: int | None = None
    keys_trouble: str = ""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """An installed unit beside what this command uses.

    `program` is what it starts, `there` whether that is a file, `ours` this program, None where that
    can't be told.  `config` and `database` are what the unit names, empty where it names none.
    `missing` are the files of credentials that aren't there.
    """

    path: str
    program: str
    there: bool
    ours: str | None
    config: str
    database: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doctor:
    """The facts and the ports of one examination.

    `relayers` by the config path of their Hermes; `nodes` are every endpoint of a chain on its own.
    `memory` is None where no database could be opened, `unit` where none is installed.
    """

    facts: DoctorInput
    chains: Mapping[str, Chain]
    relayers: Mapping[str, Relayer]
    clock: Clock
    offline: bool = False
    nodes: Mapping[str, Sequence[ConfiguredNode]] = field(default_factory=dict)
    memory: MemoryFacts | None = None
    unit: UnitFacts | None = None

    def relayers_of(self, chain: str) -> list[Relayer]:
        """The relayers that know a chain, in the order of the config."""
        known = [instance.config for instance in self.facts.instances if chain in instance.chains]
        return [self.relayers[config] for config in known if config in self.relayers]

    def instance_of(self, chain: str) -> HermesFacts:
        """The first Hermes that knows a chain."""
        return next(instance for instance in self.facts.instances if chain in instance.chains)

    @property
    def sells(self) -> bool:
        """Whether any chain takes payments: then every account must be separate."""
        return any(chain.payee for chain in self.facts.chains)
