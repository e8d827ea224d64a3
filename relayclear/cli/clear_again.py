"""A clear whose idempotency key was answered before: it is shown as it stands, and nothing runs again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from relayclear.cli.clear_offer import exit_of
from relayclear.cli.face import Face
from relayclear.cli.once import run_once
from relayclear.cli.output import Exit

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.tokens_view import TokenView


def run_clear_once(face: Face, work: Callable[[Desk], Awaitable[int]]) -> int:
    """Run the work; where its key was answered before, show the operation, or the token, of then."""
    return run_once(face, work, partial(_again, face))


async def _again(face: Face, desk: Desk, answer: Any) -> int:
    """Exit 3 while nobody can tell the outcome yet."""
    if "order_id" in answer:
        return _token_again(face, desk, answer["order_id"])
    from relayclear.clearing.operation import operation_state
    from relayclear.cli.operation_pages import print_story
    from relayclear.cli.rows import operation_row
    from relayclear.usecases.operations import UNDER_WAY, operation_story

    # It finds out first what became of one whose process died.
    story = await operation_story(desk, answer["operation_id"])
    if face.json:
        face.emit(operation_row(story.operation))
    else:
        print_story(face, story, output=False)
    return Exit.UNREACHABLE if operation_state(story.operation) in UNDER_WAY else exit_of(story.operation)


def _token_again(face: Face, desk: Desk, order_id: str) -> int:
    from relayclear.money.state import TokenState
    from relayclear.usecases.token_clear import Outcome
    from relayclear.usecases.tokens_view import view_token

    view = view_token(desk, order_id)
    show_token(face, desk, view)
    if not Outcome(view).is_over:
        return Exit.UNREACHABLE
    return Exit.DONE if view.state is TokenState.CLEARED else Exit.FAILED


def show_token(face: Face, desk: Desk, view: TokenView) -> None:
    """Show a token as it stands."""
    from relayclear.cli.token_pages import print_view
    from relayclear.cli.token_rows import view_row
    from relayclear.money.document import fingerprint_in
    from relayclear.usecases.shop import Operator
    from relayclear.wording.selling import payers_news, token_sentences

    if not face.json:
        print_view(face, view)
        return
    operator = desk.shop.operator if desk.shop else Operator()
    text = payers_news(view, operator, fingerprint_in(view.stored.document))
    face.emit(view_row(view, text, token_sentences(view)))
