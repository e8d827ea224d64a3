"""Doctor: every finding says what, why and the exact next step; nothing that can't be read is called good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import pytest

from relayclear.cli.doctor import exit_of
from relayclear.cli.output import Exit
from relayclear.errors import ConfigError, HermesError, NodeError, RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Ordering, RelayPath
from relayclear.ibc.readings import Account, Head
from relayclear.ibc.relayer import GasTerms, KeyChoice
from relayclear.ibc.topology import ClientHealth, ClientStatus
from relayclear.ports import Chain, Clock, Relayer
from relayclear.usecases.doctor import examine, worst
from relayclear.usecases.doctor_facts import (
    Cause,
    ChainFacts,
    ConfiguredNode,
    Doctor,
    DoctorInput,
    FileFacts,
    Finding,
    HermesFacts,
    Severity,
)

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
ADD_KEY = "hermes --config /h.toml keys add --chain alpha-1 --key-name clearing --mnemonic-file MNEMONIC_FILE"
ALPHA = ChainFacts("alpha-1", "cosmos", ("https://rpc.alpha",), ADD_KEY, clearing_key="clearing")
HERMES = HermesFacts(
    "/h.toml", ("hermes",), ("alpha-1",), {}, packets_enabled=True, clear_on_start=True, clear_interval=100
)
CONFIG = FileFacts("/r.toml", 0o644)
PATH = RelayPath(
    ChannelEnd("alpha-1", "transfer", "channel-0"),
    ChannelEnd("beta-1", "transfer", "channel-7"),
    Ordering.UNORDERED,
    "ics20-1",
    "connection-0",
    "connection-7",
    "07-tendermint-0",
    "07-tendermint-7",
)


@dataclass
class _Clock:
    def now(self) -> datetime:
        return NOW


@dataclass
class _Relayer:
    keys: dict[str, str | None] = field(default_factory=lambda: {"daemon": "cosmos1daemon", "clearing": "cosmos1clear"})
    says: str | RelayclearError = "1.10.5"
    terms: GasTerms = field(default_factory=lambda: GasTerms("alpha-1", "stake", Decimal("0.01"), 400_000))

    async def version(self) -> str:
        if isinstance(self.says, RelayclearError):
            raise self.says
        return self.says

    def gas(self, chain: str) -> GasTerms:
        return replace(self.terms, chain=chain)

    def key(self, chain: str, name: str | None = None) -> KeyChoice:
        wanted = name or "daemon"
        if wanted not in self.keys:
            raise RefusedError(f"key {wanted!r} is unknown on {chain}", hint=f"hermes keys add --key-name {wanted}")
        return KeyChoice(chain, wanted, self.keys[wanted])


@dataclass
class _Chain:
    answer: Head | RelayclearError
    balances: Mapping[str, int] = field(default_factory=lambda: {"cosmos1daemon": 10**9, "cosmos1clear": 10**9})
    grants: frozenset[tuple[str, str]] = frozenset()
    clients: Mapping[str, ClientHealth | RelayclearError] = field(default_factory=dict)
    failure: RelayclearError | None = None

    async def head(self) -> Head:
        if isinstance(self.answer, RelayclearError):
            raise self.answer
        return self.answer

    async def account(self, address: str) -> Account | None:
        return Account(address, 1, 1) if address in self.balances else None

    async def balance(self, address: str, denom: str) -> Coin:
        if self.failure:
            raise self.failure
        return Coin(denom, self.balances.get(address, 0))

    async def allowance(self, granter: str, grantee: str) -> bool:
        return (granter, grantee) in self.grants

    async def client_health(self, clients: Sequence[str]) -> dict[str, ClientHealth | RelayclearError]:
        if self.failure:
            raise self.failure
        well = ClientHealth(ClientStatus.ACTIVE, NOW + timedelta(days=9))
        return {client: self.clients.get(client, well) for client in clients}


def head(chain: str = "alpha-1") -> Head:
    return Head(chain, 100, NOW, catching_up=False, tx_index=True, comet_version="0.38", endpoint="http://a:1")


@dataclass
class _World:
    """One chain and one Hermes, all well; tests change what they are about."""

    chain: _Chain = field(default_factory=lambda: _Chain(head()))
    relayer: _Relayer = field(default_factory=_Relayer)
    alpha: ChainFacts = ALPHA
    hermes: HermesFacts = HERMES
    files: tuple[FileFacts, ...] = (CONFIG,)
    problems: tuple[RelayclearError, ...] = ()
    paths: tuple[RelayPath, ...] | None = (PATH,)

    def doctor(self, *, offline: bool = False) -> Doctor:
        facts = DoctorInput("/r.toml", self.files, self.problems, (self.hermes,), (self.alpha,), self.paths)
        return Doctor(
            facts,
            {"alpha-1": cast("Chain", self.chain)},
            {"/h.toml": cast("Relayer", self.relayer)},
            cast("Clock", _Clock()),
            offline=offline,
        )

    def findings(self, *, offline: bool = False) -> list[Finding]:
        return asyncio.run(examine(self.doctor(offline=offline)))

    def trouble(self, check: str) -> Finding:
        """The only thing that is not well, which must be of this check."""
        (finding,) = [finding for finding in self.findings() if finding.severity is not Severity.OK]
        assert finding.check == check
        return finding


def test_a_healthy_set_up_has_no_trouble_and_says_what_was_looked_at() -> None:
    findings = _World().findings()
    assert worst(findings) is Severity.OK
    assert [finding.check for finding in findings] == [
        *("config", "hermes", "daemon", "watch", "alerts", "node"),
        *("clearing_key", "daemon_key", "clearing_gas", "daemon_gas", "clients"),
    ]
    assert all(finding.why and finding.next is None for finding in findings)


@pytest.mark.parametrize(
    ("says", "severity"),
    [
        ("1.7.4", Severity.FAIL),
        ("1.8.1", Severity.FAIL),
        ("1.8.2", Severity.WARN),
        ("1.10.2", Severity.WARN),
        ("1.10.3", Severity.OK),
        ("1.13.2+4a0e0ab-dirty", Severity.OK),
        ("2.0.0", Severity.OK),
        ("\x1b[31mgarbage", Severity.FAIL),
    ],
)
def test_a_hermes_that_would_clear_the_wrong_thing_is_refused(says: str, severity: Severity) -> None:
    findings = _World(relayer=_Relayer(says=says)).findings()
    (hermes,) = [finding for finding in findings if finding.check == "hermes"]
    assert hermes.severity is severity
    assert (hermes.next is None) is (severity is Severity.OK)
    assert "\x1b" not in hermes.finding


def test_a_hermes_that_cannot_be_started_is_a_finding() -> None:
    error = HermesError("hermes: no such program", hint="install it")
    finding = _World(relayer=_Relayer(says=error)).trouble("hermes")
    assert (finding.severity, finding.finding, finding.next) == (Severity.FAIL, "hermes: no such program", "install it")


def test_every_problem_of_the_config_is_told_even_when_nothing_else_can_be() -> None:
    facts = DoctorInput(None, (), (ConfigError("a"), ConfigError("b", hint="mend it")), (), (), None)
    findings = asyncio.run(examine(Doctor(facts, {}, {}, cast("Clock", _Clock()), offline=True)))
    assert [(finding.finding, finding.next) for finding in findings] == [("a", ""), ("b", "mend it")]


def test_words_of_keys_that_nobody_put_away_are_forgotten() -> None:
    doctor = _World().doctor()
    left = replace(doctor, facts=replace(doctor.facts, words=("/c/a b.txt",)))
    (finding,) = [one for one in asyncio.run(examine(left)) if one.severity is not Severity.OK]
    assert (finding.check, finding.severity) == ("words", Severity.WARN)
    assert (finding.next or "").endswith("shred -u '/c/a b.txt'")


def test_a_config_without_chains_is_not_called_healthy() -> None:
    facts = DoctorInput(None, (), (), (), (), ())
    findings = asyncio.run(examine(Doctor(facts, {}, {}, cast("Clock", _Clock()))))
    assert worst(findings) is Severity.FAIL
    assert [finding.check for finding in findings] == ["config", "chains"]


def test_an_instance_whose_relayer_could_not_be_built_is_a_failure_not_a_traceback() -> None:
    doctor = replace(_World().doctor(), relayers={})
    findings = asyncio.run(examine(doctor))
    assert [finding.check for finding in findings if finding.severity is Severity.FAIL] == ["hermes"]


def test_a_node_that_does_not_answer_is_a_failure_and_the_keys_are_still_looked_at() -> None:
    world = _World(chain=_Chain(NodeError("alpha-1: http://a:1 refused", hint="is it running?")))
    finding = world.trouble("node")
    assert (finding.chain, finding.severity, finding.next) == ("alpha-1", Severity.FAIL, "is it running?")
    checks = [finding.check for finding in world.findings()]
    assert "clearing_key" in checks
    assert "clearing_gas" not in checks


def test_a_node_of_another_chain_is_refused_and_asked_nothing_more() -> None:
    world = _World(chain=_Chain(head("gamma-\u202e1")))
    finding = world.trouble("node")
    assert finding.finding == "http://a:1 answers for 'gamma-\\u202e1'"
    assert "clearing_gas" not in [finding.check for finding in world.findings()]


@pytest.mark.parametrize(
    ("changed", "check", "severity"),
    [
        (replace(head(), catching_up=True, at=NOW - timedelta(days=3)), "synced", Severity.FAIL),
        (replace(head(), tx_index=False), "tx_index", Severity.FAIL),
        (replace(head(), at=NOW - timedelta(minutes=5)), "blocks", Severity.WARN),
        (replace(head(), at=NOW + timedelta(minutes=5)), "clock", Severity.WARN),
        (replace(head(), node_time=NOW - timedelta(minutes=5)), "clock", Severity.WARN),
        (replace(head(), node_time=NOW + timedelta(seconds=90)), "clock", Severity.WARN),
    ],
)
def test_a_node_whose_answers_mislead_is_named(changed: Head, check: str, severity: Severity) -> None:
    finding = _World(chain=_Chain(changed)).trouble(check)
    assert finding.severity is severity
    assert finding.next


def test_the_skew_of_a_clock_is_told_with_its_direction() -> None:
    behind = _World(chain=_Chain(replace(head(), node_time=NOW + timedelta(seconds=90)))).trouble("clock")
    assert behind.finding == "this machine's clock is 90 s behind the node's"
    ahead = _World(chain=_Chain(replace(head(), node_time=NOW - timedelta(hours=5)))).trouble("clock")
    assert ahead.finding == "this machine's clock is 5 h ahead of the node's"


def test_without_a_clearing_key_the_commands_for_one_are_printed_ready_to_paste() -> None:
    world = _World()
    world.alpha = replace(world.alpha, clearing_key="")
    finding = world.trouble("clearing_key")
    assert finding.severity is Severity.WARN
    send = (
        "CHAIN_BINARY tx bank send YOUR_KEY ADDRESS 200050stake --chain-id alpha-1 --node https://rpc.alpha:443"
        " --gas auto --gas-adjustment 1.5 --gas-prices 0.01stake"
    )
    assert (finding.next or "").splitlines() == [
        ADD_KEY,
        send,
        '# then in /r.toml: [chains."alpha-1"] clearing_key = "relayclear"',
    ]


@pytest.mark.parametrize(
    ("payee", "key", "said"),
    [
        ("cosmos1payee", "clearing", "watch sells: paid on alpha-1"),
        ("cosmos1payee", "", "watch only looks: no chain has a clearing key"),
        ("", "clearing", "watch only looks: no chain has a payee"),
        ("", "", "watch only looks: no chain has a payee"),
    ],
)
def test_doctor_says_whether_the_daemon_sells_or_only_looks(payee: str, key: str, said: str) -> None:
    world = _World()
    world.alpha = replace(world.alpha, clearing_key=key, payee=payee)
    assert [finding.finding for finding in world.findings() if finding.check == "watch"] == [said]


def test_a_chain_that_takes_money_must_have_a_clearing_key() -> None:
    world = _World()
    world.alpha = replace(world.alpha, clearing_key="", payee="cosmos1payee")
    assert world.trouble("clearing_key").severity is Severity.FAIL


@pytest.mark.parametrize(
    ("keys", "payee", "found"),
    [
        ({"daemon": "cosmos1x", "clearing": "cosmos1x"}, "", "clearing key 'clearing' and daemon key 'daemon'"),
        ({"daemon": "cosmos1daemon", "clearing": "cosmos1clear"}, "COSMOS1CLEAR", "clearing key 'clearing' and payee"),
        ({"daemon": "cosmos1daemon", "clearing": "cosmos1clear"}, "cosmos1daemon", "daemon key 'daemon' and payee"),
    ],
)
def test_two_of_payee_clearing_and_daemon_in_one_account_fail(
    keys: dict[str, str | None], payee: str, found: str
) -> None:
    world = _World(relayer=_Relayer(keys=keys))
    world.chain.balances = dict.fromkeys([value for value in keys.values() if value], 10**9)
    world.alpha = replace(world.alpha, payee=payee)
    finding = world.trouble("separate")
    assert finding.severity is Severity.FAIL
    assert finding.finding.startswith(found)


def test_a_payee_of_another_chain_fails() -> None:
    world = _World()
    world.alpha = replace(world.alpha, payee="osmo1payee")
    assert world.trouble("payee").severity is Severity.FAIL


def test_a_clearing_key_that_hermes_does_not_have_fails_with_the_command_that_adds_it() -> None:
    finding = _World(relayer=_Relayer(keys={"daemon": "cosmos1daemon"})).trouble("clearing_key")
    assert (finding.severity, finding.next) == (Severity.FAIL, ADD_KEY)


def test_a_daemon_key_that_is_missing_only_warns_while_another_key_clears() -> None:
    world = _World(relayer=_Relayer(keys={"clearing": "cosmos1clear"}))
    finding = world.trouble("daemon_key")
    assert (finding.severity, finding.next) == (Severity.WARN, "hermes keys add --key-name daemon")
    world.alpha = replace(world.alpha, clearing_key="")
    severities = {finding.check: finding.severity for finding in world.findings()}
    assert severities["daemon_key"] is Severity.FAIL


def test_keys_kept_in_a_container_are_said_to_be_unknown_not_separate() -> None:
    world = _World(relayer=_Relayer(keys={"daemon": None, "clearing": None}))
    world.hermes = replace(world.hermes, command=("docker", "exec", "-i", "h", "hermes"))
    finding = world.trouble("separate")
    assert finding.severity is Severity.WARN
    assert finding.next == "docker exec -i h hermes --config /h.toml keys list --chain alpha-1"


def test_two_instances_with_one_daemon_key_are_one_signer() -> None:
    world = _World()
    doctor = world.doctor()
    other = replace(world.hermes, config="/other.toml")
    facts = replace(doctor.facts, instances=(world.hermes, other))
    doctor = replace(doctor, facts=facts, relayers={**doctor.relayers, "/other.toml": cast("Relayer", _Relayer())})
    checks = [finding.check for finding in asyncio.run(examine(doctor))]
    assert checks.count("daemon_gas") == 1
    assert "separate" not in checks


def test_an_account_that_never_received_anything_fails_with_the_funding_command() -> None:
    world = _World()
    world.chain.balances = {"cosmos1daemon": 10**9}
    finding = world.trouble("clearing_gas")
    assert finding.severity is Severity.FAIL
    assert (finding.next or "").startswith("CHAIN_BINARY tx bank send YOUR_KEY cosmos1clear 400100stake --chain-id")


@pytest.mark.parametrize(
    ("amount", "severity"),
    [(0, Severity.FAIL), (4_000, Severity.FAIL), (4_001, Severity.WARN), (200_049, Severity.WARN)],
)
def test_gas_below_what_fifty_relays_can_cost_is_told_and_below_one_it_fails(amount: int, severity: Severity) -> None:
    world = _World()
    world.chain.balances = {"cosmos1daemon": 200_050, "cosmos1clear": amount}
    finding = world.trouble("clearing_gas")
    assert finding.severity is severity
    # As much again as is warned below: who sends just what is asked for isn't warned after the first relay.
    assert f"cosmos1clear {400_100 - amount}stake" in (finding.next or "")
    world.chain.balances["cosmos1clear"] = 400_100 - 40 * 4_001
    assert "clearing_gas" not in {one.check for one in world.findings() if one.severity is not Severity.OK}


def test_a_poor_daemon_only_warns_while_another_key_clears() -> None:
    world = _World()
    world.chain.balances = {"cosmos1daemon": 0, "cosmos1clear": 10**9}
    assert world.trouble("daemon_gas").severity is Severity.WARN


def granted(*grants: tuple[str, str], granter_has: int) -> _World:
    terms = GasTerms("alpha-1", "stake", Decimal("0.01"), 400_000, fee_granter="cosmos1granter")
    chain = _Chain(head(), balances={"cosmos1granter": granter_has}, grants=frozenset(grants))
    return _World(chain=chain, relayer=_Relayer(terms=terms))


BOTH = (("cosmos1granter", "cosmos1daemon"), ("cosmos1granter", "cosmos1clear"))


def test_a_fee_granter_pays_so_the_keys_need_neither_coins_nor_account() -> None:
    assert worst(granted(*BOTH, granter_has=10**9).findings()) is Severity.OK


def test_a_clearing_key_that_the_fee_granter_does_not_know_fails_with_the_grant_command() -> None:
    finding = granted(BOTH[0], granter_has=10**9).trouble("clearing_gas")
    assert finding.severity is Severity.FAIL
    assert finding.next == (
        "CHAIN_BINARY tx feegrant grant cosmos1granter cosmos1clear --spend-limit 400100stake --chain-id alpha-1"
        " --node https://rpc.alpha:443 --gas auto --gas-adjustment 1.5 --gas-prices 0.01stake"
    )


def test_a_fee_granter_without_coins_is_named_as_the_one_to_fund() -> None:
    findings = [f for f in granted(*BOTH, granter_has=0).findings() if f.severity is not Severity.OK]
    assert [(f.check, f.severity) for f in findings] == [
        ("clearing_gas", Severity.FAIL),
        ("daemon_gas", Severity.WARN),
    ]
    assert all("YOUR_KEY cosmos1granter 400100stake" in (f.next or "") for f in findings)


def test_free_gas_still_needs_an_account() -> None:
    free = GasTerms("alpha-1", "stake", Decimal(0), 400_000)
    world = _World(relayer=_Relayer(terms=free))
    world.chain.balances = {"cosmos1daemon": 0}
    assert "cosmos1clear 1stake" in (world.trouble("clearing_gas").next or "")


def test_a_balance_and_clients_that_cannot_be_read_are_failures() -> None:
    world = _World()
    world.chain.failure = NodeError("alpha-1: half an answer")
    failed = [finding.check for finding in world.findings() if finding.severity is Severity.FAIL]
    assert failed == ["clearing_gas", "daemon_gas", "clients"]


@pytest.mark.parametrize(
    ("health", "found"),
    [
        (ClientHealth(ClientStatus.EXPIRED, NOW), "is expired"),
        (ClientHealth(ClientStatus.FROZEN, None), "is frozen"),
        (ClientHealth(ClientStatus.UNAUTHORIZED, None), "is unauthorized"),
        (ClientHealth(ClientStatus.ACTIVE, NOW + timedelta(hours=71)), "expires in 2 days"),
        (ClientHealth(ClientStatus.ACTIVE, NOW - timedelta(hours=1)), "expires in 0 s"),
        (NodeError("half an answer"), "could not be read: half an answer"),
    ],
)
def test_a_client_that_is_dead_or_dying_is_named_with_what_it_follows(
    health: ClientHealth | RelayclearError, found: str
) -> None:
    finding = _World(chain=_Chain(head(), clients={"07-tendermint-0": health})).trouble("clients")
    assert finding.finding == f"client 07-tendermint-0, which follows beta-1, {found}"
    assert finding.severity is Severity.WARN


def test_a_dying_client_comes_with_the_command_that_updates_it() -> None:
    dying = ClientHealth(ClientStatus.ACTIVE, NOW + timedelta(days=2))
    finding = _World(chain=_Chain(head(), clients={"07-tendermint-0": dying})).trouble("clients")
    assert finding.next == "hermes --config /h.toml update client --host-chain alpha-1 --client 07-tendermint-0"


def test_the_other_ends_client_is_looked_at_on_its_own_chain() -> None:
    world = _World(paths=(PATH.reversed(),))
    (clients,) = [finding for finding in world.findings() if finding.check == "clients"]
    assert clients.finding == "1 of 1 client is well"
    world.paths = ()
    assert not [finding for finding in world.findings() if finding.check == "clients"]


def test_clients_nobody_could_look_up_are_a_warning_not_silence() -> None:
    finding = _World(paths=None).trouble("clients")
    assert (finding.severity, finding.next) == (Severity.WARN, "relayclear channels")


def test_offline_asks_no_node_and_still_compares_the_keys() -> None:
    world = _World(
        chain=_Chain(NodeError("must not be asked")),
        relayer=_Relayer(keys={"daemon": "cosmos1x", "clearing": "cosmos1x"}),
        paths=None,
    )
    findings = world.findings(offline=True)
    assert [finding.check for finding in findings if finding.severity is not Severity.OK] == ["separate"]


def test_chains_that_are_not_supported_are_named_without_alarm() -> None:
    world = _World()
    world.hermes = replace(world.hermes, unsupported={"penumbra-1": "Penumbra"})
    (finding,) = [finding for finding in world.findings() if finding.check == "unsupported"]
    assert (finding.chain, finding.severity) == ("penumbra-1", Severity.OK)
    assert finding.finding == "penumbra-1 is a Penumbra chain and is skipped"


@pytest.mark.parametrize(
    ("enabled", "on_start", "interval", "found"),
    [
        (False, True, 100, "hermes start relays no packets"),
        (True, True, 0, "hermes start clears when it starts and never in between (clear_interval = 0)"),
        (True, False, 7, "hermes start doesn't clear when it starts and every 7 blocks, on channels that had"),
    ],
)
def test_what_the_daemon_clears_by_itself_is_explained(
    *, enabled: bool, on_start: bool, interval: int, found: str
) -> None:
    world = _World()
    world.hermes = replace(world.hermes, packets_enabled=enabled, clear_on_start=on_start, clear_interval=interval)
    (finding,) = [finding for finding in world.findings() if finding.check == "daemon"]
    assert finding.finding.startswith(found)


@pytest.mark.parametrize(
    ("file", "step"),
    [
        (FileFacts("/r.toml", 0o664), "chmod go-w /r.toml"),
        (FileFacts("/r.toml", 0o646, holds_secrets=True), "chmod go-w /r.toml"),
        (FileFacts("/r.toml", 0o644, holds_secrets=True), "chmod 600 /r.toml"),
        (FileFacts("/r.toml", 0o600, holds_secrets=True), None),
        (FileFacts("/r.toml", None, holds_secrets=True), None),
    ],
)
def test_a_config_that_others_can_change_or_that_shows_them_a_password_is_told(
    file: FileFacts, step: str | None
) -> None:
    world = _World(files=(file,))
    assert [finding.next for finding in world.findings() if finding.check == "permissions"] == ([step] if step else [])


def test_a_chain_without_an_address_for_commands_gets_a_word_to_fill_in() -> None:
    world = _World()
    world.chain.balances = {"cosmos1daemon": 10**9}
    for rpc, node in (((), "NODE"), (("http://a/x",), "http://a:80/x"), (("http://a:1",), "http://a:1")):
        world.alpha = replace(world.alpha, rpc=rpc)
        assert f"--node {node} " in (world.trouble("clearing_gas").next or "")


def nodes(*each: tuple[str, str | None, Head | RelayclearError]) -> list[ConfiguredNode]:
    return [ConfiguredNode(address, hermes, cast("Chain", _Chain(answer))) for address, hermes, answer in each]


REFUSED = NodeError("alpha-1: http://a:1 refused the connection")


@pytest.mark.parametrize(
    ("hermes", "severity", "step"),
    [
        ("/h.toml", Severity.FAIL, "mend that node, or set rpc_addr of alpha-1 in /h.toml to one that answers"),
        (None, Severity.WARN, "mend that node, or take http://a:1 out of rpc of alpha-1"),
    ],
)
def test_a_node_for_which_another_stands_in_is_named_all_the_same(
    hermes: str | None, severity: Severity, step: str
) -> None:
    second = replace(head(), endpoint="http://b:1")
    doctor = _World(chain=_Chain(second)).doctor()
    each = nodes(("http://a:1", hermes, REFUSED), ("http://b:1", None, second))
    findings = asyncio.run(examine(replace(doctor, nodes={"alpha-1": each})))
    (dead,) = [finding for finding in findings if finding.severity is not Severity.OK]
    assert (dead.check, dead.severity, dead.next, dead.cause) == ("node", severity, step, Cause.UNREACHABLE)
    assert ("Hermes can't relay on alpha-1" in dead.why) is (hermes is not None)


def test_a_second_node_without_an_index_only_warns_and_hermes_own_fails() -> None:
    bare = replace(head(), endpoint="http://b:1", tx_index=False)
    for hermes, severity in ((None, Severity.WARN), ("/h.toml", Severity.FAIL)):
        each = nodes(("http://a:1", "/h.toml", head()), ("http://b:1", hermes, bare))
        findings = asyncio.run(examine(replace(_World().doctor(), nodes={"alpha-1": each})))
        assert [one.severity for one in findings if one.check == "tx_index"] == [severity]


def test_what_cannot_be_reached_and_what_cannot_be_used_leave_with_codes_of_their_own() -> None:
    unreachable = _World(chain=_Chain(REFUSED))
    poor = _Chain(head(), balances={"cosmos1daemon": 10**9, "cosmos1clear": 0})
    assert exit_of(_World().findings()) == Exit.DONE
    assert exit_of(unreachable.findings()) == Exit.UNREACHABLE
    assert exit_of(_World(chain=poor).findings()) == Exit.FAILED
    assert exit_of(_World(paths=None).findings()) == Exit.FOUND
    unreachable.problems = (ConfigError("no Hermes config"),)
    assert exit_of(unreachable.findings()) == Exit.USAGE
    assert exit_of(_World(relayer=_Relayer(says=HermesError("not found"))).findings()) == Exit.UNREACHABLE
