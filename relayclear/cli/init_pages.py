"""What `init` shows: the network that it found, the clearing key, what is left to do."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from relayclear.cli.face import Face
from relayclear.cli.lines import filled, say_filled
from relayclear.cli.output import say
from relayclear.ibc.text import clean
from relayclear.wording import of_chain

if TYPE_CHECKING:
    from relayclear.bootstrap.loading import LoadedHermes
    from relayclear.usecases.doctor_facts import Finding
    from relayclear.usecases.starting import Answers, KnownChain, MadeKey, Outlook

SHOWN = 4
KEY = (
    "The clearing key: relayclear clears with a key of Hermes that nothing else signs with.  With the daemon's key the"
    " two would clash on the account sequence, and Hermes says success all the same.  It holds gas, nothing else."
)
_MADE = "relayclear makes one: --make-keys.  By hand: make its words once, then follow the steps below for each chain:"
_BY_HAND = """
  (umask 077; CHAIN_BINARY keys mnemonic > MNEMONIC_FILE 2>&1)      # 24 words: put them away afterwards"""


def show_network(loaded: Sequence[LoadedHermes], known: Mapping[str, KnownChain], outlook: Outlook) -> None:
    """The Hermes configs, their chains, and the channels as far as the nodes told them; all of it talk."""
    for item in loaded:
        say(f"Hermes: {clean(str(item.config.path))}")
        for chain in item.config.chains:
            say_filled(_chain_line(known[chain.id]), "  ")
            say_filled(_channels(chain.id, outlook), "    ")
        for other in item.config.unsupported:
            say(f"  {other.id} is a {other.type} chain: relayclear leaves it out")


def _chain_line(chain: KnownChain) -> str:
    where = f" is {clean(chain.daemon, 90)}" if chain.daemon else ": its address can't be read from here"
    return (
        f"{chain.chain}: gas in {clean(chain.gas_denom, 80)}; the daemon's key {clean(chain.daemon_key, 40)!r}{where}"
    )


def _channels(chain: str, outlook: Outlook) -> str:
    if chain in outlook.failures:
        return f"channels not known yet ({clean(of_chain(chain, outlook.failures[chain]), 120)}): relayclear channels"
    channels = outlook.channels.get(chain, ())
    more = f", … {len(channels) - SHOWN} more" if len(channels) > SHOWN else ""
    return ", ".join(clean(channel, 80) for channel in channels[:SHOWN]) + more or "no channel to the others"


def show_done(
    face: Face,
    file: Path,
    kept: Path | None,
    answers: Answers,
    known: Mapping[str, KnownChain],
    findings: list[Finding],
    made: Sequence[MadeKey],
    lost: Sequence[str],
) -> None:
    """Where the config is, which clearing keys were made or how they are made, and what doctor found."""
    from relayclear.cli.doctor import print_findings
    from relayclear.usecases.doctor_facts import Severity

    typer.echo(f"written: {file}" + (f"; what was there: {kept}" if kept else ""))
    if lost:
        typer.echo(f"! set there, and not any more: {clean(', '.join(lost))}")
    if not answers.payees:
        typer.echo("nothing is sold: relayclear looks, and clears when you say so")
    name, has = answers.clearing_key, {one.chain for one in made if one.address}
    if any(not name or (name not in chain.keys and chain.chain not in has) for chain in known.values()):
        columns = shutil.get_terminal_size().columns
        typer.echo("\n".join(("", filled(KEY, "", columns), filled(_MADE, "", columns), _BY_HAND)))
    _show_made(made)
    left = any(finding.severity is not Severity.OK for finding in findings)
    typer.echo("\nLeft to do, as relayclear doctor sees it:" if left else "\nNothing is left to do: relayclear doctor")
    print_findings(face, findings, fine=False)
    typer.echo(f"then: {_next(face, answers)}")


def _show_made(made: Sequence[MadeKey]) -> None:
    for one in made:
        if one.address:
            typer.echo(f"made: {one.chain}'s clearing key is {one.address}; its words: {one.words}")
        else:
            typer.echo(f"not made: {one.chain}'s clearing key: {clean(one.error, 300)}")
    if any(one.address for one in made):
        typer.echo("the words alone bring a key back: move these files to a safe place")


def _next(face: Face, answers: Answers) -> str:
    chosen = f" --config {shlex.quote(face.config)}" if face.config else ""
    return f"relayclear{chosen} watch" if answers.payees else f"relayclear{chosen} packets list"


def document(
    file: Path,
    kept: Path | None,
    text: str,
    known: Mapping[str, KnownChain],
    outlook: Outlook,
    findings: list[Finding] | None,
    made: Sequence[MadeKey],
    lost: Sequence[str],
) -> dict[str, Any]:
    """The same for programs; `findings` is None where nothing was written."""
    from relayclear.cli.doctor import finding_row

    return {
        "config": str(file),
        "written": findings is not None,
        "kept": str(kept) if kept else None,
        "dropped": list(lost),
        "text": text,
        "chains": [_row(chain, outlook) for chain in known.values()],
        "keys": [
            {"chain": one.chain, "address": one.address, "words_file": one.words, "error": one.error or None}
            for one in made
        ],
        "findings": [finding_row(finding) for finding in findings or ()],
    }


def _row(chain: KnownChain, outlook: Outlook) -> dict[str, Any]:
    known = chain.chain not in outlook.failures
    return {
        "chain": chain.chain,
        "gas_denom": chain.gas_denom,
        "daemon_key": chain.daemon_key,
        "daemon_address": chain.daemon,
        "channels": list(outlook.channels.get(chain.chain, ())) if known else None,
        "error": outlook.failures.get(chain.chain),
        "add_clearing_key": chain.add_key,
    }
