"""`relayclear keys`: the keys that quotes are signed with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.asking import agreed
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.lines import say_filled
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit, say
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from relayclear.money.issuer import IssuerKey
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.keys import Revoked
    from relayclear.usecases.once import Once

app = typer.Typer(no_args_is_help=True, help="The keys that quotes are signed with.")


@app.command(epilog=examples("keys create"))
def create(ctx: typer.Context, *, idempotency_key: IdempotencyKey = None) -> int:
    """Make the first key, or a new one where the last was revoked; the first quote does it by itself."""
    from relayclear.usecases.keys import create_key

    return _made(ctx.obj, create_key, "made", wish(idempotency_key, "keys create"))


@app.command(epilog=examples("keys rotate"))
def rotate(ctx: typer.Context, *, idempotency_key: IdempotencyKey = None) -> int:
    """Sign with a new key from now on; the old one knows its quotes until they end."""
    from relayclear.usecases.keys import rotate_key

    said = "made; the ones before it only know their own quotes"
    return _made(ctx.obj, rotate_key, said, wish(idempotency_key, "keys rotate"))


def _made(face: Face, make: Callable[[Desk, str, Once], IssuerKey], what: str, once: Once) -> int:
    async def work(desk: Desk) -> int:
        """Make the key, and show it."""
        from relayclear.cli.key_pages import key_view_row
        from relayclear.cli.who import who
        from relayclear.usecases.keys import KeyView

        key = make(desk, who(), once)
        if face.json:
            face.emit(key_view_row(KeyView(key, None)))
        else:
            typer.echo(f"key {key.kid}, {key.fingerprint}, {what}")
            typer.echo("keep a copy of the keys folder; relayclear keys publish says what to put on your page")
        return Exit.DONE

    return face.run(work)


@app.command("list", epilog=examples("keys list"))
def list_(ctx: typer.Context) -> int:
    """List the keys: which one makes quotes, and until when the others are needed."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read the keys, and show them."""
        from relayclear.cli.key_pages import key_view_row, print_keys
        from relayclear.usecases.keys import list_keys

        found = list_keys(desk)
        if face.json:
            face.emit({"keys": [key_view_row(view) for view in found]})
        elif not found:
            typer.echo("No keys yet: the first quote makes the first one, or relayclear keys create")
        else:
            print_keys(face, found)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("keys revoke"))
def revoke(
    ctx: typer.Context,
    key_id: Annotated[
        int, typer.Argument(metavar="KEY", help="Its number, as keys list shows it.", autocompletion=completion.keys)
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Void a leaked key and all its open quotes; what was paid for them is owed back in full."""
    face: Face = ctx.obj
    if not yes and (face.json or not sys.stdin.isatty()):
        raise UsageError(
            "revoking a key voids its open quotes for ever, and nobody can be asked here", hint="add --yes"
        )
    if not yes and not agreed(f"Void key {key_id} and its open quotes for ever?"):
        say("Nothing was done.")
        return Exit.REFUSED

    def told(_: object, done: Revoked) -> dict[str, Any]:
        """The document that an idempotency key answers with for ever."""
        from relayclear.cli.key_pages import key_view_row
        from relayclear.usecases.keys import KeyView

        return {**key_view_row(KeyView(done.key, None)), "voided": list(done.voided)}

    async def work(desk: Desk) -> int:
        """Revoke, and say which quotes are void by it."""
        from relayclear.cli.who import who
        from relayclear.usecases.keys import revoke_key

        once = wish(idempotency_key, "keys revoke", key_id, reason, told=told)
        document = told(None, revoke_key(desk, key_id, reason, who(), once))
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return Exit.DONE

    async def page(_: Desk, document: Any) -> None:
        """The same answer for a person."""
        typer.echo(f"key {document['key_id']} is revoked, and {len(document['voided'])} quotes are void")
        for memo in document["voided"]:
            typer.echo(f"  {memo}")

    return run_once(face, work, told_again(face, page))


@app.command(epilog=examples("keys publish"))
def publish(ctx: typer.Context) -> int:
    """Print what to put at operator.url, so that payers can check keys and addresses."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Print what belongs on the page."""
        from relayclear.ibc.text import clean
        from relayclear.usecases.keys import publication

        found = publication(desk)
        if face.json:
            face.emit(found)
            return Exit.DONE
        typer.echo(f"{clean(found['operator'], 60) or 'This relayer'} sells clearings of stuck IBC packets.")
        for key in found["keys"]:
            typer.echo(f"key {key['key_id']} ({key['state']}): {key['fingerprint']}")
        for payee in found["payees"]:
            typer.echo(f"paid on {payee['chain']} to {payee['address']} in {', '.join(payee['denoms'])}")
        typer.echo("check a quote: relayclear tokens verify quote.json --issuer FINGERPRINT")
        say_filled("put these lines, or relayclear keys publish --json, on a page under your own name (operator.url)")
        return Exit.DONE

    return face.run(work)
