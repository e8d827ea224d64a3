"""`relayclear wallet`: the keys that refunds are signed with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.asking import agreed
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.lines import say_filled
from relayclear.cli.output import Exit, say
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk

app = typer.Typer(no_args_is_help=True, help="The keys that refunds are signed with.")

ChainOption = Annotated[
    str, typer.Option("--chain", metavar="CHAIN", help="The chain of the key.", autocompletion=completion.chains)
]


@app.command(epilog=examples("wallet add"))
def add(
    ctx: typer.Context,
    *,
    chain: ChainOption,
    mnemonic_file: Annotated[str, typer.Option(metavar="FILE", help="Its words, in a file of mode 0600.")],
    hd_path: Annotated[
        str | None, typer.Option(metavar="PATH", help="Default m/44'/118'/0'/0/0, for Ethereum's keys 60'.")
    ] = None,
    passphrase_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Opens the wallet file; else you are asked.")
    ] = None,
) -> int:
    """Keep the payee's key, sealed; the mnemonic isn't kept, so put its file away afterwards."""
    face: Face = ctx.obj
    face.flags["keys.passphrase_file"] = passphrase_file

    async def work(desk: Desk) -> int:
        """Take the words in, sealed, and tell which account they lead to."""
        from relayclear.cli.wallet_pages import payee_lines, wallet_row
        from relayclear.cli.who import who
        from relayclear.config.mnemonicfile import read_mnemonic
        from relayclear.usecases.wallet_keys import add_wallet_key

        view = add_wallet_key(desk, chain, read_mnemonic(Path(mnemonic_file)), hd_path, who())
        if face.json:
            face.emit(wallet_row(view))
            return Exit.DONE
        typer.echo(f"kept, sealed: {view.key.address}\nit signs the refunds of {view.key.chain}; path {view.key.path}")
        if view.is_payee is None:
            typer.echo(f"put it into the config, so that payments arrive there:\n\n{payee_lines(view.key)}\n")
        say_filled("the passphrase opens the key and nothing else does: keep both, and the mnemonic somewhere else")
        return Exit.DONE

    return face.run(work)


@app.command("list", epilog=examples("wallet list"))
def list_(ctx: typer.Context) -> int:
    """List the keys; no passphrase is needed."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read the accounts, and tell them."""
        from relayclear.cli.wallet_pages import print_wallet, wallet_row
        from relayclear.usecases.wallet_keys import list_wallet

        found = list_wallet(desk)
        if face.json:
            face.emit({"keys": [wallet_row(view) for view in found]})
        elif not found:
            typer.echo("No keys yet: relayclear wallet add --chain CHAIN --mnemonic-file FILE")
        else:
            print_wallet(face, found)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("wallet remove"))
def remove(
    ctx: typer.Context,
    *,
    chain: ChainOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> int:
    """Forget a chain's key for good: only its mnemonic brings it back."""
    face: Face = ctx.obj
    if not yes and (face.json or not sys.stdin.isatty()):
        raise UsageError("a removed key is gone for ever, and nobody can be asked here", hint="add --yes")
    if not yes and not agreed(f"Forget the key of {chain}? Only its mnemonic brings it back."):
        say("Nothing was done.")
        return Exit.REFUSED

    async def work(desk: Desk) -> int:
        """Take the key away."""
        from relayclear.cli.wallet_pages import wallet_row
        from relayclear.cli.who import who
        from relayclear.usecases.wallet_keys import remove_wallet_key

        view = remove_wallet_key(desk, chain, who())
        if face.json:
            face.emit(wallet_row(view))
        else:
            typer.echo(f"gone: {view.key.address}\nnothing signs the refunds of {view.key.chain} any more")
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("wallet withdrawable"))
def withdrawable(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="Only this chain.", autocompletion=completion.chains)
    ] = "",
) -> int:
    """Show what may be taken out: what is neither a payer's, nor unexplained, nor kept for gas."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read what may be taken out, and tell it."""
        from relayclear.cli.book_pages import print_withdrawable
        from relayclear.cli.book_rows import withdrawable_row
        from relayclear.ibc.text import clean
        from relayclear.usecases import books_daily

        with face.waiting("reading"):
            found = await books_daily.withdrawable(desk, chain)
        if face.json:
            face.emit(withdrawable_row(found))
        elif any(one.rows for one in found):
            print_withdrawable(face, found)
        else:
            typer.echo("The wallets hold nothing.")
        for one in found:
            if one.error is not None and not face.json:
                say(f"! {one.chain} can't be read now: {clean(one.error.message, 300)}")
        return Exit.UNREACHABLE if any(one.error is not None for one in found) else Exit.DONE

    return face.run(work)
