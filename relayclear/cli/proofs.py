"""`relayclear operations proof` and `verify`: the proof of clear as a file, and the check that needs no trust."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.files import write_new
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.ports import Chain
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.proof_check import ProofCheck

LARGEST_PROOF = 64 * 1024 * 1024
"""Bytes; 5,000 packets, as many as one clear takes, are some 10 MB."""


def proof(
    ctx: typer.Context,
    operation: Annotated[
        str,
        typer.Argument(metavar="OPERATION", help="Its id, or the start of it.", autocompletion=completion.operations),
    ],
    *,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Write the proof of clear: a JSON document that anybody can check with two RPC endpoints."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Put the proof together from the store, asking chains only for what it lacks."""
        from relayclear.clearing.proof_document import write_proof
        from relayclear.usecases.proof_document import operation_proof

        with face.waiting("reading the chains"):
            found = await operation_proof(desk, operation)
        text = write_proof(found)
        if output is None:
            sys.stdout.write(text)
            return Exit.DONE
        write_new(output, text)
        if face.json:
            face.emit({"operation": found.operation_id, "file": output, "packets": len(found.packets)})
        else:
            typer.echo(f"{output}: {len(found.packets)} packets of {found.operation_id}")
            typer.echo(f"check: relayclear operations verify {output}")
        return Exit.DONE

    return face.run(work)


def verify(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A proof of clear; - is standard input.")],
    *,
    rpc: Annotated[
        list[str] | None, typer.Option(metavar="CHAIN=URL", help="An endpoint to ask instead of the configured ones.")
    ] = None,
) -> int:
    """Check a proof of clear on both chains: confirmed (0), contradicted (1), or can't be read (3)."""
    from relayclear.clearing.proof_check import Verdict
    from relayclear.usecases.proof_check import chains_of, check_proof, proof_in

    face: Face = ctx.obj
    named = _endpoints(rpc or ())
    found = proof_in(_read(file))
    if strangers := sorted(set(named) - set(chains_of(found))):
        raise UsageError(
            f"the proof is about {' and '.join(chains_of(found))}, not {strangers[0]}",
            hint=f"--rpc {chains_of(found)[0]}=https://…",
        )

    async def work(chains: Mapping[str, Chain]) -> ProofCheck:
        """Ask both chains, believing nothing of the document."""
        with face.waiting("reading the chains"):
            return await check_proof(chains, found)

    check = face.ask(chains_of(found), named, work)
    from relayclear.cli.proof_pages import check_document, print_check

    if face.json:
        face.emit(check_document(check))
    else:
        print_check(face, check)
    exits = {Verdict.CONFIRMED: Exit.DONE, Verdict.CONTRADICTED: Exit.FAILED, Verdict.UNREADABLE: Exit.UNREACHABLE}
    return exits[check.verdict]


def _endpoints(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        chain, equals, url = text.partition("=")
        if not equals or not chain or not url.startswith(("http://", "https://")):
            # Not the text itself: a URL may hold a password.
            raise UsageError("--rpc is not CHAIN=URL", hint="--rpc alpha-1=https://rpc.example:443")
        found.setdefault(chain, []).append(url)
    return found


def _read(file: str) -> bytes:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(LARGEST_PROOF + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(LARGEST_PROOF + 1)
    except OSError as error:
        raise UsageError(
            f"{file} can't be read: {error.strerror}", hint="relayclear operations proof ID -o proof.json makes one"
        ) from error
    if len(content) > LARGEST_PROOF:
        raise UsageError(
            f"{file} is larger than any proof of clear",
            code="no_proof",
            hint="relayclear operations proof ID -o proof.json makes one",
        )
    return content
