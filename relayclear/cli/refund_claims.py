"""`relayclear refunds claim`: the text that a payer signs, and the signature that comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.store.claims import Claim, ClaimText
    from relayclear.store.db import Reads
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_claims import AskedClaim

_LARGEST = 4096


def claim(
    ctx: typer.Context,
    refund: Annotated[
        str,
        typer.Argument(metavar="REFUND", help="Its id, or the start of it.", autocompletion=completion.refunds),
    ],
    *,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Where the payer wants it: prints the text to sign.")] = "",
    to_chain: Annotated[
        str,
        typer.Option(
            metavar="CHAIN",
            help="The chain of that address: where it was paid, or where the payment came from.",
            autocompletion=completion.chains,
        ),
    ] = "",
    nonce: Annotated[str, typer.Option(metavar="HEX", help="The nonce in the text that was signed.")] = "",
    signature: Annotated[
        str, typer.Option(metavar="FILE", help="What the wallet gave for it, as JSON; - for stdin.")
    ] = "",
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Let a payer say where a refund goes: print the text to sign, then take the signature; no node is asked."""
    face: Face = ctx.obj
    if bool(to) == bool(nonce and signature) or (to and (nonce or signature)) or (to_chain and not to):
        raise UsageError(
            "a claim has two steps: --to ADDRESS, and when that is signed --nonce HEX --signature FILE",
            hint=f"relayclear refunds claim {refund[:24]} --to ADDRESS",
        )
    if to:
        return _asked(face, refund, to, to_chain, idempotency_key)
    return _taken(face, refund, nonce, _read(signature), idempotency_key)


def _asked(face: Face, refund: str, to: str, to_chain: str, key: str | None) -> int:
    async def work(desk: Desk) -> int:
        """Make the text that the payer signs, once."""
        from relayclear.usecases.refund_claims import ask_claim

        once = wish(key, "refunds claim", refund, to, to_chain, told=lambda _, done: asked_row(done))
        asked = ask_claim(desk, refund, to, to_chain, once)
        if face.json:
            face.emit(asked_row(asked))
        else:
            _print_asked(asked)
        return Exit.DONE

    async def page(_: Desk, document: Any) -> None:
        """Show the text as it has to be signed."""
        typer.echo(document["text"])

    return run_once(face, work, told_again(face, page))


def _taken(face: Face, refund: str, nonce: str, signature: str, key: str | None) -> int:
    async def work(desk: Desk) -> int:
        """Take the signed claim, once."""
        from relayclear.cli.who import who
        from relayclear.usecases.refund_claims import claim as take

        def told(reads: Reads, done: Claim) -> dict[str, Any]:
            """What is kept for whoever brings the same claim again."""
            return claim_row(done, _waits(desk, reads, done))

        once = wish(key, "refunds claim", refund, nonce, signature, told=told)
        done = take(desk, refund, nonce, signature, who(), once)
        document = told(desk.journal.database, done)
        if face.json:
            face.emit(document)
        else:
            _print_claim(done, document["waits_for"])
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """Tell what was taken, and what it waits for."""
        from relayclear.usecases.refund_claims import claims_of

        for one in claims_of(desk, document["refund"]):
            if one.text.terms.nonce == document["nonce"]:
                _print_claim(one, document["waits_for"])

    return run_once(face, work, told_again(face, page))


def _waits(desk: Desk, reads: Reads, done: Claim) -> list[str]:
    """Why the refund waits for a person: nothing where somebody has approved it already."""
    from relayclear.usecases.refund_dues import list_owed

    return [gate.value for one in list_owed(desk, reads) if one.id == done.refund for gate in one.gates]


def _read(name: str) -> str:
    if name == "-":
        import sys

        return sys.stdin.read(_LARGEST + 1)
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(_LARGEST + 1)
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{name[:200]} can't be read as text", hint="--signature answer.json") from None


# What is printed


def asked_row(asked: AskedClaim) -> dict[str, Any]:
    """A text to sign, as a document."""
    from relayclear.wording.claiming import answer_command

    signers = [
        {
            "role": one.role.value,
            "address": one.address,
            "chain": one.chain,
            "why_not_yet": one.why_not.value if one.why_not else None,
        }
        for one in asked.signers
    ]
    return {**_terms_row(asked.text), "text": asked.text.text, "signers": signers, "next": answer_command(asked.text)}


def claim_row(done: Claim, waits_for: list[str]) -> dict[str, Any]:
    """A claim, as a document; `asked_for` is the refund in the signed text."""
    from relayclear.cli.output import rfc3339

    return {
        **_terms_row(done.text),
        "refund": done.refund,
        "asked_for": done.text.terms.refund,
        "role": done.role.value,
        "signer": done.signer,
        "who": done.who,
        "claimed_at": rfc3339(done.at),
        "waits_for": waits_for,
    }


def _terms_row(text: ClaimText) -> dict[str, Any]:
    terms, over = text.terms, text.over
    return {
        "refund": terms.refund,
        "amount": {"denom": terms.coin.denom, "amount": str(terms.coin.amount)},
        "chain": terms.chain,
        "to_chain": terms.to_chain,
        "to": terms.to,
        "over": None if over is None else {"port": over.port, "channel": over.channel},
        "nonce": terms.nonce,
    }


def _print_asked(asked: AskedClaim) -> None:
    """Print the text alone on its lines, then who signs it and how; the same bytes at every width."""
    from relayclear.cli.output import say
    from relayclear.wording import claiming

    typer.echo(asked.text.text)
    for one in asked.signers:
        say(f"may sign it: {claiming.signer_line(one)}")
    say(claiming.HARMLESS)
    say(claiming.HOW)
    say(claiming.keplr_call(asked.text, asked.signers[0]))
    say(claiming.BACK)
    say(claiming.answer_command(asked.text))


def _print_claim(done: Claim, waits_for: list[str]) -> None:
    from relayclear.wording.claiming import claimed_lines

    for line in claimed_lines(done, wait=", ".join(gate.replace("_", " ") for gate in waits_for)):
        typer.echo(line)
