"""`relayclear stats`: whether clearing works, how long payers wait, what it earns and costs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.console import Console

    from relayclear.ibc.packet import ChannelEnd
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.stats import Channel, Denom, Profit, Statistics, Waits

_BUSIEST = 5
_BAR = 30
_WIDTH = 78
_GAINS = ("earned", "fee_kept", "written_off", "income")
_COSTS = ("clearing", "refund_fees", "our_loss", "expenses")


def stats(
    ctx: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A duration (30d) or a time (2026-12-01T00:00:00Z).")
    ] = None,
    wallet: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only sales for this sender's packets, or paid by it.")
    ] = None,
) -> int:
    """Add up what was cleared: success, waiting time, earnings against gas, busiest channels and hours."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Add up what the database knows."""
        from relayclear.cli.names import since_moment
        from relayclear.usecases.stats import gather

        start = since_moment(since, desk.clock.now())
        found = gather(desk, start, wallet)
        if face.json:
            face.emit(_document(found, start, wallet))
        else:
            _print(face, found)
        return Exit.DONE

    return face.run(work)


def _document(found: Statistics, since: datetime | None, wallet: str | None) -> dict[str, Any]:
    waits = found.waited()
    return {
        "since": rfc3339(since),
        "wallet": wallet,
        "operations": {
            "total": found.total,
            "sold": found.sold,
            "tried": found.tried,
            "succeeded": found.succeeded,
            "by_state": {state.value: count for state, count in sorted(found.states.items())},
        },
        "packets": {
            "total": found.fates.total(),
            "by_us": found.by_us,
            "by_fate": {fate.value: count for fate, count in sorted(found.fates.items())},
        },
        "payment_to_cleared_seconds": {
            "count": waits.count,
            "median": waits.median,
            "ninth_of_ten": waits.ninth_of_ten,
            "longest": waits.longest,
        },
        "money": _money_rows(found.earned, found.gas),
        "profit_and_loss": None if wallet is not None else [_profit_row(*one) for one in found.profits.items()],
        "channels": [_channel_row(end, channel) for end, channel in _busiest(found)],
        "hours": list(found.hours),
    }


def _money_rows(earned: dict[Denom, int], gas: dict[Denom, int]) -> list[dict[str, Any]]:
    """A row for each coin that was earned or paid; amounts of different coins are never set against each other."""
    return [
        {
            "chain": chain,
            "earned": {"denom": denom, "amount": str(earned.get(place, 0))},
            "gas": {"denom": denom, "amount": str(gas.get(place, 0))},
        }
        for place in _places(earned, gas)
        for chain, denom in [place]
    ]


def _profit_row(place: Denom, profit: Profit) -> dict[str, Any]:
    parts = {name: getattr(profit, name) for name in (*_GAINS, *_COSTS)} | {"result": profit.result}
    rows = {name: {"denom": place.denom, "amount": str(amount)} for name, amount in parts.items()}
    return {"chain": place.chain, **rows}


def _places(*amounts: dict[Denom, int]) -> list[Denom]:
    return sorted({place for one in amounts for place in one})


def _busiest(found: Statistics) -> list[tuple[ChannelEnd, Channel]]:
    return sorted(found.channels.items(), key=lambda item: (-item[1].operations, -item[1].packets, item[0]))


def _channel_row(end: ChannelEnd, channel: Channel) -> dict[str, Any]:
    from relayclear.cli.rows import end_row

    counts = {"operations": channel.operations, "packets": channel.packets}
    return {**end_row(end), **counts, "money": _money_rows(channel.earned, channel.gas)}


def _print(face: Face, found: Statistics) -> None:
    out = console(face.color)
    if not found.total:
        out.print("No clears match.")
        _print_profits(out, found)
        return
    for line in _lines(found):
        out.print(line, soft_wrap=True)
    _print_profits(out, found)
    _print_channels(face, found)
    out.print("hour of day, UTC")
    highest = max(found.hours)
    for hour, count in enumerate(found.hours):
        if count:
            out.print(f"  {hour:02}  {'▪' * max(1, count * _BAR // highest)} {count}")


def _lines(found: Statistics) -> Iterable[str]:
    from relayclear.wording import FATES, OPERATIONS

    states = ", ".join(f"{count} {OPERATIONS[state].word}" for state, count in sorted(found.states.items()))
    yield f"{found.total} operations, {found.sold} of them sold: {states}"
    if found.tried:
        yield f"{found.succeeded} of {found.tried} that ended cleared every packet ({_percent(found)} %)"
    fates = ", ".join(f"{count} {FATES[fate].word}" for fate, count in sorted(found.fates.items()))
    yield f"{found.fates.total()} packets, {found.by_us} by us: {fates}"
    yield from _wait_line(found.waited())
    for row in _money_rows(found.earned, found.gas):
        denom = row["earned"]["denom"]
        yield f"{row['chain']}: earned {row['earned']['amount']} {denom}, gas {row['gas']['amount']} {denom}"


def _percent(found: Statistics) -> int:
    # Rounded down: a hundred is said only where nothing failed.
    return 100 * found.succeeded // found.tried


def _wait_line(waits: Waits) -> Iterable[str]:
    from relayclear.wording import long_age

    if waits.median is not None and waits.ninth_of_ten is not None and waits.longest is not None:
        texts = (long_age(waits.median), long_age(waits.ninth_of_ten), long_age(waits.longest))
        median, ninth, longest = texts
        yield f"payment to cleared: half within {median}, nine of ten within {ninth}, the longest {longest}"


def _print_profits(out: Console, found: Statistics) -> None:
    from relayclear.ibc.text import clean
    from relayclear.wording.books import profit_line

    for place, profit in found.profits.items():
        gains = [(name, getattr(profit, name)) for name in _GAINS]
        costs = [(name, -getattr(profit, name)) for name in _COSTS]
        line = profit_line(place.chain, place.denom, profit.result, [*gains, *costs])
        text = textwrap.fill(clean(line, 600), _WIDTH, subsequent_indent="  ", break_long_words=False)
        out.print(text, soft_wrap=True)


def _print_channels(face: Face, found: Statistics) -> None:
    from relayclear.cli.tables import Cell, Column, print_table

    rows = []
    for end, channel in _busiest(found)[:_BUSIEST]:
        money = (_coins(channel.earned), _coins(channel.gas))
        texts = (str(end), str(channel.operations), str(channel.packets), *money)
        rows.append([Cell(text) for text in texts])
    columns = (
        Column("busiest channels", folds=True),
        Column("operations", right=True),
        Column("packets", right=True, drop=2),
        Column("earned", folds=True),
        Column("gas", drop=1, folds=True),
    )
    print_table(console(face.color), columns, rows)


def _coins(amounts: dict[Denom, int]) -> str:
    return ", ".join(f"{amounts[place]} {place.denom}" for place in sorted(amounts) if amounts[place])
