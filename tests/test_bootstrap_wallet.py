"""The wallet that a config describes, and the rehearsal's: what they sign, real chains of a world take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.bootstrap.wallet import FileWallet
from relayclear.config.loading import load
from relayclear.config.passphrase import PassphraseSource
from relayclear.config.places import Places
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, RelayclearError, UsageError
from relayclear.ibc.accounts import AccountKind, AccountType
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import BankSend, Draft, IbcSend, NewKey
from relayclear.ports import Wallet
from relayclear.rehearsal import bank
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import KeyKind
from relayclear.rehearsal.transactions import Terms, encode, wrap
from relayclear.usecases.desk import Desk
from tests.chains.test_imports import loaded_by
from tests.fakes.rig import Rig, opened_rig
from tests.fakes.wallet import COSMOS_KEY, FakeWallet
from tests.fakes.world import address, spec
from tests.test_bootstrap import CHAIN

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ETH_KEY = "/cosmos.evm.crypto.v1.ethsecp256k1.PubKey"
ACCOUNTS = {
    "alpha-1": AccountType("alpha", AccountKind.SECP256K1, COSMOS_KEY),
    "eth-1": AccountType("eth", AccountKind.ETH_SECP256K1, ETH_KEY),
}
PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def wallet_in(folder: Path, accounts: dict[str, AccountType] | None = None) -> FileWallet:
    file = folder / "passphrase"
    file.touch(mode=0o600)
    file.write_text("pw")
    return FileWallet(folder / "keys", accounts or ACCOUNTS, PassphraseSource(file))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with opened_rig(tmp_path) as made:
        made.world.add_chain(replace(spec("eth-1", "aeth"), key_kind=KeyKind.ETH_SECP256K1, pub_key_type=ETH_KEY))
        yield made


def draft(rig: Rig, chain: str, sender: str, sending: BankSend | IbcSend | None = None) -> Draft:
    """What an account sends now."""
    rig.world.set_account(chain, sender)
    found = bank.account(rig.world.chains[chain].store, sender)
    assert found is not None
    denom = rig.world.chains[chain].spec.gas_denom
    what = sending or BankSend(sender, Coin(denom, 5))
    height = rig.world.chains[chain].height + 100
    return Draft(chain, sender, found.number, found.sequence, what, Coin(denom, 1000), 400_000, "rc1r:1 late", height)


def landed(rig: Rig, chain: str, raw: bytes) -> None:
    """Raises where the chain refuses the bytes or what they say."""
    there = rig.world.chains[chain]
    taken = there.broadcast(raw)
    assert taken.code == 0, taken.log
    rig.world.tick(chain)
    block = there.blocks[-1]
    result = block.results[block.txs.index(raw)]
    assert result.code == 0, result.log


@pytest.mark.parametrize("chain", ["alpha-1", "eth-1"])
def test_a_chain_refuses_what_the_wallet_signs(rig: Rig, tmp_path: Path, chain: str) -> None:
    wallet = wallet_in(tmp_path)
    key = wallet.add(wallet.derived(chain, PHRASE), NOW)
    kind = KeyKind(key.kind)
    assert Key.from_mnemonic(PHRASE, kind).address(chain[:-2]) == key.address
    made = draft(rig, chain, key.address)
    assert rig.world.chains[chain].simulate(wallet.unsigned(made)).code == 0
    landed(rig, chain, wallet.sign(made).raw)


@pytest.mark.parametrize("chain", ["alpha-1", "eth-1"])
def test_the_wallet_and_the_rehearsals_own_builder_write_different_bytes(rig: Rig, tmp_path: Path, chain: str) -> None:
    wallet, there = wallet_in(tmp_path), rig.world.chains[chain].spec
    key = Key.of_name("payee", there.key_kind)
    sender = key.address(there.prefix)
    wallet.add(NewKey(chain, sender, there.key_kind.value, "m/0", key.secret), NOW)
    made = draft(rig, chain, sender)
    message = bank_tx.MsgSend(from_address=sender, to_address=sender)
    message.amount.add(denom=there.gas_denom, amount="5")
    terms = Terms(made.sequence, made.number, made.gas, 1000, made.memo, made.timeout_height)
    theirs = encode(there, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], terms, key)
    signed = wallet.sign(made)
    assert signed.raw == theirs
    assert wallet.sign(made) == signed


def test_a_transfer_that_a_fake_wallet_signs_is_no_real_one(rig: Rig) -> None:
    rig.wallet.hold("alpha-1", "payee")
    until = rig.clock.now() + timedelta(hours=1)
    sending = IbcSend(rig.source, address("alice", "beta-1"), Coin("stake", 7), until)
    made = draft(rig, "alpha-1", address("payee", "alpha-1"), sending)
    assert rig.world.chains["alpha-1"].simulate(rig.wallet.unsigned(made)).code == 0
    landed(rig, "alpha-1", rig.wallet.sign(made).raw)
    assert rig.pending() == [1]


def granted(rig: Rig, made: Draft) -> Draft:
    granter = address("granter", "alpha-1")
    rig.world.set_account("alpha-1", granter)
    rig.world.write("alpha-1", bank.allowance_key(granter, made.sender), b"yes")
    return replace(made, granter=granter)


def test_a_granter_pays_no_fee(rig: Rig) -> None:
    rig.wallet.hold("alpha-1", "payee")
    made = granted(rig, draft(rig, "alpha-1", address("payee", "alpha-1")))
    landed(rig, "alpha-1", rig.wallet.sign(made).raw)
    assert bank.balance(rig.world.chains["alpha-1"].store, made.sender, "stake") == 10**9
    assert bank.balance(rig.world.chains["alpha-1"].store, made.granter, "stake") == 10**9 - 1000


def wallets(tmp_path: Path) -> list[Wallet]:
    return [wallet_in(tmp_path), FakeWallet()]


def test_the_fake_and_the_real_wallet_differ(rig: Rig, tmp_path: Path) -> None:
    sender = Key.from_mnemonic(PHRASE).address("alpha")
    made = draft(rig, "alpha-1", sender)
    signed = []
    for wallet in wallets(tmp_path):
        assert (wallet.listed(), wallet.find("alpha-1")) == ([], None)
        for refused in (wallet.sign, lambda _, one=wallet: one.remove("alpha-1")):
            with pytest.raises(UsageError, match="no key for alpha-1"):
                refused(made)
        new = wallet.derived("alpha-1", PHRASE)
        kept = wallet.add(new, NOW)
        assert (kept.address, kept.kind, kept.path) == (sender, "secp256k1", "m/44'/118'/0'/0/0")
        with pytest.raises(RelayclearError, match="already"):
            wallet.add(new, NOW)
        with pytest.raises(UsageError, match=f"is {sender}, not alpha1other"):
            wallet.sign(replace(made, sender="alpha1other"))
        assert (wallet.listed(), wallet.find("alpha-1")) == ([kept], kept)
        signed.append((wallet.unsigned(made), wallet.sign(made), wallet.remove("alpha-1")))
        assert wallet.listed() == []
    assert signed[0] == signed[1]


def test_a_fake_wallet_fails_or_counts_what_it_did_not_do(rig: Rig) -> None:
    rig.sell(Path("/nowhere"))
    made = draft(rig, "alpha-1", address("payee", "alpha-1"))
    rig.wallet.fails = ConfigError("no passphrase", code="no_passphrase")
    with pytest.raises(ConfigError, match="no passphrase"):
        rig.wallet.sign(made)
    assert rig.wallet.signings == 0
    rig.wallet.fails = None
    rig.wallet.sign(made)
    assert (rig.wallet.signings, rig.wallet.signed) == (1, [made])
    assert rig.desk.wallet is rig.wallet


def test_a_chain_that_was_configured_otherwise_is_signed_for_in_vain(rig: Rig, tmp_path: Path) -> None:
    wallet = wallet_in(tmp_path)
    key = wallet.add(wallet.derived("alpha-1", PHRASE), NOW)
    made = draft(rig, "alpha-1", key.address)
    for account in (ACCOUNTS["eth-1"]._replace(prefix="alpha"), ACCOUNTS["alpha-1"]._replace(prefix="beta")):
        with pytest.raises(ConfigError, match=r"any more") as caught:
            wallet_in(tmp_path, {"alpha-1": account}).sign(made)
        assert caught.value.code == "other_account_type"
    with pytest.raises(UsageError, match="no chain 'alpha-1' in the Hermes config"):
        wallet_in(tmp_path, {"eth-1": ACCOUNTS["eth-1"]}).sign(made)


# Wiring


def desk_of(settings: Settings) -> Desk:
    async def work() -> Desk:
        async with opened(settings, load_hermes(settings)) as desk:
            return desk

    return asyncio.run(work())


def test_a_desk_has_no_wallet_or_asks_before_it_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    hermes, ours = tmp_path / "hermes.toml", tmp_path / "ours.toml"
    eth = f'address_type = {{ derivation = "ethermint", proto_type = {{ pk_type = "{ETH_KEY}" }} }}\n'
    chains = "".join(CHAIN.format(chain=chain, kind="CosmosSdk") for chain in ("alpha-1", "eth-1"))
    hermes.write_text(chains + eth)
    ours.write_text(f'[hermes]\nconfig = "{hermes}"\n')
    places = Places(tmp_path / "config", tmp_path / "data", tmp_path / "state", tmp_path, tmp_path)
    settings = load(config_path=ours, env={}, flags={}, places=places)
    wallet = desk_of(settings).wallet
    assert wallet is not None
    assert wallet.listed() == []
    with pytest.raises(ConfigError, match="nobody can be asked"):
        wallet.add(wallet.derived("alpha-1", PHRASE), NOW)
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "pw"

    wallet = desk_of(replace(settings, ask=ask)).wallet
    assert (wallet is not None, asked) == (True, [])
    assert wallet is not None
    kept = [wallet.add(wallet.derived(chain, PHRASE), NOW) for chain in ("alpha-1", "eth-1")]
    assert ([key.kind for key in kept], len(asked)) == (["secp256k1", "eth_secp256k1"], 2)
    assert [path.name for path in (tmp_path / "config" / "keys").iterdir()] == ["wallet.json"]


def test_wiring_a_desk_loads_what_signs() -> None:
    modules = loaded_by("import relayclear.bootstrap.wallet")
    assert not {"cryptography", "relayclear.chains.wallet", "relayclear.config.walletfile", "cosmpy"} & modules
