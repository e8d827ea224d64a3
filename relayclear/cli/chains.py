"""`relayclear chains` and `relayclear channels`: what the Hermes config gives, with its health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, error_row, rfc3339
from relayclear.ibc import instant

if TYPE_CHECKING:
    from relayclear.cli.tables import Cell
    from relayclear.ibc.topology import ClientHealth
    from relayclear.usecases.chains_view import ChainView, ChannelList, ChannelView, KeyView
    from relayclear.usecases.desk import Desk


def chains(ctx: typer.Context) -> int:
    """List the chains of the Hermes config: height, endpoint, keys and what they hold for gas."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read every chain, and show them."""
        from relayclear.usecases.chains_view import list_chains

        with face.waiting("reading the chains"):
            views = await list_chains(desk)
        if face.json:
            skipped = [{"chain": chain, "type": kind} for chain, kind in sorted(desk.unsupported.items())]
            rows = [_chain_row(view) for view in views]
            face.emit({"taken_at": rfc3339(desk.clock.now()), "chains": rows, "unsupported": skipped})
        else:
            _print_chains(face, views)
            for chain, kind in sorted(desk.unsupported.items()):
                typer.echo(f"{chain} is a {kind} chain: not supported, skipped")
        return Exit.UNREACHABLE if any(view.error for view in views) else Exit.DONE

    return face.run(work)


def _chain_row(view: ChainView) -> dict[str, Any]:
    head = view.head
    return {
        "chain": view.chain,
        "status": "ok" if head else "failed",
        "error": error_row(view.error) if view.error else None,
        "height": head.height if head else None,
        "block_time": rfc3339(head.at) if head else None,
        "endpoint": head.endpoint if head else None,
        "tx_index": head.tx_index if head else None,
        "node_version": head.comet_version if head else None,
        "keys": [_key_row(key) for key in view.keys],
    }


def _key_row(view: KeyView) -> dict[str, Any]:
    from relayclear.cli.rows import coin_row

    return {
        "role": view.role,
        "name": view.key.name if view.key else None,
        "address": view.key.address if view.key else None,
        "sequence": view.account.sequence if view.account else None,
        "gas": coin_row(view.gas),
        "error": error_row(view.error) if view.error else None,
    }


def _print_chains(face: Face, views: list[ChainView]) -> None:
    from relayclear.cli.lines import print_filled
    from relayclear.wording import moment, of_chain

    out = console(face.color)
    for view in views:
        if view.head is None:
            message = view.error.message if view.error else "no answer"
            print_filled(out, f"{view.chain}: {of_chain(view.chain, message)}", "✗ ", "red")
            continue
        index = "" if view.head.tx_index else ", transactions are not indexed"
        glyph, style = ("✓", "green") if view.head.tx_index else ("!", "yellow")
        out.print(f"{glyph} {view.chain} at {view.head.height}, {moment(view.head.at)}{index}", style=style)
        out.print(f"    {view.head.endpoint}", style="dim", soft_wrap=True)
        for key in view.keys:
            print_filled(out, _key_line(key), "    ", "red" if key.error else "")


def _key_line(view: KeyView) -> str:
    from relayclear.ibc.coin import Coin
    from relayclear.wording import coin, short

    if view.key is None:
        return f"{view.role} key: {view.error.message if view.error else 'not known'}"
    gas = Coin(str(view.gas_path), view.gas.amount) if view.gas and view.gas_path else view.gas
    address = short(view.key.address) if view.key.address else "address not known"
    return f"{view.role} key {view.key.name}  {address}  {coin(gas) or 'gas not known'}"


def channels(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str | None, typer.Option(metavar="CHAIN", help="Only what this chain sends.", autocompletion=completion.chains)
    ] = None,
) -> int:
    """List every path that both ends agree on, with states and clients; and those that don't add up."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read every path, and show those in scope; exit code 3 where a chain could not be read."""
        from relayclear.usecases.chains_view import list_channels
        from relayclear.usecases.scan import Scope

        with face.waiting("reading the chains"):
            found = await list_channels(desk, Scope(chain), face.progress())
        if face.json:
            face.emit({"taken_at": rfc3339(desk.clock.now()), **_channels_document(found)})
        else:
            _print_channels(face, found)
        return Exit.UNREACHABLE if found.failures else Exit.DONE

    return face.run(work)


def _channels_document(found: ChannelList) -> dict[str, Any]:
    from relayclear.cli.rows import end_row

    return {
        "channels": [_channel_row(view) for view in found.channels],
        "broken": [{**end_row(item.end), "claims": item.claims, "why": item.why} for item in found.broken],
        "failures": [{"chain": chain, "error": error_row(error)} for chain, error in sorted(found.failures.items())],
    }


def _channel_row(view: ChannelView) -> dict[str, Any]:
    from relayclear.cli.rows import end_row

    path = view.path
    return {
        **end_row(path.source),
        "counterparty": end_row(path.destination),
        "ordering": path.ordering.value,
        "version": path.version,
        "state": view.source_state.value,
        "counterparty_state": view.destination_state.value,
        "connection": path.source_connection,
        "client": _client_row(path.source_client, view.source_client),
        "counterparty_client": _client_row(path.destination_client, view.destination_client),
    }


def _client_row(client: str, health: ClientHealth | None) -> dict[str, Any]:
    return {
        "client": client,
        "status": health.status.value if health else None,
        "expires_at": rfc3339(health.expires_at) if health else None,
    }


def _print_channels(face: Face, found: ChannelList) -> None:
    from relayclear.cli.tables import Cell, Column, print_table
    from relayclear.ibc.text import visible
    from relayclear.wording import counted, of_chain

    rows = [
        [
            Cell(visible(str(view.path.source))),
            Cell(visible(str(view.path.destination))),
            Cell(view.source_state.value, "" if view.source_state == "open" else "yellow"),
            Cell(view.path.ordering.value),
            _client_cell(view),
        ]
        for view in found.channels
    ]
    out = console(face.color)
    columns = (
        Column("channel"),
        Column("to"),
        Column("state"),
        Column("ordering", drop=1),
        Column("clients", folds=True),
    )
    if rows:
        print_table(out, columns, rows)
    for item in found.broken:
        out.print(
            f"! {visible(str(item.end))} claims to lead to {visible(item.claims)}: {visible(item.why)}", style="yellow"
        )
    for chain, error in sorted(found.failures.items()):
        out.print(f"✗ {chain} could not be read: {of_chain(chain, error.message)}", style="red")
    out.print(f"{counted(len(found.channels), 'path')}.", style="dim")


def _client_cell(view: ChannelView) -> Cell:
    from relayclear.cli.tables import Cell

    near, far = view.source_client, view.destination_client
    if near is None or far is None:
        return Cell("could not be read", "yellow")
    if near.status == far.status == "active":
        ends = [health.expires_at for health in (near, far) if health.expires_at]
        return Cell(f"active until {instant.minute(min(ends))}" if ends else "active")
    return Cell(f"{view.path.source_client} {near.status}, {view.path.destination_client} {far.status}", "red")
