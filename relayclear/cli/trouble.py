"""The unexpected kind of error: a report file without secrets, and one line that says where."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from relayclear import __version__
from relayclear.cli.output import Exit, emit_error
from relayclear.errors import RelayclearError
from relayclear.ibc.text import clean_lines


def report(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Write what happened to a file and name it; with --debug the traceback goes to stderr too, URLs without secrets.

    The report holds code lines and the error's class, not its values: those may be an address, a
    URL with a password, or worse.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"relayclear {__version__}, Python {platform.python_version()}, {platform.system()}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}: {frame.line}" for frame in frames]
    lines.append(type(error).__name__)
    kept = _kept("\n".join(lines) + "\n")
    if debug:
        sys.stderr.write(clean_lines("".join(traceback.format_exception(error))) + "\n")
    unexpected = RelayclearError(
        f"something unexpected happened ({type(error).__name__}); nothing more was done",
        hint=f"send {kept} with a report of it, or run it again with --debug" if kept else "run it again with --debug",
        code="unexpected",
    )
    emit_error(unexpected, as_json=as_json)
    return Exit.FAILED


def reports_folder() -> str:
    """Where reports are kept."""
    # A service has a temporary folder of its own, which goes with it: its state stays.
    return os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir()


def _kept(text: str) -> str | None:
    """The report's file; None where none can be written, as on a full disk."""
    try:
        folder = reports_folder()
        with tempfile.NamedTemporaryFile("w", prefix="relayclear-", suffix=".txt", dir=folder, delete=False) as file:
            file.write(text)
    except OSError:
        return None
    return file.name
