"""`relayclear packets`: list, show, mute, unmute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError
from relayclear.ibc.nearest import nearest_of

if TYPE_CHECKING:
    from relayclear.ibc.filter import Filter
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.listing import ListRequest

app = typer.Typer(no_args_is_help=True, help="Pending packets: what is stuck, why, and what would fix it.")
PEOPLE_LIMIT = 50


@app.command("list", epilog=examples("packets list"))
def list_(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="Only packets sent from this chain.", autocompletion=completion.chains),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(
            metavar="CHANNEL", help="Only packets sent over this channel.", autocompletion=completion.channels
        ),
    ] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="Only packets of this port.")] = None,
    packet_class: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="CLASS", help="stuck, timed_out, ack_missing, …", autocompletion=completion.classes
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="REASON", help="What blocks it: client_expired, excluded, …", autocompletion=completion.reasons
        ),
    ] = None,
    wallet: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Sender or receiver.")] = None,
    denom: Annotated[str | None, typer.Option(metavar="DENOM", help="Denom as the packet carries it.")] = None,
    age: Annotated[str | None, typer.Option(metavar="AGE", help='Like ">30m".')] = None,
    filter_text: Annotated[
        str, typer.Option("--filter", metavar="TERMS", help="Like 'class:stuck age:>1h !wallet:cosmos1…'.")
    ] = "",
    show_all: Annotated[bool, typer.Option("--all/--stuck", help="With those in flight, or without them.")] = False,
    muted: Annotated[bool, typer.Option("--muted", help="The muted ones instead.")] = False,
    details: Annotated[
        str | None, typer.Option(metavar="all|shown|none", help="Whose send transaction to look up.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Rows a page; 50 for people, all for --json.")
    ] = None,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Exit 10 when something is stuck.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
) -> int:
    """List pending packets, worst first."""
    face: Face = ctx.obj
    terms = {"class": packet_class, "reason": reason, "wallet": wallet, "denom": denom, "age": age}
    request = _request(
        face, _filter(filter_text, terms), (chain, channel, port), details, limit, offset, show_all, muted
    )
    if watch:
        from relayclear.cli.packet_pages import watch_packets

        return watch_packets(face, request)
    return face.run(lambda desk: _list_once(face, desk, request, check=check))


def _filter(text: str, terms: dict[str, str | None]) -> Filter:
    from relayclear.ibc.filter import Filter

    try:
        parsed = Filter.parse(text)
        for key, value in terms.items():
            if value is not None:
                parsed = parsed.and_(key, value)
    except ValueError as error:
        raise UsageError(str(error), hint="relayclear packets list --filter 'class:stuck age:>1h'") from error
    return parsed


def _request(
    face: Face,
    wanted: Filter,
    where: tuple[str | None, str | None, str | None],
    details: str | None,
    limit: int | None,
    offset: int,
    show_all: bool,  # noqa: FBT001 - the options as they came
    muted: bool,  # noqa: FBT001
) -> ListRequest:
    from relayclear.usecases.listing import DetailsMode, ListRequest
    from relayclear.usecases.scan import Scope

    if details is not None and details not in set(DetailsMode):
        raise UsageError(
            f"--details {details!r} is none of all, shown, none", hint=f"--details {nearest_of(details, DetailsMode)}"
        )
    return ListRequest(
        Scope(*where),
        wanted,
        DetailsMode(details or DetailsMode.SHOWN),
        attention=not show_all,
        only_muted=muted,
        limit=limit if limit is not None or face.json else PEOPLE_LIMIT,
        offset=offset,
    )


async def _list_once(face: Face, desk: Desk, request: ListRequest, *, check: bool) -> int:
    from relayclear.cli.packet_document import exit_of, listing_document
    from relayclear.usecases.listing import list_packets

    with face.waiting("reading the chains"):
        listing = await list_packets(desk, request, face.progress())
    if face.json:
        face.emit(listing_document(listing))
    else:
        from relayclear.cli.packet_pages import print_listing

        print_listing(face, listing, request)
    return exit_of(listing, check=check)


@app.command(epilog=examples("packets show"))
def show(
    ctx: typer.Context,
    packet: Annotated[
        str,
        typer.Argument(
            metavar="CHAIN/CHANNEL/SEQUENCE", help="A pending packet, or an old one.", autocompletion=completion.packets
        ),
    ],
) -> int:
    """Tell one packet's story: commitment, send, timeout, clients, why it is stuck, what would fix it."""
    from relayclear.cli.names import packet_key
    from relayclear.cli.packet_story import story_document, tell_story
    from relayclear.usecases.story import packet_story

    face: Face = ctx.obj
    key = packet_key(packet)

    async def work(desk: Desk) -> int:
        """Read everything about the packet, and tell it."""
        with face.waiting("reading the chains"):
            story = await packet_story(desk, key)
        if face.json:
            face.emit(story_document(story))
        else:
            tell_story(face, story)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("packets mute"))
def mute(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="CHAIN/CHANNEL[/SEQUENCES]",
            help="A channel, or some of its packets.",
            autocompletion=completion.packets,
        ),
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; shown wherever it is counted.")],
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A duration (7d) or a time (2026-12-01T00:00:00Z).")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Count a known-dead path or packet apart; it ends by itself when the packet's class changes."""
    from relayclear.cli.names import muted_end, until_moment
    from relayclear.cli.who import who
    from relayclear.usecases.mute import mute_packets

    face: Face = ctx.obj
    end, ranges = muted_end(what)

    def told(_: object, count: int) -> dict[str, Any]:
        """The document that an idempotency key answers with for ever."""
        return {"muted": what, "reason": reason, "packets": count}

    async def work(desk: Desk) -> int:
        """Mute, and say what that hides."""
        once = wish(idempotency_key, "packets mute", what, reason, until, told=told)
        until_then = until_moment(until, desk.clock.now())
        document = told(None, await mute_packets(desk, end, ranges, reason, until_then, who(), once))
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return Exit.DONE

    async def page(_: Desk, document: Any) -> None:
        """The same answer for a person."""
        count = document["packets"]
        typer.echo(f"muted {what}: {count} pending there {'counts' if count == 1 else 'count'} apart")
        typer.echo(f"undo: relayclear packets unmute {what}")

    return run_once(face, work, told_again(face, page))


@app.command(epilog=examples("packets unmute"))
def unmute(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="CHAIN/CHANNEL[/SEQUENCES]",
            help="A channel, or some of its packets.",
            autocompletion=completion.muted,
        ),
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the history keeps it.")] = "",
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Take mutes back."""
    from relayclear.cli.names import muted_end
    from relayclear.cli.who import who
    from relayclear.usecases.mute import unmute_packets

    face: Face = ctx.obj
    end, ranges = muted_end(what)

    def told(_: object, ended: int) -> dict[str, Any]:
        """The document that an idempotency key answers with for ever."""
        return {"unmuted": what, "mutes_ended": ended}

    def code(document: Any) -> Exit:
        """1 where there was nothing to take back."""
        return Exit.DONE if document["mutes_ended"] else Exit.FAILED

    async def work(desk: Desk) -> int:
        """Unmute; exit code 1 where nothing was muted."""
        once = wish(idempotency_key, "packets unmute", what, reason, told=told)
        document = told(None, unmute_packets(desk, end, ranges, reason, who(), once))
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return code(document)

    async def page(_: Desk, document: Any) -> None:
        """The same answer for a person."""
        ended = document["mutes_ended"]
        typer.echo(f"{ended} mute{'' if ended == 1 else 's'} of {what} ended")

    return run_once(face, work, told_again(face, page, code))
