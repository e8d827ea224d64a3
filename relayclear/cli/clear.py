"""`relayclear clear`: plan, ask, run, and say what became of each packet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.clear_again import run_clear_once
from relayclear.cli.clear_offer import Options, exit_of, offer
from relayclear.cli.face import Face
from relayclear.cli.lines import say_filled
from relayclear.cli.names import coins, sequences
from relayclear.cli.once import IdempotencyKey, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError
from relayclear.ibc.packet import ChannelEnd, SequenceRanges

if TYPE_CHECKING:
    from relayclear.usecases.clear_plan import ClearPlan
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.once import Once
    from relayclear.usecases.sold_packets import Holder

Closing = Annotated[
    str | None,
    typer.Option(metavar="CHANNEL", help="Allow closing this ordered one.", autocompletion=completion.channels),
]


def clear(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="The chain that sent the packets.", autocompletion=completion.chains),
    ] = None,
    port: Annotated[str, typer.Option(metavar="PORT", help="Its port.")] = "transfer",
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Its channel.", autocompletion=completion.channels)
    ] = None,
    packet_sequences: Annotated[str | None, typer.Option(metavar="1,10..20", help="Exactly these.")] = None,
    filter_text: Annotated[
        str | None, typer.Option("--filter", metavar="TERMS", help="Instead: packets of many channels at once.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="rc1…", help="Instead: the packets of a paid token.", autocompletion=completion.tokens),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="With --token: wait until it is paid.")] = False,
    max_packets: Annotated[int, typer.Option(min=1, metavar="N", help="With --filter: refuse more than this.")] = 100,
    key_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The Hermes key to sign with, on both chains.")
    ] = None,
    share_key: Annotated[
        bool, typer.Option("--share-key", help="Use the daemon's key though it may sign too.")
    ] = False,
    max_fee: Annotated[
        list[str] | None, typer.Option(metavar="COIN", help="Most a transaction may cost; may be repeated.")
    ] = None,
    close_channel: Closing = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Clear exactly the chosen packets through Hermes and prove on both chains what became of each."""
    face: Face = ctx.obj
    options = Options(key_name, share_key, coins(max_fee, "--max-fee"), close_channel, dry_run, yes, max_packets)
    if token is not None or wait:
        if token is None or chain or channel or packet_sequences or filter_text:
            raise _mixed("--token stands instead of --chain, --channel and --packet-sequences; --wait goes with it")
        from relayclear.cli.clear_token import clear_paid

        return clear_paid(face, token, options, _wish(idempotency_key, options, "--token", token), wait=wait)
    if filter_text is not None:
        if idempotency_key is not None:
            raise _mixed("--idempotency-key goes with packets of one channel, or with one token: not with --filter")
        if chain or channel or packet_sequences:
            raise _mixed("--filter stands instead of --chain, --channel and --packet-sequences")
        from relayclear.cli.clear_many import clear_many

        return clear_many(face, filter_text, options)
    if chain is None or channel is None or packet_sequences is None:
        raise UsageError(
            "clear needs --chain, --channel and --packet-sequences, or --filter",
            hint="relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 1,10..20",
        )
    end, wanted = ChannelEnd(chain, port, channel), sequences(packet_sequences)
    settings = (key_name, share_key, *options.max_fees, close_channel)
    return _clear_one(face, end, wanted, options, _wish(idempotency_key, options, *end, wanted, *settings))


def _mixed(message: str) -> UsageError:
    return UsageError(message, hint="choose one way to name the packets: relayclear clear --help shows each")


def _wish(key: str | None, options: Options, *words: object) -> Once:
    # Whoever only looks is answered as things are now, and keeps nothing.
    return wish(None if options.dry_run else key, "clear", *words)


def _clear_one(face: Face, end: ChannelEnd, wanted: SequenceRanges, options: Options, once: Once) -> int:
    """Clear packets of one channel; those of a paid token as its work."""

    async def work(desk: Desk) -> int:
        """Plan, ask, run and tell; a paid token's packets are handed to its own work."""
        from relayclear.ibc.packet import PacketKey
        from relayclear.usecases.clear_plan import ClearRequest, plan_clear
        from relayclear.usecases.sold_packets import holders, paid_for

        once.begin(desk.journal.database)
        held = holders(desk, (PacketKey(*end, sequence) for sequence in wanted))
        paid = paid_for(wanted, held)
        if paid is not None:
            from relayclear.cli.clear_token import carry_out

            return await carry_out(face, desk, paid.memo, options, once, wait=False)
        request = ClearRequest(
            end, wanted, options.key_name, options.share_key, options.max_fees, options.close_channel
        )
        with face.waiting("reading the chains"):
            plan = await plan_clear(desk, request)
        _say_held(face, held)
        code = offer(face, [plan], options)
        if code is not None:
            return code
        _take_back(desk, held)
        return await _run_one(face, desk, plan, once)

    return run_clear_once(face, work)


def _say_held(face: Face, held: Sequence[Holder]) -> None:

    for holder in held if not face.json else ():
        names = ", ".join(f"#{key.sequence}" for key in holder.packets)
        say_filled(
            f"{names} is in token {holder.memo}, which may still be paid: clearing it by hand takes the token back"
        )


def _take_back(desk: Desk, held: Sequence[Holder]) -> None:
    if held:
        from relayclear.cli.who import who
        from relayclear.usecases.sold_packets import take_back

        take_back(desk, held, who())


async def _run_one(face: Face, desk: Desk, plan: ClearPlan, once: Once) -> int:
    from relayclear.cli.clear_pages import print_operation, watcher
    from relayclear.cli.interrupt import Interrupt
    from relayclear.cli.rows import operation_row
    from relayclear.usecases.clear import run_clear

    with Interrupt() as interrupt:
        operation = await run_clear(desk, plan, watcher(face, interrupt, [plan]), once)
        if face.json:
            face.emit(operation_row(operation))
        else:
            print_operation(face, operation)
        return Exit.INTERRUPTED if interrupt.event.is_set() else exit_of(operation)
