"""`relayclear demo`: a network in a box, and the story of what one does there."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from relayclear.cli.output import Exit, emit_json, say
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.cli.demo_world import DemoWorld
    from relayclear.cli.face import Face


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story: what is said, the command, and how it has to end.

    Before it a user's wallet pays the sold token, so many times its price; or `blocks` go by on both chains.
    """

    words: str
    argv: tuple[str, ...]
    ends: Exit = Exit.DONE
    pays: int = 0
    blocks: int = 0


MEMO, WORDS = "MEMO", "WORDS"
"""Stand in the story's commands for the memo of the token that was sold in it, and the file of the payee's mnemonic."""
_CLEAR = ("clear", "--chain", "alpha-1", "--channel")

_SALE = (
    ("tokens", "create", "--chain", "beta-1", "--channel", "channel-0", "--packet-sequences", "1"),
    ("demo", "--pay", "rc1"),
    ("clear", "--token", "rc1", "--wait"),
)

STORY = (
    Step("Packets are stuck here, each for its own reason. See them all:", ("packets", "list")),
    Step("Why is this one stuck?", ("packets", "show", "alpha-1/channel-0/2")),
    Step(
        "Nobody relayed it. Clear exactly this one, and have both chains prove it:",
        (*_CLEAR, "channel-0", "--packet-sequences", "2", "--yes"),
    ),
    Step(
        "The next is past its timeout. The same command gives the coins back:",
        (*_CLEAR, "channel-0", "--packet-sequences", "3", "--yes"),
    ),
    Step(
        "This one was delivered, and its acknowledgement never came back:",
        (*_CLEAR, "channel-0", "--packet-sequences", "4", "--yes"),
    ),
    Step(
        "The light client behind channel-1 expired: refused, and no gas is burnt:",
        (*_CLEAR, "channel-1", "--packet-sequences", "1", "--yes"),
        Exit.REFUSED,
    ),
    Step(
        "Sell a rescue: a quote for exactly one packet, to paste to whoever asks:",
        _SALE[0],
    ),
    Step(
        "A user's wallet pays, with that memo, and twice the price by mistake. The\npayment is seen, the work done:",
        ("clear", "--token", MEMO, "--wait", "--yes"),
        pays=2,
    ),
    Step("What the payer is told now:", ("tokens", "show", MEMO, "--for-payer")),
    Step(
        "What was too much goes back. For that relayclear needs the key of the\n"
        "account that was paid, and keeps it sealed:",
        ("wallet", "add", "--chain", "beta-1", "--mnemonic-file", WORDS),
    ),
    Step("Who is owed what, and why:", ("refunds", "list")),
    Step(
        "Give it back in one transaction, less the fee that the quote named. It is\n"
        "within the caps of the config, so nobody is asked:",
        ("refunds", "sweep"),
    ),
    Step(
        "Does it add up? Every movement of that account is read from the chain again,\n"
        "and held to what the books say came in, was earned and went back:",
        ("audit", "--chain", "beta-1"),
        # What is read is what another block stands on: the refund stands in the newest.
        blocks=2,
    ),
    Step("What is left, and why:", ("packets", "list")),
)


def demo(
    ctx: typer.Context,
    *,
    script: Annotated[bool, typer.Option("--script", help="Tell the story as text and end.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the network up until Ctrl-C, for other commands.")
    ] = False,
    folder: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Use this folder and keep it; else a temporary one.")
    ] = None,
    scale: Annotated[bool, typer.Option("--scale", help="A hub: 200 channels, 24,857 pending. With --serve.")] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1024, max=65_500, metavar="PORT", help="Listen from here on, where ports are free."),
    ] = None,
    pay: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Have a user's wallet of a network that is served pay this quote."),
    ] = None,
    amount: Annotated[
        str | None, typer.Option(metavar="COIN", help="With --pay: so much, 5stake, instead of the price.")
    ] = None,
) -> int:
    """Rehearse on a network in a box: two simulated chains, a relayer, no risk.

    At a terminal it opens the dashboard there, beside a daemon, with something new every few seconds; else, and with
    --script, it tells the story of a rescue as text.
    It lives in one folder and listens on loopback only; ended, nothing of it is left behind.
    """
    from relayclear.cli.demo_world import running

    face: Face = ctx.obj
    if pay is not None:
        return _pay_quote(face, folder, pay, amount, other=script or serve or scale or port is not None)
    if amount is not None:
        raise UsageError("--amount is what --pay pays", hint=f"relayclear demo --pay TOKEN --amount {amount}")
    if script and serve:
        raise UsageError("--script tells the story and ends, --serve stays: choose one", hint="relayclear demo --serve")
    if scale and not serve:
        raise UsageError("--scale has no story to tell", hint="relayclear demo --serve --scale")
    with running(Path(folder) if folder else None, scale=scale, port=port or 0) as world:
        if not serve and not script and not face.json and sys.stdin.isatty() and sys.stdout.isatty():
            from relayclear.cli.demo_show import show

            return show(world)
        if not serve:
            return _tell(world, face)
        return _serve(world, as_json=face.json, kept=folder is not None, has_story=not scale)


def _pay_quote(face: Face, folder: str | None, text: str, amount: str | None, *, other: bool) -> int:
    from relayclear.cli.demo_pay import pay_quote

    if other:
        raise UsageError(
            "--pay pays on a network that is served already", hint="relayclear demo --serve, in another terminal"
        )
    return pay_quote(face, folder, text, amount)


def _tell(world: DemoWorld, face: Face) -> int:
    if not face.json:
        typer.echo(
            "A network in a box: two simulated chains, alpha-1 and beta-1, and a stand-in\n"
            f"for Hermes, on this machine only, out of {world.folder}"
        )
    for number, step in enumerate(STORY, 1):
        told = _ready(world, step)
        code, document = _run(world, told, face, number)
        if code != step.ends:
            say(f"this step should have ended with exit code {step.ends.value}, and ended with {code}")
            return Exit.FAILED
        if face.json:
            emit_json(
                {"step": number, "words": step.words, "argv": ["relayclear", *told.argv], **document}, stream=True
            )
    if not face.json:
        typer.echo(
            "\nThat was the story. Keep the network and try your own commands on it:\n"
            "  relayclear demo --serve\n"
            "Your own relayer: relayclear doctor says what it needs."
        )
    return Exit.DONE


def _ready(world: DemoWorld, step: Step) -> Step:
    """A step with memo and file in their places, after what has to happen before it."""
    given = {WORDS: str(world.folder / "payee.txt")}
    if MEMO in step.argv:
        [listed] = orjson.loads(world.relayclear(["--json", "tokens", "list"], capture=True).stdout)["tokens"]
        given[MEMO] = listed["token"]
    if step.pays:
        _pay(world, given[MEMO], step.pays)
    if step.blocks:
        _go_by(world, step.blocks)
    return replace(step, argv=tuple(given.get(word, word) for word in step.argv))


def _pay(world: DemoWorld, memo: str, times: int) -> None:
    """Have a user's wallet pay a token, as its page says or more than once."""
    from relayclear.rehearsal.visiting import pay

    due = orjson.loads(world.relayclear(["--json", "tokens", "show", memo], capture=True).stdout)["pay"]
    amount = str(times * int(due["amount"]["amount"]))
    pay(world.state["control"], due["chain"], "alice", due["to"], amount, due["amount"]["denom"], memo)


def _go_by(world: DemoWorld, blocks: int) -> None:
    from relayclear.rehearsal.visiting import ask

    ask(world.state["control"], "/blocks", {"count": blocks})


def _run(world: DemoWorld, step: Step, face: Face, number: int) -> tuple[int, dict[str, Any]]:
    """Run one command as a person would, in a process of its own; with --json, what it wrote."""
    argv = ["--color", face.color, *(["--json"] if face.json else []), *step.argv]
    if not face.json:
        typer.echo(f"\n{number}. {step.words}\n$ relayclear {shlex.join(step.argv)}")
        sys.stdout.flush()
        return world.relayclear(argv).returncode, {}
    done = world.relayclear(argv, capture=True)
    return done.returncode, {
        "exit_code": done.returncode,
        "document": orjson.loads(done.stdout) if done.stdout else None,
        "error": orjson.loads(done.stderr)["error"] if done.stderr else None,
    }


def _serve(world: DemoWorld, *, as_json: bool, kept: bool, has_story: bool) -> int:
    # From the first line on: whoever reads it may end this at once.
    try:
        _say_where(world, as_json=as_json, kept=kept, has_story=has_story)
        world.wait()
    except KeyboardInterrupt:
        if not as_json:
            say("")
    return Exit.DONE


def _say_where(world: DemoWorld, *, as_json: bool, kept: bool, has_story: bool) -> None:
    if as_json:
        emit_json({"folder": str(world.folder), **_addresses(world), "environment": world.environment}, stream=True)
        return
    say("A network in a box is up. In another terminal:\n")
    for name, value in world.environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    say("\n".join(_next_words(world, kept=kept, has_story=has_story)))


def _addresses(world: DemoWorld) -> dict[str, Any]:
    return {"control": world.state["control"], "chains": world.state["chains"]}


def _next_words(world: DemoWorld, *, kept: bool, has_story: bool) -> Sequence[str]:
    control = world.state["control"]
    story = (
        f"relayclear {shlex.join((*_CLEAR, 'channel-0', '--packet-sequences', '2'))}",
        "",
        "Sell a rescue, pay it from a user's wallet, and clear what is paid for:",
        *(f"relayclear {shlex.join(argv)}" for argv in _SALE),
    )
    return (
        "relayclear packets list",
        *(story if has_story else ()),
        "",
        "Make it fail, and see what is said (all faults: relayclear help demo):",
        *(f"curl -d '{{\"refuse\": true}}' {control}/nodes/{name}/faults" for name in ("beta-1", "beta-1-second")),
        "",
        "Ctrl-C ends it" + ("; the folder stays." if kept else " and leaves nothing behind."),
    )
