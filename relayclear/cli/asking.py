"""A question to the person at the terminal, which one Ctrl-C leaves."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import GetPassWarning, getpass

import typer

from relayclear.cli.output import emit_error, say
from relayclear.errors import UsageError

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


def agreed(question: str) -> bool:
    """Ask on stderr for yes or no; no is the default.  Raises typer.Abort on Ctrl-C, SIGTERM and the end of input."""
    while (answer := typed(f"{question} [y/N]")).lower() not in _ANSWERS:
        error = UsageError(f"{answer[:40]!r} is neither yes nor no", hint="y, or n; enter alone is no")
        emit_error(error, as_json=False)
    return _ANSWERS[answer.lower()]


def typed(question: str) -> str:
    """Ask on stderr for a word, empty where only enter is pressed.  Raises typer.Abort as `agreed` does."""
    with _leaving_at_once():
        try:
            return str(typer.prompt(question, default="", show_default=False, err=True)).strip()
        except typer.Abort:
            say("")
            raise


def unseen(question: str) -> str:
    """Ask for what nobody may see.  Raises typer.Abort on Ctrl-C, SIGTERM and the end of input."""
    with _leaving_at_once():
        try:
            with warnings.catch_warnings():
                # It would go on and show what is typed.
                warnings.simplefilter("error", GetPassWarning)
                return getpass(question)
        except GetPassWarning:
            raise UsageError("this terminal can't hide what is typed", hint="RELAYCLEAR_PASSPHRASE_FILE=FILE") from None
        except (EOFError, KeyboardInterrupt):
            say("")
            raise typer.Abort from None


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    """While it waits for an answer, an event loop never runs the handlers that it took the signals over with."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
