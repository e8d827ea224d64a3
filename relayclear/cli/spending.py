"""Before money goes: the amount typed by a person, or --yes with the most that may go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from relayclear.cli.asking import typed
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, say
from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.coin import Coin


def together(coins: Iterable[Coin]) -> tuple[Coin, ...]:
    """The sum of each denom, by denom."""
    sums: dict[str, int] = {}
    for coin in coins:
        sums[coin.denom] = sums.get(coin.denom, 0) + coin.amount
    return tuple(Coin(denom, amount) for denom, amount in sorted(sums.items()))


def may_spend(
    face: Face, coins: Iterable[Coin], most: Iterable[Coin], show: Callable[[], None], *, yes: bool
) -> Exit | None:
    """Show what will be sent and ask for the amount to be typed; None where it was, the exit code where it wasn't.

    Nobody is asked with `yes`, and nobody can be without a terminal.  Raises UsageError naming the
    missing flag, RefusedError where more would go than `most` says.
    """
    sums, capped = together(coins), tuple(most)
    if yes:
        _refuse_more(sums, capped)
        return None
    if face.json or not sys.stdin.isatty():
        raise UsageError("this sends money and nobody can be asked here", hint=f"add --yes {flags(sums)}")
    show()
    return amount_typed(sums)


def amount_typed(sums: tuple[Coin, ...]) -> Exit | None:
    """Ask a person to type the amount."""
    wanted = text_of(sums)
    said = typed(f"Type the amount to go on ({wanted})").replace(" ", "")
    if said == wanted or (len(sums) == 1 and said == str(sums[0].amount)):
        return None
    say("That is not the amount. Nothing was done.")
    return Exit.REFUSED


def flags(sums: Iterable[Coin]) -> str:
    """The flags that let exactly so much go."""
    return " ".join(f"--max-amount {coin}" for coin in sums)


def text_of(sums: Iterable[Coin]) -> str:
    """Coins as they are typed."""
    return ",".join(map(str, sums))


def _refuse_more(sums: tuple[Coin, ...], most: tuple[Coin, ...]) -> None:
    if not most:
        raise UsageError("--yes sends money only with --max-amount, the most that may go", hint=f"add {flags(sums)}")
    capped = {coin.denom: coin.amount for coin in together(most)}
    for coin in sums:
        if coin.amount > capped.get(coin.denom, 0):
            raise RefusedError(
                f"{coin} would go, and --max-amount allows {capped.get(coin.denom, 0)}{coin.denom}",
                hint=flags(sums),
                code="above_max_amount",
            )
