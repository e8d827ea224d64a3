"""What `init` shows: the network that it found, the clearing key, what is left to do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import say
from relayclear.ibc.text import clean
from relayclear.wording import of_chain

if TYPE_CHECKING:
    from relayclear.bootstrap.loading import LoadedHermes
    from relayclear.usecases.doctor_facts import Finding
    from relayclear.usecases.starting import Answers, KnownChain, Outlook

SHOWN = 4
_KEY = """
The clearing key: relayclear clears with a key of Hermes that nothing else signs with.  With the daemon's key
the two would clash on the account sequence, and Hermes says success all the same.  It holds gas, nothing else.
Hermes takes keys in and makes none, and the only words that bring one back should not lie where a program
chose to put them: so this is for you.  Make the words, then follow the steps below for each chain:

  (umask 077; CHAIN_BINARY keys mnemonic > MNEMONIC_FILE 2>&1)      # 24 words: put them away afterwards"""


def show_network(loaded: Sequence[LoadedHermes], known: Mapping[str, KnownChain], outlook: Outlook) -> None:
    """The Hermes configs, their chains, and the channels as far as the nodes told them; all of it talk."""
    for item in loaded:
        say(f"Hermes: {clean(str(item.config.path))}")
        for chain in item.config.chains:
            say(f"  {_chain_line(known[chain.id])}")
            say(f"    {_channels(chain.id, outlook)}")
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
) -> None:
    """Where the config is, how the clearing key is made where it is missing, and what doctor found."""
    from relayclear.cli.doctor import print_findings
    from relayclear.usecases.doctor_facts import Severity

    typer.echo(f"written: {file}" + (f"; what was there: {kept}" if kept else ""))
    if not answers.payees:
        typer.echo("nothing is sold: relayclear looks, and clears when you say so")
    name = answers.clearing_key
    if any(not name or name not in chain.keys for chain in known.values()):
        typer.echo(_KEY)
    left = [finding for finding in findings if finding.severity is not Severity.OK]
    typer.echo("\nLeft to do, as relayclear doctor sees it:" if left else "\nNothing is left to do: relayclear doctor")
    print_findings(face, left)
    typer.echo(f"then: {_next(face, answers)}")


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
) -> dict[str, Any]:
    """The same for programs; `findings` is None where nothing was written."""
    from relayclear.cli.doctor import finding_row

    return {
        "config": str(file),
        "written": findings is not None,
        "kept": str(kept) if kept else None,
        "text": text,
        "chains": [_row(chain, outlook) for chain in known.values()],
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
