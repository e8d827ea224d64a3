"""What a first config needs to be told, what follows from the answers, and a first look at the network.

The answers become the tables of the file; a wrong one is refused before anything is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relayclear.errors import NodeError, RelayclearError, UsageError
from relayclear.ibc.address import read_address, same_account
from relayclear.ibc.coin import Coin
from relayclear.ibc.nearest import did_you_mean, nearest
from relayclear.usecases.desk import Desk
from relayclear.usecases.topology import load_network, remembered_network

_SLIP = 0.75
LOOK_SECONDS = 15.0
"""How long nodes are waited for: whoever starts must get on without them."""


@dataclass(frozen=True, slots=True)
class KnownChain:
    """What Hermes' configs say of a chain.

    `daemon` is the account that `hermes start` signs with, None where its key can't be read.
    `keys` are the names of Hermes' keys that lie there.  `add_key` is the command that makes the clearing key.
    """

    chain: str
    prefix: str
    gas_denom: str
    daemon_key: str
    daemon: str | None
    keys: tuple[str, ...]
    add_key: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the nodes told in time: the channels by chain, as ``channel-0 → beta-1``, and why others are not known."""

    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A clearing key on a chain: its account, and the file of its words; or why there is none."""

    chain: str
    address: str | None
    words: str | None
    error: str = ""


@dataclass(slots=True)
class Answers:
    """Where money goes, what it costs, what happens with refunds; None where nobody has said.

    `payees` by chain, empty for a relayer that sells nothing; both fees by chain; `mode` is ``approve``
    or ``auto``, the caps are coins.  `clearing_key` names a key of Hermes, the same on every chain;
    `make_keys`: it is made where it is missing.
    """

    payees: dict[str, str] | None = None
    service_fees: dict[str, Coin] = field(default_factory=dict)
    packet_fees: dict[str, Coin] = field(default_factory=dict)
    mode: str | None = None
    max_each: tuple[Coin, ...] = ()
    max_per_day: tuple[Coin, ...] = ()
    clearing_key: str = ""
    make_keys: bool = False


async def denoms_held(desk: Desk, accounts: Mapping[str, str], seconds: float = LOOK_SECONDS) -> dict[str, set[str]]:
    """The denoms that an account of each chain holds, as far as nodes tell in time: what may be paid in there."""

    async def held(chain: str, address: str) -> set[str]:
        """Nothing where nobody can say."""
        try:
            return {*(await asyncio.wait_for(desk.chain(chain).balances(address), seconds)).by_denom}
        except (TimeoutError, RelayclearError):
            return set()

    found = await asyncio.gather(*(held(chain, address) for chain, address in accounts.items()))
    return dict(zip(accounts, found, strict=True))


def check_denom(denoms: Collection[str], chain: str, coin: Coin, flag: str) -> None:
    """Raises UsageError for a denom that is a slip of one known there: what is like none of them may be a new one."""
    near = [] if coin.denom in denoms else nearest(coin.denom, denoms, 1, cutoff=_SLIP)
    if near:
        raise UsageError(
            f"{coin.denom[:60]!r} is not known on {chain}; did you mean {near[0]}?",
            hint=f"{flag} {chain}={coin.amount}{near[0]}",
        )


async def look_around(desk: Desk, seconds: float = LOOK_SECONDS) -> Outlook:
    """Read the channels of every chain, and go on with those that were read when the time is over."""
    try:
        network = await asyncio.wait_for(load_network(desk), seconds)
    except TimeoutError:
        network = remembered_network(desk)
        late = NodeError(f"no answer within {seconds:.0f} s")
        network.failures.update({chain: late for chain in desk.chains if chain not in network.chains})
    channels: dict[str, list[str]] = {}
    for path in sorted(network.paths, key=lambda path: path.source):
        channels.setdefault(path.source.chain, []).append(f"{path.source.channel} → {path.destination.chain}")
    return Outlook(
        {chain: tuple(channels.get(chain, ())) for chain in network.chains if chain not in network.failures},
        {chain: error.message for chain, error in network.failures.items()},
    )


def chosen(
    answers: Answers,
    hermes: Sequence[Mapping[str, Any]],
    known: Mapping[str, KnownChain],
    denoms: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """The tables of the file; `denoms` are those known on each chain.

    Raises UsageError for an answer that can't be, naming the flag.
    """
    payees = answers.payees or {}
    for chain, address in payees.items():
        check_payee(known, chain, address)
    named = {*payees, *(known if answers.clearing_key else ())}
    _check_fees(answers, payees)
    for chain in payees:
        check_denom(denoms.get(chain, ()), chain, answers.service_fees[chain], "--service-fee")
    tables: dict[str, Any] = {"hermes": list(hermes)}
    tables["chains"] = {chain: _chain(answers, chain, payees.get(chain)) for chain in sorted(named)}
    tables["refunds"] = _refunds(answers, payees)
    return {name: table for name, table in tables.items() if table}


def check_payee(known: Mapping[str, KnownChain], chain: str, address: str) -> None:
    """Raises UsageError for a chain that Hermes doesn't relay, or an account where payments can't arrive."""
    check_chain(known, chain, "--payee")
    ours, read = known[chain], read_address(address)
    if read is None and address.lower().startswith(f"{ours.prefix}1"):
        raise UsageError(
            f"{address[:90]!r} begins as addresses of {chain} do, and its checksum doesn't hold: a character is"
            " mistyped or missing",
            hint="copy it again",
        )
    if read is None or read.prefix != ours.prefix:
        raise UsageError(
            f"{address[:90]!r} is no address of {chain}, whose addresses begin with {ours.prefix}1",
            hint=f"--payee {chain}={ours.prefix}1…",
        )
    if ours.daemon is not None and same_account(ours.daemon, address):
        raise UsageError(
            f"{address} is the account that hermes start signs with on {chain}: gas would eat what payers are owed",
            hint=f"--payee {chain}=… with an account that nothing else uses",
        )


def check_chain(known: Mapping[str, KnownChain], chain: str, flag: str) -> None:
    """Raises UsageError for a chain that no Hermes config has."""
    if chain not in known:
        message = f"{chain[:64]!r} is no chain of the Hermes config{did_you_mean(chain, known)}"
        raise UsageError(message, hint=f"{flag} CHAIN=… with one of: {', '.join(known)}")


def _check_fees(answers: Answers, payees: Mapping[str, str]) -> None:
    """Both fees for each chain that sells, in one denom, and for no other."""
    given = {"--service-fee": answers.service_fees, "--per-packet-fee": answers.packet_fees}
    for flag, fees in given.items():
        for chain in payees:
            if chain not in fees:
                raise UsageError(f"{chain} takes payments, and nobody said its {flag[2:]}", hint=f"{flag} {chain}=COIN")
        for chain in fees:
            if chain not in payees:
                raise UsageError(f"{flag} names {chain[:64]!r}, which has no payee", hint=f"--payee {chain[:64]}=…")
    for chain in payees:
        service, packet = answers.service_fees[chain], answers.packet_fees[chain]
        if service.denom != packet.denom:
            raise UsageError(
                f"the fees of {chain} are in two denoms, {service.denom} and {packet.denom}",
                hint=f"--per-packet-fee {chain}={packet.amount}{service.denom}",
            )


def _chain(answers: Answers, chain: str, payee: str | None) -> dict[str, Any]:
    key = {"clearing_key": answers.clearing_key} if answers.clearing_key else {}
    if payee is None:
        return key
    service, packet = answers.service_fees[chain], answers.packet_fees[chain]
    price = {"denom": service.denom, "service_fee": service.amount, "per_packet_fee": packet.amount}
    return {**key, "payee": payee, "prices": [price]}


def _refunds(answers: Answers, payees: Mapping[str, str]) -> dict[str, Any]:
    """What the file says of giving back; nothing where nothing differs from the defaults."""
    mode = answers.mode or "approve"
    sold_in = {answers.service_fees[chain].denom for chain in payees}
    for flag, caps in (("--refund-max-each", answers.max_each), ("--refund-max-per-day", answers.max_per_day)):
        if mode != "auto" and caps:
            raise UsageError(f"{flag} caps what goes by itself, and nothing does", hint="--refunds auto")
    uncapped = sorted(sold_in - {coin.denom for coin in answers.max_each})
    if mode == "auto" and uncapped:
        raise UsageError(
            f"refunds in {uncapped[0]} would go by themselves, and nothing says up to how much each",
            hint=f"--refund-max-each 5000000{uncapped[0]}",
        )
    if mode == "approve":
        return {}
    table: dict[str, Any] = {"mode": mode, "max_each": [str(coin) for coin in answers.max_each]}
    if answers.max_per_day:
        table["max_per_day"] = [str(coin) for coin in answers.max_per_day]
    return table
