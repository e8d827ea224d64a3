"""The wallet that the settings describe: the file of keys, the passphrase that opens it, and the signing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.config.passphrase import PassphraseSource
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, UsageError
from relayclear.hermes.config import HermesChain
from relayclear.ibc.accounts import AccountKind, AccountType
from relayclear.ibc.spending import Draft, NewKey, SignedTx, WalletKey

if TYPE_CHECKING:
    from relayclear.config.walletfile import WalletFile

_COSMOS_KEY = "/cosmos.crypto.secp256k1.PubKey"
_CREDENTIALS = "CREDENTIALS_DIRECTORY"


def wallet_of(settings: Settings, loaded: Iterable[LoadedHermes]) -> FileWallet:
    """The wallet over the keys folder; nothing is read or asked before it is needed."""
    credentials = os.environ.get(_CREDENTIALS)
    source = PassphraseSource(settings.keys.passphrase_file, Path(credentials) if credentials else None, settings.ask)
    return FileWallet(settings.keys_dir, accounts_of(loaded), source)


def accounts_of(loaded: Iterable[LoadedHermes]) -> dict[str, AccountType]:
    """How the accounts of every configured chain sign; where several configs have it, by the first."""
    return {chain.id: _account_type(chain) for item in reversed([*loaded]) for chain in item.config.chains}


class FileWallet:
    """The `Wallet` port over `wallet.json`, for chains of these accounts.

    Every command wires this, and few spend: the libraries of signing are loaded where they are used.
    """

    def __init__(self, folder: Path, accounts: Mapping[str, AccountType], passphrase: PassphraseSource) -> None:
        self._folder, self._accounts, self._passphrase = folder, accounts, passphrase

    @cached_property
    def _file(self) -> WalletFile:
        from relayclear.config.walletfile import WalletFile  # noqa: PLC0415

        return WalletFile(self._folder)

    def listed(self) -> list[WalletKey]:
        """The public parts of all keys, by chain."""
        return self._file.listed()

    def find(self, chain: str) -> WalletKey | None:
        """The public part of a chain's key, None where there is none."""
        return self._file.find(chain)

    def unsigned(self, draft: Draft) -> bytes:
        """The transaction with an empty signature."""
        from relayclear.chains.wallet.transactions import unsigned_tx  # noqa: PLC0415

        return unsigned_tx(draft)

    def sign(self, draft: Draft) -> SignedTx:
        """Sign.  Raises UsageError where the chain has no key or another address, ConfigError for a changed config."""
        from relayclear.chains.wallet.keys import public_key_of  # noqa: PLC0415
        from relayclear.chains.wallet.transactions import signed_tx  # noqa: PLC0415
        from relayclear.ibc.signing import address_of  # noqa: PLC0415

        account, key = self._account(draft.chain), self._file.find(draft.chain)
        if key is not None and key.address != draft.sender:
            raise UsageError(
                f"the wallet's key on {draft.chain} is {key.address}, not {draft.sender}", hint="relayclear wallet list"
            )
        secret = self._file.secret(draft.chain, self._passphrase)
        # Of another kind or prefix than when it was added, the chain would refuse what it signs.
        if address_of(public_key_of(secret), account.kind, account.prefix) != draft.sender:
            raise ConfigError(
                f"{draft.sender} is no {account.kind} account of {draft.chain} by Hermes' config any more",
                hint=f"check account_prefix and address_type of {draft.chain} there",
                code="other_account_type",
            )
        return signed_tx(draft, secret, account)

    def derived(self, chain: str, phrase: str, path: str | None = None) -> NewKey:
        """The key of a mnemonic at a path."""
        from relayclear.chains.wallet.keys import public_key_of  # noqa: PLC0415
        from relayclear.chains.wallet.mnemonic import secret_of, usual_path  # noqa: PLC0415
        from relayclear.ibc.signing import address_of  # noqa: PLC0415

        account = self._account(chain)
        path = path or usual_path(account.kind)
        secret = secret_of(phrase, path)
        address = address_of(public_key_of(secret), account.kind, account.prefix)
        return NewKey(chain, address, account.kind.value, path, secret)

    def add(self, key: NewKey, at: datetime) -> WalletKey:
        """Keep a key under the passphrase."""
        kept = WalletKey(key.chain, key.address, key.kind, key.path, at)
        self._file.add(kept, key.secret, self._passphrase)
        return kept

    def remove(self, chain: str) -> WalletKey:
        """Forget a chain's key for good."""
        return self._file.remove(chain)

    def _account(self, chain: str) -> AccountType:
        if chain not in self._accounts:
            raise UsageError(f"no chain {chain!r} in the Hermes config", hint="relayclear chains")
        return self._accounts[chain]


def _account_type(chain: HermesChain) -> AccountType:
    """How a chain's accounts sign, by what its Hermes config says of addresses."""
    if chain.address_type.pk_type is None:
        return AccountType(chain.account_prefix, AccountKind.SECP256K1, _COSMOS_KEY)
    return AccountType(chain.account_prefix, AccountKind.ETH_SECP256K1, chain.address_type.pk_type)
