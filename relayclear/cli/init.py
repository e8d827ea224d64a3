"""`relayclear init`: a first config, from the Hermes that is there and three answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit
from relayclear.errors import UsageError
from relayclear.ibc.nearest import nearest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relayclear.bootstrap.loading import LoadedHermes
    from relayclear.config.settings import Settings
    from relayclear.usecases.doctor_facts import Finding
    from relayclear.usecases.starting import Answers, MadeKey, Outlook

DOCTOR_SECONDS = 60.0


def init(
    ctx: typer.Context,
    *,
    payee: Annotated[
        list[str] | None, typer.Option(metavar="CHAIN=ADDRESS", help="Where payments arrive; may be repeated.")
    ] = None,
    sell_nothing: Annotated[bool, typer.Option("--sell-nothing", help="No payments: look and clear only.")] = False,
    service_fee: Annotated[
        list[str] | None, typer.Option(metavar="CHAIN=COIN", help="What a clearing costs, like osmosis-1=1000000uosmo.")
    ] = None,
    per_packet_fee: Annotated[
        list[str] | None, typer.Option(metavar="CHAIN=COIN", help="And for each packet of it.")
    ] = None,
    refunds: Annotated[
        str | None, typer.Option(metavar="MODE", help="approve: each waits for your yes; auto: within caps.")
    ] = None,
    refund_max_each: Annotated[
        list[str] | None, typer.Option(metavar="COIN", help="Up to so much goes back by itself; may be repeated.")
    ] = None,
    refund_max_per_day: Annotated[
        list[str] | None, typer.Option(metavar="COIN", help="And up to so much in 24 hours.")
    ] = None,
    clearing_key: Annotated[
        str, typer.Option(metavar="NAME", help="The key of Hermes that clears, on every chain.")
    ] = "",
    make_keys: Annotated[
        bool, typer.Option("--make-keys", help="Make that key, `relayclear` by default, where Hermes has none.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what no flag says is left out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the config that is there; a copy is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the config and write nothing.")] = False,
) -> int:
    """Write a first config: finds Hermes, asks three things, then shows what is left to do."""
    from relayclear.bootstrap.starting import found_hermes
    from relayclear.cli.init_answers import by_chain, coins, coins_by_chain
    from relayclear.usecases.starting import Answers

    face: Face = ctx.obj
    if payee and sell_nothing:
        raise UsageError("--payee and --sell-nothing don't go together", hint="leave one of them out")
    _require_mode(refunds)
    answers = Answers(
        payees=by_chain("--payee", payee) if payee else {} if sell_nothing else None,
        service_fees=coins_by_chain("--service-fee", service_fee),
        packet_fees=coins_by_chain("--per-packet-fee", per_packet_fee),
        mode=refunds,
        max_each=coins("--refund-max-each", refund_max_each),
        max_per_day=coins("--refund-max-per-day", refund_max_per_day),
        clearing_key=clearing_key,
        make_keys=make_keys,
    )
    asks = not (yes or dry_run or face.json) and sys.stdin.isatty()
    if not (yes or dry_run or asks):
        # A Hermes config that isn't there comes first: no answer would help.
        found_hermes(Path(face.config) if face.config else None, face.environ, face.flags)
        raise _nobody_to_ask()
    return _run(face, answers, asks=asks, force=force, dry_run=dry_run)


def _require_mode(refunds: str | None) -> None:
    if refunds not in {None, "approve", "auto"}:
        raise UsageError(
            f"--refunds {refunds!r} is neither approve nor auto",
            hint=f"--refunds {nearest_of(refunds, ('approve', 'auto'))}",
        )


def _run(face: Face, answers: Answers, *, asks: bool, force: bool, dry_run: bool) -> int:
    from relayclear.bootstrap.starting import forgetful, found_hermes, hermes_tables, known_chains
    from relayclear.cli import init_pages
    from relayclear.cli.init_asking import ask
    from relayclear.config.finding import find
    from relayclear.config.writing import config_text, dropped, refuse_existing, write_config
    from relayclear.usecases.doctor_commands import SUGGESTED_KEY
    from relayclear.usecases.starting import chosen

    own = Path(face.config) if face.config else None
    settings, loaded = found_hermes(own, face.environ, face.flags)
    file = find(own, face.environ, settings.places).path
    if not (force or dry_run):
        # Before anything is asked: nobody answers three questions for nothing.
        refuse_existing(file)
    known = known_chains(loaded, answers.clearing_key)
    outlook = _looked(face, forgetful(settings), loaded)

    def denoms_of(payees: Mapping[str, str]) -> Mapping[str, Collection[str]]:
        """Those that payees hold, and that gas is paid in."""
        there = {chain: address for chain, address in payees.items() if chain in known}
        held = _held(face, forgetful(settings), loaded, there) if there else {}
        return {chain: {known[chain].gas_denom, *held.get(chain, ())} for chain in there}

    if not face.json:
        init_pages.show_network(loaded, known, outlook)
    if asks:
        ask(answers, known, denoms_of)
    if answers.make_keys:
        answers.clearing_key = answers.clearing_key or SUGGESTED_KEY
    text = config_text(chosen(answers, hermes_tables(loaded), known, denoms_of(answers.payees or {})), settings.places)
    # After everything that can be refused, and before the config that names them.
    made = _made(settings, loaded, answers, file) if answers.make_keys and not dry_run else []
    kept = None if dry_run else write_config(file, text, replace=force)
    lost = dropped(settings, text, settings.places)
    findings = None if dry_run else _examined(face, file)
    if face.json:
        face.emit(init_pages.document(file, kept, text, known, outlook, findings, made, lost))
    elif findings is None:
        typer.echo(text, nl=False)
    else:
        init_pages.show_done(face, file, kept, answers, known, findings, made, lost)
    return Exit.DONE


def _looked(face: Face, settings: Settings, loaded: Sequence[LoadedHermes]) -> Outlook:
    """The channels, as far as the nodes tell them in time; the config comes to be without them too."""
    import asyncio

    from relayclear.bootstrap.desk import opened
    from relayclear.errors import RelayclearError
    from relayclear.usecases.starting import Outlook, look_around

    async def look() -> Outlook:
        """Over a desk that remembers nothing."""
        async with face.opener(settings) if face.opener else opened(settings, loaded) as desk:
            return await look_around(desk)

    try:
        with face.waiting("asking the nodes for their channels"):
            return asyncio.run(look())
    except RelayclearError as error:
        return Outlook(failures={chain.id: error.message for item in loaded for chain in item.config.chains})


def _held(
    face: Face, settings: Settings, loaded: Sequence[LoadedHermes], payees: Mapping[str, str]
) -> Mapping[str, Collection[str]]:
    """The denoms that payees hold, as far as nodes tell."""
    import asyncio

    from relayclear.bootstrap.desk import opened
    from relayclear.errors import RelayclearError
    from relayclear.usecases.starting import denoms_held

    async def look() -> Mapping[str, Collection[str]]:
        """Over a desk that remembers nothing."""
        async with face.opener(settings) if face.opener else opened(settings, loaded) as desk:
            return await denoms_held(desk, payees)

    try:
        with face.waiting("asking the nodes what the payees hold"):
            return asyncio.run(look())
    except RelayclearError:
        return {}


def _made(settings: Settings, loaded: Sequence[LoadedHermes], answers: Answers, file: Path) -> list[MadeKey]:
    """The clearing keys that were missing; their words lie beside the config."""
    import asyncio

    from relayclear.bootstrap.making import make_clearing_keys
    from relayclear.bootstrap.modes import WORDS

    return asyncio.run(make_clearing_keys(settings, loaded, answers.clearing_key, file.parent / WORDS))


def _examined(face: Face, file: Path) -> list[Finding]:
    """What doctor says of the new config; without the nodes where they keep it waiting."""
    import asyncio

    from relayclear.bootstrap.examination import examined
    from relayclear.usecases.doctor_facts import Finding, Severity

    async def look() -> list[Finding]:
        """With the nodes, then without."""
        try:
            return await asyncio.wait_for(examined(file, face.environ, face.flags, offline=False), DOCTOR_SECONDS)
        except TimeoutError:
            found = f"no whole answer within {DOCTOR_SECONDS:.0f} s: the nodes were left out of this"
            late = Finding(
                "nodes", None, Severity.WARN, found, "gas and clients were not looked at", "relayclear doctor"
            )
            return [late, *await examined(file, face.environ, face.flags, offline=True)]

    with face.waiting("looking at what is there"):
        return asyncio.run(look())


def _nobody_to_ask() -> UsageError:
    return UsageError(
        "three things must be answered, and nobody can be asked here: where money goes, what it costs, refunds",
        hint="relayclear init --yes --sell-nothing; or --yes --payee CHAIN=ADDRESS --service-fee CHAIN=COIN"
        " --per-packet-fee CHAIN=COIN --refunds approve (or auto with --refund-max-each COIN)",
    )
