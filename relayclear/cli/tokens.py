"""`relayclear tokens`: quote a clearing, show what became of it, take it back, check and bring back signed quotes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.names import sequences
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import RelayclearError, UsageError
from relayclear.ibc.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relayclear.money.document import DocumentFault, SignedQuote
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.quote_values import QuoteRequest
    from relayclear.usecases.tokens_acts import Import
    from relayclear.usecases.tokens_view import TokenView

app = typer.Typer(no_args_is_help=True, help="Sell clearings: quotes, their payments and their outcome.")
_LARGEST = 16 * 1024 * 1024


@app.command(epilog=examples("tokens create"))
def create(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="The chain that sent the packets.", autocompletion=completion.chains),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Its channel.", autocompletion=completion.channels)
    ] = None,
    port: Annotated[str, typer.Option(metavar="PORT", help="Its port.")] = "transfer",
    packet_sequences: Annotated[str | None, typer.Option(metavar="1,10..20", help="Exactly these.")] = None,
    wallet: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Instead: all clearable packets of this sender.")
    ] = None,
    pay_on: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="Where it is paid; default: --chain.", autocompletion=completion.chains),
    ] = None,
    pay_denom: Annotated[str | None, typer.Option(metavar="DENOM", help="In which of the accepted coins.")] = None,
    payer: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Say whether this account can pay price and gas.")
    ] = None,
    refund_to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where coins go back; default: to who paid.")
    ] = None,
    from_exchange: Annotated[
        bool, typer.Option("--from-exchange", help="It is paid from an exchange: needs --refund-to.")
    ] = False,
    expires: Annotated[str | None, typer.Option(metavar="10m", help="How long it can be paid.")] = None,
    waive: Annotated[str | None, typer.Option(metavar="REASON", help="Clear for nothing, within the budget.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Sell it also where the coins have arrived.")] = False,
    idempotency_key: IdempotencyKey = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the signed quote there.")
    ] = None,
    qr: Annotated[bool, typer.Option("--qr", help="Also show address and memo as codes to scan.")] = False,
) -> int:
    """Quote a clearing of exactly the chosen packets: price, payee, memo, and a text for the payer."""
    from relayclear.cli.who import who
    from relayclear.usecases.quote_values import QuoteRequest

    _refuse_words(wallet, packet_sequences, output)
    wanted = None if packet_sequences is None else sequences(packet_sequences)
    paying = (pay_on, pay_denom, payer, refund_to, from_exchange, _seconds(expires), waive, anyway, idempotency_key)
    return _create(ctx.obj, QuoteRequest(chain, channel, port, wanted, who(), wallet, *paying), output, qr=qr)


def _refuse_words(wallet: str | None, packet_sequences: str | None, output: str | None) -> None:
    if wallet is not None and packet_sequences is not None:
        raise UsageError("--wallet stands instead of --packet-sequences", hint="leave one of them out")
    if output is not None and Path(output).exists():
        raise UsageError(f"{output} is there already", hint="give another file name")


def _seconds(text: str | None) -> int | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--expires: {error}", hint="--expires 10m") from error


def _create(face: Face, request: QuoteRequest, output: str | None, *, qr: bool) -> int:
    async def work(desk: Desk) -> int:
        """Make the quote, keep its copy, and show what to give to the payer."""
        from relayclear.money.document import fingerprint_in
        from relayclear.usecases.quote import make_quote
        from relayclear.usecases.selling import require_shop
        from relayclear.wording.offering import for_payer

        with face.waiting("reading the chains"):
            issued = await make_quote(desk, request)
        operator = require_shop(desk).operator
        text = for_payer(issued.token, issued.sold, operator, fingerprint_in(issued.document))
        if output is not None:
            _write_new(Path(output), issued.document)
        if face.json:
            from relayclear.cli.token_rows import issued_row

            face.emit(issued_row(issued, text))
            return Exit.DONE
        from relayclear.cli.token_pages import print_codes, print_issued

        print_issued(face, issued, text)
        if qr and issued.token.price.amount:
            print_codes(issued.token)
        return Exit.DONE

    return face.run(work)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RelayclearError(
            f"the quote was made, but {path} can't be written: {error.strerror}",
            hint="relayclear tokens list; the signed quote is in quotes.jsonl beside the database",
            code="output_not_written",
        ) from error


@app.command("list", epilog=examples("tokens list"))
def list_(
    ctx: typer.Context,
    *,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Only these; may be repeated.", autocompletion=completion.token_states),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="Only those paid on this chain.", autocompletion=completion.chains),
    ] = None,
    wallet: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only for packets of this sender.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
) -> int:
    """List tokens, newest first."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show one page."""
        from relayclear.cli.token_pages import print_list
        from relayclear.cli.token_rows import token_row
        from relayclear.usecases.tokens_view import view_tokens

        found = view_tokens(desk, limit, offset, states=_states(state), chain=chain or "", wallet=wallet or "")
        if face.json:
            face.emit({"tokens": [token_row(view) for view in found]})
        elif not found:
            typer.echo(
                "No tokens." if state or chain or wallet or offset else "No tokens yet: relayclear tokens create"
            )
        else:
            print_list(face, found)
        return Exit.DONE

    return face.run(work)


def _states(texts: list[str] | None) -> list[str]:
    from relayclear.ibc.nearest import did_you_mean
    from relayclear.money.state import TokenState

    known = [state.value for state in TokenState]
    wanted = [part for text in texts or () for part in text.replace("-", "_").split(",")]
    for text in wanted:
        if text not in known:
            raise UsageError(f"no token state {text[:40]!r}{did_you_mean(text, known)}", hint=f"--state {known[0]}")
    return wanted


@app.command(epilog=examples("tokens show"))
def show(
    ctx: typer.Context,
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Its memo, or the start of it.", autocompletion=completion.tokens)
    ],
    *,
    for_payer: Annotated[bool, typer.Option("--for-payer", help="Only the text for the payer.")] = False,
    qr: Annotated[bool, typer.Option("--qr", help="Also show address and memo as codes to scan.")] = False,
) -> int:
    """Show one token: its state and why, its packets, its payments, what is owed back."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show the token as it stands, or only what its payer should read."""
        from relayclear.cli.token_pages import print_codes, print_view
        from relayclear.cli.token_rows import view_row
        from relayclear.money.document import fingerprint_in
        from relayclear.usecases.refund_view import refunds_of_token
        from relayclear.usecases.shop import Operator
        from relayclear.usecases.tokens_view import view_token
        from relayclear.wording.selling import payers_news, token_sentences

        view = view_token(desk, token)
        operator = desk.shop.operator if desk.shop else Operator()
        given_back = refunds_of_token(desk, view.order_id)
        text = payers_news(view, operator, fingerprint_in(view.stored.document), given_back)
        if face.json:
            face.emit(view_row(view, text, token_sentences(view), given_back))
            return Exit.DONE
        if for_payer:
            typer.echo(text)
        else:
            print_view(face, view, given_back)
        if qr and view.token.price.amount:
            print_codes(view.token)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("tokens revoke"))
def revoke(
    ctx: typer.Context,
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Its memo, or the start of it.", autocompletion=completion.tokens)
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")],
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Take a quote back before its work begins; what was paid for it is owed back in full."""
    face: Face = ctx.obj
    once = wish(idempotency_key, "tokens revoke", token, reason, told=lambda _, view: _revoked(view))

    async def work(desk: Desk) -> int:
        """Revoke, and say what is owed back."""
        from relayclear.cli.who import who
        from relayclear.usecases.tokens_acts import revoke_token

        view = revoke_token(desk, token, reason, who(), once)
        if face.json:
            face.emit(_revoked(view))
        else:
            _print_state(view)
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """The same answer for a person, as the token stands now."""
        from relayclear.usecases.tokens_view import view_token

        _print_state(view_token(desk, document["token"]))

    return run_once(face, work, told_again(face, page))


def _revoked(view: TokenView) -> dict[str, Any]:
    from relayclear.cli.token_rows import owed_row, token_row

    return {**token_row(view), "owed_back": [owed_row(due) for due in view.owed]}


def _print_state(view: TokenView) -> None:
    from relayclear.cli.token_pages import brief
    from relayclear.wording.selling import token_sentences

    typer.echo(f"{brief(view)}\n" + "\n".join(token_sentences(view)))


@app.command(epilog=examples("tokens verify"))
def verify(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A signed quote; - is standard input.")],
    *,
    issuer: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="The operator's key, as their page names it.")
    ] = None,
) -> int:
    """Check a signed quote, with no config and no network: whole, signed by whom you think, and not over.

    Exit 10: its signature is good and its time to pay is over by this machine's clock; don't pay it.
    """
    face: Face = ctx.obj
    from datetime import UTC, datetime

    from relayclear.cli.token_pages import print_verified
    from relayclear.cli.token_rows import verified_row
    from relayclear.money.document import DocumentFault, is_fingerprint_of

    signed = _signed(_read(file), file)
    known = issuer is not None and is_fingerprint_of(issuer, signed.public_key)
    if issuer is not None and not known:
        raise _faulty(DocumentFault.OTHER_SIGNER, file)
    over = bool(signed.token.price.amount) and datetime.now(UTC) > signed.token.expires_at
    if face.json:
        face.emit(verified_row(signed, known=known, over=over))
    else:
        print_verified(face, signed, known=known, over=over)
    return Exit.FOUND if over else Exit.DONE


@app.command("import", epilog=examples("tokens import"))
def import_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Signed quotes, one a line; - is standard input.")],
    *,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Bring lost tokens back from signed quotes; payments that came with their memos find them again."""
    face: Face = ctx.obj
    lines = [line for line in _read(file).splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{file} is empty", hint="relayclear tokens import quotes.jsonl, the file beside the database")
    found = [(_signed(line, file), line) for line in lines]
    once = wish(idempotency_key, "tokens import", *lines, told=lambda _, done: _imported(done))

    async def work(desk: Desk) -> int:
        """Bring each one back, and say which payments found it."""
        from relayclear.cli.token_pages import brief
        from relayclear.cli.who import who
        from relayclear.usecases.tokens_acts import import_quotes

        done = import_quotes(desk, found, who(), once)
        if face.json:
            face.emit(_imported(done))
            return Exit.DONE
        for one in done:
            typer.echo(f"{one.brought.value}: {brief(one.view)}, {len(one.matched)} payments found it")
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """The same answer for a person, as the tokens stand now."""
        from relayclear.cli.token_pages import brief
        from relayclear.usecases.tokens_view import view_token

        for row in document["tokens"]:
            typer.echo(f"{row['import']}: {brief(view_token(desk, row['token']))}")

    return run_once(face, work, told_again(face, page))


def _imported(done: Iterable[Import]) -> dict[str, Any]:
    from relayclear.cli.token_rows import payment_rows, token_row

    rows = [{**token_row(one.view), "import": one.brought.value, "payments": payment_rows(one.view)} for one in done]
    return {"tokens": rows}


def _signed(text: str, file: str) -> SignedQuote:
    from relayclear.money.document import DocumentError, read_document

    try:
        return read_document(text)
    except DocumentError as error:
        raise _faulty(error.fault, file) from error


def _faulty(fault: DocumentFault, file: str) -> RelayclearError:
    from relayclear.wording.selling import DOCUMENT_FAULTS

    return RelayclearError(
        f"{file}: {DOCUMENT_FAULTS[fault]}",
        code=fault.value,
        hint="give the quote as it was printed: tokens create --json, or a line of quotes.jsonl",
    )


def _read(file: str) -> str:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"{file} can't be read: {error.strerror}", hint="name a file that is there, or - for what is piped in"
        ) from error
    if len(content) > _LARGEST:
        raise UsageError(
            f"{file} is larger than any file of quotes", hint="relayclear tokens import quotes.jsonl, in parts"
        )
    return content.decode("utf-8", "replace")
