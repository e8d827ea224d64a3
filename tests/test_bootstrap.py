"""Wiring: settings in, a desk out; nothing is asked of a network for that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from relayclear.bootstrap.connections import LateChains
from relayclear.bootstrap.desk import SystemClock, opened
from relayclear.bootstrap.examination import examined
from relayclear.bootstrap.loading import load_hermes
from relayclear.clearing.breaker import endpoint_name
from relayclear.config.loading import load
from relayclear.config.places import Places
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, NodeError
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.desk import Desk
from relayclear.usecases.doctor_facts import Finding

CHAIN = """
[[chains]]
id = "{chain}"
type = "{kind}"
rpc_addr = "http://127.0.0.1:9"
grpc_addr = "http://127.0.0.1:9"
event_source = {{ mode = "pull", interval = "1s" }}
account_prefix = "cosmos"
key_name = "daemon"
store_prefix = "ibc"
gas_price = {{ price = 0.01, denom = "stake" }}
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return made(tmp_path, monkeypatch, {"alpha-1": "CosmosSdk", "beta-1": "CosmosSdk", "penumbra-1": "Penumbra"})


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, chains: Mapping[str, str]) -> Settings:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    hermes = folder / "hermes.toml"
    hermes.write_text("".join(CHAIN.format(chain=chain, kind=kind) for chain, kind in chains.items()), "utf-8")
    ours = folder / "relayclear.toml"
    ours.write_text(
        f'[hermes]\nconfig = "{hermes}"\ncommand = ["{folder}/no-hermes"]\n[scan]\nstuck_after = "9m"\n'
        f'[store]\nurl = "{folder}/relayclear.db"\n[relayers]\nours = ["cosmos1friend"]\n'
        '[chains."alpha-1"]\nclearing_key = "clearing"\nrpc = ["http://127.0.0.2:9"]\n',
        "utf-8",
    )
    places = Places(home / "config", home / "data", home / "state", home, folder)
    return load(config_path=ours, env={}, flags={}, places=places)


def desk_of(settings: Settings) -> Desk:
    async def work() -> Desk:
        async with opened(settings, load_hermes(settings)) as desk:
            return desk

    return asyncio.run(work())


def test_a_desk_has_what_the_configs_say(settings: Settings) -> None:
    desk = desk_of(settings)
    assert sorted(desk.chains) == ["alpha-1", "beta-1"]
    assert [chain.chain_id for chain in desk.chains.values()] == list(desk.chains)
    assert desk.stuck_after == 540
    assert desk.clearing_keys == {"alpha-1": "clearing"}
    assert [instance.chains for instance in desk.instances] == [frozenset({"alpha-1", "beta-1"})]
    assert desk.unsupported == {"penumbra-1": "Penumbra"}


def test_two_threads_that_take_a_chain_at_once_connect_it_once() -> None:
    made: list[int] = []

    def connect() -> Mapping[str, Any]:
        """Long enough for the other to come."""
        made.append(1)
        sleep(0.05)
        return {"alpha-1": object()}

    chains = LateChains(["alpha-1"], connect)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(chains.__getitem__, ["alpha-1", "alpha-1"])
    assert first is second
    assert len(made) == 1


def test_endpoints_whose_breakers_are_open_are_not_asked(settings: Settings) -> None:
    async def work() -> NodeError:
        async with opened(settings, load_hermes(settings)) as desk:
            urls = desk.endpoints["alpha-1"]
            assert urls == ("http://127.0.0.1:9", "http://127.0.0.2:9")
            for name in [endpoint_name("alpha-1", url) for url in urls]:
                open_breaker(desk, name, "maintenance", "ann")
            with pytest.raises(NodeError) as refused:
                await desk.chain("alpha-1").head()
            return refused.value

    error = asyncio.run(work())
    assert (error.code, error.message.count("maintenance")) == ("breaker_open", 2)


def test_keys_that_are_not_there_are_nobodys_address(settings: Settings) -> None:
    desk = desk_of(settings)
    assert desk.daemon_keys == {"alpha-1": frozenset(), "beta-1": frozenset()}
    assert desk.ours["alpha-1"] == {"cosmos1friend"}


def test_a_config_without_a_chain_we_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = made(tmp_path, monkeypatch, {"penumbra-1": "Penumbra"})
    with pytest.raises(ConfigError, match="no chain that relayclear supports"):
        desk_of(settings)


def findings(settings: Settings, *, offline: bool) -> list[Finding]:
    return asyncio.run(examined(settings.file, {}, {}, offline=offline))


def test_doctor_offline_names_the_missing_hermes_and_asks_no_node(settings: Settings) -> None:
    found = {finding.check: finding for finding in findings(settings, offline=True)}
    assert found["hermes"].severity == "fail"
    assert "node" not in found


def test_doctor_survives_nodes_that_refuse(settings: Settings) -> None:
    nodes = [finding for finding in findings(settings, offline=False) if finding.check == "node"]
    assert {finding.chain for finding in nodes} >= {"alpha-1", "beta-1"}
    assert {finding.severity for finding in nodes} == {"fail"}


def test_doctor_survives_a_config_that_cannot_be_read(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "hermes.toml").write_text("[[chains]\n", "utf-8")
    assert any(finding.severity == "fail" for finding in findings(settings, offline=True))


def test_doctor_survives_a_database_that_cannot_be_opened(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "relayclear.db").mkdir()
    assert any("relayclear.db" in finding.finding for finding in findings(settings, offline=True))


def test_the_systems_clock_is_utc_and_can_wait() -> None:
    clock = SystemClock()
    before = clock.now()
    asyncio.run(clock.sleep(0))
    assert before.tzinfo is UTC
    assert timedelta(0) <= clock.now() - before < timedelta(minutes=1)


def test_only_a_chain_that_is_paid_on_gets_a_second_word_and_from_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = made(tmp_path, monkeypatch, {"alpha-1": "CosmosSdk", "beta-1": "CosmosSdk"})
    assert desk_of(settings).witnesses == {}
    file = settings.file
    assert file is not None
    file.write_text(file.read_text("utf-8").replace('rpc = ["', 'payee = "cosmos1payee"\nrpc = ["'), "utf-8")
    assert [*desk_of(load(config_path=file, env={}, flags={})).witnesses] == ["alpha-1"]
    file.write_text(file.read_text("utf-8").replace("127.0.0.2:9", "127.0.0.1:10"), "utf-8")
    assert desk_of(load(config_path=file, env={}, flags={})).witnesses == {}
