"""What must hold before any money is taken: somebody sells, and three accounts are apart."""

from __future__ import annotations

from itertools import combinations

from relayclear.errors import ConfigError, UsageError
from relayclear.ibc.address import same_account
from relayclear.ibc.nearest import did_you_mean
from relayclear.money.fees import PriceList
from relayclear.usecases.desk import Desk
from relayclear.usecases.shop import Shop


def require_shop(desk: Desk) -> Shop:
    """The desk's shop.  Raises ConfigError where nothing is sold at all."""
    if desk.shop is None or not desk.shop.payees:
        raise ConfigError(
            "nothing is sold here: no chain has a payee",
            hint='set [chains."CHAIN"] payee and prices (relayclear config path says where)',
            code="no_payee",
        )
    return desk.shop


def refuse_shared_accounts(desk: Desk, shop: Shop, ends: frozenset[str], paying: str) -> None:
    """Refuse to take money on `paying` for work between `ends` unless payee, clearing and daemon key are apart.

    Otherwise Hermes and refunds race for one account sequence, and gas eats what payers are owed.
    Raises ConfigError, also where an end has no clearing key or its address can't be read: who
    cleared a packet is proved by it.
    """
    for chain in sorted(ends | {paying}):
        named = chain in ends or chain in desk.clearing_keys
        accounts = [("clearing key", _clearing_address(desk, chain))] if named else []
        accounts += [("daemon key", address) for address in sorted(desk.daemon_keys.get(chain, ()))]
        if chain in shop.payees:
            accounts.append(("payee", shop.payees[chain]))
        for (role, address), (other, account) in combinations(accounts, 2):
            # Several Hermes may share a daemon key; that is not ours to judge.
            if role != other and same_account(address, account):
                raise _shared(chain, role, other, address)


def _clearing_address(desk: Desk, chain: str) -> str:
    name = desk.clearing_keys.get(chain)
    if not name:
        raise ConfigError(
            f"no clearing key is named for {chain}: paid work never signs with the daemon's key",
            hint="relayclear doctor prints how to make one",
            code="no_clearing_key",
        )
    relayer = next(instance.relayer for instance in desk.instances if chain in instance.chains)
    address = relayer.key(chain, name).address
    if address is None:
        raise ConfigError(
            f"the address of clearing key {name!r} on {chain} can't be read: without it nobody can tell who cleared",
            hint="let relayclear see the key folder of that Hermes, read-only",
            code="clearing_key_hidden",
        )
    return address


def _shared(chain: str, one: str, other: str, address: str) -> ConfigError:
    return ConfigError(
        f"{one} and {other} on {chain} are the same account, {address}",
        hint="relayclear doctor prints how to make a key of its own",
        code="shared_account",
    )


def accepted_denom(prices: PriceList, wanted: str | None) -> str:
    """The denom to pay in: the wanted one, else the first of the price list.  Raises UsageError naming the others."""
    if wanted is None:
        return prices.schedules[0].denom
    if prices.schedule(wanted) is None:
        known = [schedule.denom for schedule in prices.schedules]
        raise UsageError(
            f"{wanted[:128]!r} is not accepted on {prices.chain}{did_you_mean(wanted, known)}",
            hint=f"--pay-denom {known[0]}",
            code="denom_not_accepted",
        )
    return wanted
