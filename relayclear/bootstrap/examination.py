"""What doctor looks at, gathered from settings and configs; loaded by doctor alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relayclear.bootstrap import modes
from relayclear.bootstrap.alerts import alert_facts
from relayclear.bootstrap.desk import SystemClock, build
from relayclear.bootstrap.loading import LoadedHermes
from relayclear.bootstrap.machine import free_beside, read_unit, unit_folders
from relayclear.config.loading import examine
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, RelayclearError, StoreError
from relayclear.hermes.config import HermesChain, HermesConfig, load
from relayclear.hermes.keys import add_key_command
from relayclear.ibc.packet import RelayPath
from relayclear.ibc.text import redact_url
from relayclear.ports import Chain
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases import doctor
from relayclear.usecases.desk import Desk
from relayclear.usecases.doctor_facts import (
    ChainFacts,
    ConfiguredNode,
    Doctor,
    DoctorInput,
    Finding,
    Habits,
    HermesFacts,
    RefundFacts,
)
from relayclear.usecases.doctor_memory import gather_memory
from relayclear.usecases.topology import load_network


async def examined(
    config_path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any], *, offline: bool
) -> list[Finding]:
    """Run doctor over whatever can be loaded: what can't is a finding, never an exception."""
    settings, found = examine(config_path=config_path, env=environ, flags=flags)
    problems: list[RelayclearError] = list(found)
    loaded: list[LoadedHermes] = []
    for hermes in settings.hermes:
        try:
            loaded.append(LoadedHermes(hermes, load(hermes.config)))
        except ConfigError as error:
            problems.append(error)
    case = _Case(settings, environ, loaded, problems, offline)
    try:
        if not any(item.config.chains for item in loaded):
            return await doctor.examine(_doctor(case, None, None))
        return await _examined_with_desk(case)
    except StoreError as error:
        problems.append(error)
        return await doctor.examine(_doctor(replace(case, offline=True), None, None))


@dataclass(frozen=True, slots=True)
class _Case:
    """What could be loaded, what couldn't, and whether no node may be asked."""

    settings: Settings
    environ: Mapping[str, str]
    loaded: list[LoadedHermes]
    problems: list[RelayclearError]
    offline: bool


async def _examined_with_desk(case: _Case) -> list[Finding]:
    settings, loaded = case.settings, case.loaded
    with open_database(settings.database) as database:
        desk, connections = build(settings, loaded, Journal(database))
        try:
            paths = None if case.offline else tuple((await load_network(desk)).paths)
            each = {chain: _configured(loaded, chain, several) for chain, several in connections.alone().items()}
            memory = gather_memory(desk, free_beside(settings.database))
            return await doctor.examine(replace(_doctor(case, desk, paths), nodes=each, memory=memory))
        finally:
            await connections.aclose()


def _doctor(case: _Case, desk: Desk | None, paths: tuple[RelayPath, ...] | None) -> Doctor:
    settings, loaded, chains = case.settings, case.loaded, dict[str, ChainFacts]()
    for item in loaded:
        for chain in item.config.chains:
            known = replace(_chain_facts(settings, item, chain), refunds=_refund_facts(settings, desk, chain.id))
            chains.setdefault(chain.id, known)
    alerts = alert_facts(settings, case.environ)
    facts = DoctorInput(
        config=str(settings.file) if settings.file else None,
        database=str(settings.database),
        files=modes.configs(settings, loaded),
        private=(*modes.private(settings, loaded), *modes.programs(alerts.program)),
        words=tuple(map(str, modes.words(settings))),
        problems=tuple(case.problems),
        instances=tuple(_hermes_facts(item) for item in loaded),
        chains=tuple(chains.values()),
        paths=paths,
        alerts=alerts,
    )
    relayers = {instance.config: instance.relayer for instance in desk.instances} if desk else {}
    clock = desk.clock if desk else SystemClock()
    unit = read_unit(unit_folders(settings.places.home))
    return Doctor(facts, desk.chains if desk else {}, relayers, clock, case.offline, unit=unit)


def _configured(loaded: list[LoadedHermes], chain_id: str, nodes: Mapping[str, Chain]) -> list[ConfiguredNode]:
    users: dict[str, str] = {}
    for item in loaded:
        for chain in item.config.chains:
            if chain.id == chain_id:
                users.setdefault(chain.rpc_addr, str(item.config.path))
    return [ConfiguredNode(redact_url(url), users.get(url), chain) for url, chain in nodes.items()]


def _chain_facts(settings: Settings, item: LoadedHermes, chain: HermesChain) -> ChainFacts:
    ours = settings.chain(chain.id)
    name = ours.clearing_key or "relayclear"
    return ChainFacts(
        chain=chain.id,
        prefix=chain.account_prefix,
        rpc=tuple(redact_url(url) for url in (chain.rpc_addr, *(endpoint.url for endpoint in ours.rpc))),
        add_key=add_key_command(chain, name, command=item.settings.command, config=item.config.path),
        clearing_key=ours.clearing_key,
        payee=ours.payee,
    )


def _refund_facts(settings: Settings, desk: Desk | None, chain: str) -> RefundFacts | None:
    if desk is None or desk.wallet is None or not settings.chain(chain).payee:
        return None
    key, trouble = None, ""
    try:
        key = desk.wallet.find(chain)
    except ConfigError as error:
        trouble = error.message
    capped = {coin.denom for coin in settings.refunds.max_each}
    sold_in = [price.denom for price in settings.chain(chain).prices]
    alone = tuple(denom for denom in sold_in if denom not in capped) if settings.refunds.mode == "auto" else ()
    return RefundFacts(key.address if key else "", trouble, chain in desk.witnesses, alone)


def _hermes_facts(item: LoadedHermes) -> HermesFacts:
    config = item.config
    return HermesFacts(
        config=str(config.path),
        command=item.settings.command,
        chains=tuple(chain.id for chain in config.chains),
        unsupported={chain.id: chain.type for chain in config.unsupported},
        packets_enabled=config.packets_enabled,
        clear_on_start=config.clear_on_start,
        clear_interval=config.clear_interval,
        tx_confirmation=config.tx_confirmation,
        habits={chain.id: _habits(config, chain) for chain in config.chains},
    )


def _habits(config: HermesConfig, chain: HermesChain) -> Habits:
    own = chain.clear_interval
    return Habits(chain.packet_filter.allows, config.clear_interval if own is None else own)
