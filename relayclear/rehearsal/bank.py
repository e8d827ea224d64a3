"""Accounts and coins (Cosmos SDK x/auth, x/bank), with the events of SDK 0.50."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import event
from relayclear.rehearsal.failures import BANK, SDK, TxFailure
from relayclear.rehearsal.keys import decode_address, module_address
from relayclear.rehearsal.store import View

FEE_COLLECTOR = "fee_collector"
_NEVER_PAID = (FEE_COLLECTOR, "distribution", "mint", "bonded_tokens_pool", "not_bonded_tokens_pool")
Coins = Sequence[Any]
"""Protobuf coins: each has `denom` and `amount`, a decimal string."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account; `public` is empty until it signed once."""

    address: str
    number: int
    sequence: int = 0
    public: bytes = b""


def account(view: View, address: str) -> Account | None:
    """The account, None where nobody ever received anything."""
    found: Account | None = view.get(f"auth:account/{address}")
    return found


def put_account(ctx: Context, changed: Account) -> None:
    """Write an account."""
    ctx.store.set(f"auth:account/{changed.address}", changed)


def touch(ctx: Context, address: str) -> None:
    """Make the account when it isn't there, with the next number."""
    if account(ctx.store, address) is None:
        number = ctx.store.get("auth:next") or 0
        ctx.store.set("auth:next", number + 1)
        put_account(ctx, Account(address, number))


def advance(ctx: Context, address: str) -> None:
    """Use up one sequence of an account that is there."""
    found: Account = ctx.store.get(f"auth:account/{address}")
    put_account(ctx, replace(found, sequence=found.sequence + 1))


def balance(view: View, address: str, denom: str) -> int:
    """What an account holds of a denom."""
    return int(view.get(f"bank:balance/{address}/{denom}") or 0)


def text(coins: Coins) -> str:
    """Coins as the SDK writes them: `5stake,7token`."""
    return ",".join(f"{coin.amount}{coin.denom}" for coin in coins)


def allowance_key(granter: str, grantee: str) -> str:
    """Where it stands that an account pays another one's fees."""
    return f"feegrant:{granter}/{grantee}"


def send(ctx: Context, sender: str, receiver: str, coins: Coins) -> None:
    """Move coins.  Raises TxFailure where they aren't there; a receiver without an account gets one."""
    spend(ctx, sender, coins)
    receive(ctx, receiver, coins)
    ctx.emit(
        event("transfer", recipient=receiver, sender=sender, amount=text(coins)),
        event("message", sender=sender),
    )


def check_allowed(ctx: Context, receiver: str, coins: Coins) -> None:
    """Refuse a coin that governance has switched off, and a module's account.  Raises TxFailure."""
    for coin in coins:
        if ctx.store.get(switched_off_key(coin.denom)):
            raise TxFailure(BANK, 7, f"{coin.denom} transfers are currently disabled")
    if receiver in {module_address(name, ctx.spec.prefix) for name in _NEVER_PAID}:
        raise TxFailure(SDK, 4, f"{receiver} is not allowed to receive funds")


def switched_off_key(denom: str) -> str:
    """Where it stands that nobody may send a denom."""
    return f"bank:switched-off/{denom}"


def spend(ctx: Context, sender: str, coins: Coins) -> None:
    """Take coins from an account.  Raises TxFailure where they aren't there."""
    for coin in coins:
        held = balance(ctx.store, sender, coin.denom)
        if held < int(coin.amount):
            have, want = f"{held}{coin.denom}", f"{coin.amount}{coin.denom}"
            raise TxFailure(SDK, 5, f"spendable balance {have} is smaller than {want}")
        _put(ctx, sender, coin.denom, held - int(coin.amount))
    ctx.emit(event("coin_spent", spender=sender, amount=text(coins)))


def receive(ctx: Context, receiver: str, coins: Coins) -> None:
    """Give coins to an account, and the account to whoever had none."""
    for coin in coins:
        _put(ctx, receiver, coin.denom, balance(ctx.store, receiver, coin.denom) + int(coin.amount))
    ctx.emit(event("coin_received", receiver=receiver, amount=text(coins)))
    touch(ctx, receiver)


def mint(ctx: Context, module: str, coins: Coins) -> None:
    """Make coins for a module's account."""
    receive(ctx, module, coins)
    ctx.emit(event("coinbase", minter=module, amount=text(coins)))


def burn(ctx: Context, module: str, coins: Coins) -> None:
    """Destroy coins of a module's account."""
    spend(ctx, module, coins)
    ctx.emit(event("burn", burner=module, amount=text(coins)))


def multi_send(ctx: Context, inputs: Coins, outputs: Sequence[Any]) -> None:
    """One sender, many receivers.  Raises TxFailure.  Outputs' `transfer` events name no sender before SDK 0.53."""
    [source] = inputs
    named = {} if ctx.spec.old else {"sender": source.address}
    sent = event("message", sender=source.address)
    if not ctx.spec.old:
        ctx.emit(sent)
    spend(ctx, source.address, source.coins)
    if ctx.spec.old:
        ctx.emit(sent)
    for output in outputs:
        receive(ctx, output.address, output.coins)
        ctx.emit(event("transfer", recipient=output.address, **named, amount=text(output.coins)))


def checked_address(ctx: Context, address: str, which: str) -> str:
    """The address, which must be one of this chain; `which` it is stands in the text.  Raises TxFailure."""
    try:
        decode_address(address, ctx.spec.prefix)
    except ValueError as refused:
        raise TxFailure(SDK, 7, f"invalid {which} address: {refused}") from refused
    return address


def _put(ctx: Context, address: str, denom: str, amount: int) -> None:
    ctx.store.set(f"bank:balance/{address}/{denom}", amount or None)
