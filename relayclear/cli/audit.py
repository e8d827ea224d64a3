"""`relayclear audit`: whether the books, the store and the chains say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, worst

if TYPE_CHECKING:
    from relayclear.usecases.audit_values import ChainAudit
    from relayclear.usecases.desk import Desk


def audit(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="Only this chain.", autocompletion=completion.chains)
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Equations and balance only; says nothing to stopped refunds.")
    ] = False,
) -> int:
    """Compare the books with the chain, movement by movement; exit 10 where they differ, 3 where it can't be read."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Audit, and tell what agrees and what does not."""
        from relayclear.cli.book_pages import print_audit
        from relayclear.cli.book_rows import audit_row
        from relayclear.usecases import audit as use

        with face.waiting("comparing"):
            found = await use.audit(desk, chain, quick=quick)
        if face.json:
            face.emit(audit_row(found))
        else:
            print_audit(face, found)
        return worst(_code(one) for one in found)

    return face.run(work)


def _code(one: ChainAudit) -> Exit:
    if one.error is not None:
        return Exit.UNREACHABLE
    return Exit.FOUND if one.findings else Exit.DONE
