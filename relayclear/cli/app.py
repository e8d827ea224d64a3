"""The root command: global options, the order of nouns, and how errors leave the program."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from relayclear import __version__
from relayclear.cli.bash_line import as_typed
from relayclear.cli.face import Face, Opener
from relayclear.cli.nouns import Root, add_called
from relayclear.cli.output import Exit, emit_error, exit_for
from relayclear.cli.status import status
from relayclear.cli.typed import hoisted, typed_so_far
from relayclear.errors import RelayclearError, UsageError

# Typer's own errors; it keeps the class private, but promises this one below it.
_ClickError = cast("type[Exception]", typer.BadParameter.__mro__[2])

_COLORS = ("auto", "always", "never")
# The backspace is click's mark for: don't wrap these lines.
_EPILOG = """Global options work before or after a command. A command's own page, with examples:
relayclear COMMAND --help. How to get unstuck, step by step: relayclear help runbook.

\b
Examples:
  relayclear packets list
  relayclear --install-completion"""


def _version(*, wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"relayclear {__version__}\n")
        raise typer.Exit


def root(
    ctx: typer.Context,
    *,
    config_file: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="relayclear's own config.")
    ] = None,
    hermes_config: Annotated[
        list[str] | None, typer.Option("--hermes-config", metavar="FILE", help="A Hermes config; may be repeated.")
    ] = None,
    database: Annotated[str | None, typer.Option("--db", metavar="FILE", help="The database.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors too on stderr.")] = False,
    color: Annotated[str, typer.Option(metavar="WHEN", help="auto, always or never.")] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=lambda value: _version(wanted=value), is_eager=True, help="Show it.")
    ] = False,
) -> int | None:
    """Find stuck IBC packets, clear exactly the chosen ones through Hermes, prove what became of them."""
    if color not in _COLORS:
        from relayclear.ibc.nearest import nearest_of

        raise UsageError(
            f"--color {color!r} is none of auto, always, never", hint=f"--color {nearest_of(color, _COLORS)}"
        )
    flags: dict[str, Any] = {"store.url": database, "hermes.config": hermes_config or None}
    ctx.obj = Face(as_json, debug, color, config_file, flags, os.environ, opener=ctx.obj)
    if ctx.invoked_subcommand is None:
        return status(ctx.obj)
    return None


def app_for(words: Sequence[str], *, named: bool = False) -> typer.Typer:
    """The program for a command line without its global options: the called command, or all where none is called.

    `named`: where none is called, all only by name, so that a page of them loads none.
    """
    app = typer.Typer(
        name="relayclear",
        cls=Root,
        invoke_without_command=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        epilog=_EPILOG,
    )
    app.callback()(root)
    add_called(app, words, named=named)
    return app


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line and leave with its exit code."""
    # Lists make hundreds of thousands of short-lived rows and no cycles: collecting only costs.
    gc.disable()
    with as_typed(os.environ):
        code = int(run(sys.argv[1:] if argv is None else argv))
    # Everything is closed and flushed: taking 25,000 rows apart one by one would only cost time.
    sys.stderr.flush()
    os._exit(code)


def run(argv: Sequence[str], opener: Opener | None = None) -> int:
    """Run one command line, over the desk that `opener` makes; its exit code."""
    options, words = hoisted(argv)
    as_json = "--json" in options
    try:
        # A tab asks for completion by the environment, and with no word on the command line of its own.
        app = app_for(hoisted(typed_so_far(os.environ))[1] or words, named=True)
        result = app([*options, *words], prog_name="relayclear", standalone_mode=False, obj=opener)
        sys.stdout.flush()
    except RelayclearError as error:
        emit_error(error, as_json=as_json)
        return exit_for(error)
    except _ClickError as error:
        return _misused(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        # Typer turns a broken pipe into an exit of its own; any other exit is meant as one.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        return _left_alone()
    except Exception as error:  # noqa: BLE001 - the last line of defence: a report, never a traceback
        from relayclear.cli.trouble import report

        return report(error, as_json=as_json, debug="--debug" in options)
    return result if isinstance(result, int) else Exit.DONE


def _left_alone() -> Exit:
    """The reader left (`| head`): there is nobody to tell, and the flush at exit must not try."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return Exit.DONE


def _misused(error: Any, *, as_json: bool) -> Exit:
    from relayclear.cli.misuse import misuse

    message = str(error.format_message()).rstrip(".")
    if message.startswith("Usage: ") and not as_json:
        sys.stderr.write(message + "\n")  # a noun without a verb: its help is the answer
        return Exit.USAGE
    emit_error(misuse(error), as_json=as_json)
    return Exit.USAGE
