"""The operator's keys that refunds are signed with: put into the wallet, listed, taken out."""

from __future__ import annotations

from typing import NamedTuple

from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.address import same_account
from relayclear.ibc.spending import NewKey, WalletKey
from relayclear.ports import Wallet
from relayclear.store import history
from relayclear.store.history import Event
from relayclear.usecases.desk import Desk


class WalletView(NamedTuple):
    """A key, and whether it is the chain's payee: the account that refunds are paid from; None without a payee."""

    key: WalletKey
    is_payee: bool | None


def list_wallet(desk: Desk) -> list[WalletView]:
    """All keys by chain.  Raises ConfigError where the key file can't be used safely."""
    return [_view(desk, key) for key in _wallet(desk).listed()]


def add_wallet_key(desk: Desk, chain: str, phrase: str, path: str | None, who: str) -> WalletView:
    """Keep the key that a mnemonic leads to, at the usual path where none is named.

    Raises UsageError for an unknown chain, a phrase or a path that can't be; RefusedError where the chain has a key,
    or where the key isn't the payee's or is one that Hermes signs with; ConfigError for the file or its passphrase.
    """
    wallet = _wallet(desk)
    desk.chain(chain)
    found = wallet.find(chain)
    if found is not None:
        raise RefusedError(
            f"the wallet has a key for {chain} already, {found.address}",
            hint=f"relayclear wallet remove --chain {chain}",
            code="key_exists",
        )
    new = wallet.derived(chain, phrase, path)
    _refuse_another_than_the_payee(desk, new)
    _refuse_keys_of_hermes(desk, new)
    key = wallet.add(new, desk.clock.now())
    _tell(desk, who, "wallet_key_added", key)
    return _view(desk, key)


def remove_wallet_key(desk: Desk, chain: str, who: str) -> WalletView:
    """Forget a chain's key for good.  Raises UsageError where there is none."""
    key = _wallet(desk).remove(chain)
    _tell(desk, who, "wallet_key_removed", key)
    return _view(desk, key)


def _view(desk: Desk, key: WalletKey) -> WalletView:
    payee = desk.shop.payees.get(key.chain) if desk.shop else None
    return WalletView(key, None if payee is None else same_account(payee, key.address))


def _refuse_another_than_the_payee(desk: Desk, new: NewKey) -> None:
    """What arrives at one account can't be paid back from another."""
    payee = desk.shop.payees.get(new.chain) if desk.shop else None
    if payee is not None and not same_account(payee, new.address):
        raise RefusedError(
            f"this key is {new.address}, but payments on {new.chain} arrive at {payee}",
            hint=f"give the payee's mnemonic, its --hd-path (this was {new.path}), or change the payee in the config",
            code="not_the_payee",
        )


def _refuse_keys_of_hermes(desk: Desk, new: NewKey) -> None:
    """Hermes and refunds would race for one account sequence, and gas would eat what payers are owed."""
    taken = [("daemon key", address) for address in sorted(desk.daemon_keys.get(new.chain, ()))]
    taken += [("clearing key", address) for address in _clearing_address(desk, new.chain)]
    for role, address in taken:
        if same_account(address, new.address):
            raise RefusedError(
                f"{new.address} is Hermes' {role} on {new.chain}: refunds need an account of their own",
                hint="make a new mnemonic for the payee; relayclear help money says why",
                code="shared_account",
            )


def _clearing_address(desk: Desk, chain: str) -> list[str]:
    """The clearing key's account; none where it can't be told, which doctor and every quote say."""
    name = desk.clearing_keys.get(chain)
    try:
        keys = [one.relayer.key(chain, name) for one in desk.instances if chain in one.chains] if name else []
    except RelayclearError:
        return []
    return [key.address for key in keys if key.address is not None]


def _tell(desk: Desk, who: str, what: str, key: WalletKey) -> None:
    # The file can't be part of the commit; it says itself what is in it and since when.
    detail = {"address": key.address, "kind": key.kind, "path": key.path}
    with desk.journal.database.atomic() as tx:
        history.add(tx, Event(desk.clock.now(), who, what, subject=f"wallet {key.chain}", detail=detail))


def _wallet(desk: Desk) -> Wallet:
    if desk.wallet is None:
        raise RefusedError("no wallet is set up here", hint="relayclear config path", code="no_wallet")
    return desk.wallet
