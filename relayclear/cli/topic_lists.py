"""Help topics that are made from what they are about, so that none of them can be out of date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from relayclear.cli.lines import filled
from relayclear.cli.output import Exit
from relayclear.cli.who import VARIABLE

if TYPE_CHECKING:
    from relayclear.wording import Word

WIDTH = 80

_DOCTOR = """doctor: 2 a config that can't be used, 3 what can't be reached, 1 any other
failed check, 10 warnings.
refunds sweep: 0 all that may go has gone, 3 a chain can't be reached or what
was sent is in no block yet, 5 another process sends, 4 something waits for a
yes or for coins; with --check 10 in place of 4 where anything is owed still.
tokens verify: 1 touched or signed by another, 10 good and over: don't pay."""

_DASHBOARD = """\
relayclear dashboard shows the database that relayclear watch keeps fresh, and
asks no node. It only looks; with --act capital keys act: each shows its plan,
rests on Cancel, and asks. What was asked for is carried out by watch, or by the
screen itself where no watch lives, and recorded either way. It works from 80x24
on.

"""

_DASHBOARD_CONFIG = """\

A filter takes the terms of packets list --filter. Any key can be another one,
or none, by the names in brackets:

  [dashboard]
  theme = "terminal"          dark, light, or the terminal's own 16 colours
  words = "plain"             plain words, with an explanation; F2 switches
  keys = ["clear=K", "quote="]
"""

_JSON = """\
--json works on every command: one document on stdout, ended by a line feed.

  schema_version   1; it changes when a field changes its meaning or leaves
  coins            {"denom": "uatom", "amount": "2000"}: amounts are strings, of
                   any length
  sequences        integers
  times            RFC 3339 in UTC, null where nobody could tell
  unknown          null, never 0 or an empty text
  errors           one object on stderr: {"error": {"code", "message", "hint",
                   "retryable"}}

--json never asks, never colours, never shows progress. packets list --watch
--json and history export --json write one document a line.

A script that can't know whether its last try was heard gives --idempotency-key
TEXT to what creates or acts (clear, tokens create|revoke|import, payments
assign, payments gaps accept, refunds approve|waive|mark-paid|export, books
assign, operations cancel|retry, keys create|rotate|revoke, packets
mute|unmute). The same key and words get the same document for ever and nothing
is done again; a clear is shown as it stands, with exit 3 while it goes on. The
same key with other words is refused (4, idempotency_key_reused). What was
refused or couldn't be reached left nothing behind, and may be asked for again.

Every document begins with schema_version; beside it stand, at the top:

"""

_JSON_MARKS = """
? may be missing: the rest tells why. What watch tells has more by its event.
"""

_BEATS = """\
A flag beats the environment, which beats the config file, which beats the
default. relayclear config show says where each value came from."""

# What is read besides the settings, by whom it is set; a test looks for what else the code reads.
OURS = {
    "RELAYCLEAR_CONFIG": "relayclear's own config file",
    "RELAYCLEAR_HERMES_CONFIG": "Hermes' config; several are separated by ':'",
    "RELAYCLEAR_DB": "the database file",
    "RELAYCLEAR_PASSPHRASE_FILE": "a file of mode 0600 that opens the wallet file",
    VARIABLE: "who acts, for the history; else the user's name",
}
TERMINAL = {
    "NO_COLOR": "set to anything: no colour",
    "TERM": "dumb: no colour, and no line that is written over",
    "COLUMNS": "the width of tables",
    "PATH": "where programs are looked for that the config names",
}
FOLDERS = {
    "XDG_CONFIG_HOME": "its relayclear folder holds config.toml and the keys",
    "XDG_DATA_HOME": "its relayclear folder holds the database",
    "XDG_STATE_HOME": "its relayclear folder holds the locks",
    "TMPDIR": "the configs of single runs of Hermes, reports, demos",
}
SYSTEMD = {
    "CREDENTIALS_DIRECTORY": "credentials of the unit: passphrase, webhook secret",
    "STATE_DIRECTORY": "where reports and bundles of a service are written",
    "NOTIFY_SOCKET": "whom watch tells that it is ready, and lives",
    "WATCHDOG_USEC": "how often it has to",
    "WATCHDOG_PID": "which process that is meant for",
}
SHELL = {
    "_RELAYCLEAR_COMPLETE": "a tab was pressed; by the shell's script",
    "COMP_WORDS": "what was typed, in bash",
    "COMP_CWORD": "which word of it, in bash",
    "_TYPER_COMPLETE_ARGS": "what was typed, in zsh and fish",
}


def exit_codes() -> str:
    """The exit codes, a line each."""
    lines = [filled(code.meaning, f"{code.value:>5}   ", WIDTH) for code in Exit]
    return "\n".join([*lines, "", "Where several apply: 3, then 1, 2, 5, 4 and 10.", _DOCTOR, ""])


def dashboard_keys() -> str:
    """The screen and its keys, from the one table of them."""
    from relayclear.dashboard.actions import ACTIONS, Danger, shown_key

    lines = {
        acts: [
            filled(f"{action.tells} ({action.name})", f"  {shown_key(action.key):<10}", WIDTH)
            for action in ACTIONS.values()
            if (action.danger is not Danger.LOOKS) is acts
        ]
        for acts in (True, False)
    }
    keys = "\n".join(["Keys that act, with --act:", *lines[True], "", "Keys that look:", *lines[False]])
    return f"{_DASHBOARD}{keys}\n{_DASHBOARD_CONFIG}"


def environment() -> str:
    """The variables: ours, those of others that count, and the one of each setting."""
    from relayclear.config.loading import variables

    settings = [f"  {name:<48} {path}" for name, path in sorted(variables().items()) if name not in OURS]
    parts = [
        _BEATS,
        _table("Ours:", OURS),
        _table("The terminal's and the shell's:", TERMINAL),
        _table("Where files are; each has the platform's default:", FOLDERS),
        _table("Set by systemd for its service:", SYSTEMD),
        _table("Set by the scripts of completion:", SHELL),
        "\n".join(["Any single setting, like RELAYCLEAR_SCAN_STUCK_AFTER=10m:", *settings]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, rows: dict[str, str]) -> str:
    return "\n".join([title, *(filled(says, f"  {name:<26} ", WIDTH) for name, says in rows.items())])


def glossary() -> str:
    """The words of the field, from the table that the screen shows too."""
    from relayclear.wording.glossary import GLOSSARY

    return "\n".join(_explained(GLOSSARY.items())) + "\n"


def json_documents() -> str:
    """What `--json` promises, and the names at the top of every document."""
    from relayclear.cli.documents import rows

    return _JSON + "\n".join(f"  {line}" for line in _explained(rows(), WIDTH - 2)) + "\n" + _JSON_MARKS


def runbook() -> str:
    """What to do for each way in which a packet can be stuck, and for each state that a screen names."""
    from relayclear.wording import CLASSES, FATES, runbook

    classes = _todo(CLASSES, runbook.TODO_CLASS)
    reasons = [(name.value, f"{why} {runbook.lifts(name)}") for name, (why, _) in runbook.TODO_REASON.items()]
    fates = _todo(FATES, runbook.TODO_FATE)
    parts = [
        runbook.BEFORE,
        _section(runbook.CLASSES_TITLE, classes),
        _section(runbook.REASONS_TITLE, reasons),
        runbook.CLEARING,
        _section(runbook.FATES_TITLE, fates),
        runbook.AFTER,
        *_states(),
    ]
    return "\n".join(parts)


def _states() -> list[str]:
    """What to do for each state of the work, of what is sold, and of what goes back."""
    from relayclear.wording import GIVEN_UP, OPERATIONS, breaking, refunding, requesting, selling
    from relayclear.wording import runbook_sales as told

    work = _todo(OPERATIONS, told.TODO_OPERATION)
    flaws = [(flaw.value, f"{why} {todo}") for flaw, (why, todo) in told.TODO_FLAW.items()]
    verdicts = [(selling.VERDICT_REASONS[reason], todo) for reason, todo in told.TODO_VERDICT.items()]
    return [
        told.SALES,
        _section(told.OPERATIONS_TITLE, [*work, *_todo({None: GIVEN_UP}, {None: told.GIVEN_UP})]),
        _section(told.REQUESTS_TITLE, _todo(requesting.REQUESTS, told.TODO_REQUEST)),
        _section(told.BREAKERS_TITLE, _todo(breaking.BREAKERS, told.TODO_BREAKER)),
        _section(told.TOKENS_TITLE, _todo(selling.TOKENS, told.TODO_TOKEN)),
        _section(told.FLAWS_TITLE, flaws),
        _section(told.RESULTS_TITLE, _todo(selling.RESULTS, told.TODO_RESULT)),
        _section(told.VERDICTS_TITLE, verdicts),
        _section(told.REFUNDS_TITLE, _todo(refunding.REFUNDS, told.TODO_REFUND)),
    ]


def _todo(words: Mapping[Any, Word], todos: Mapping[Any, str]) -> list[tuple[str, str]]:
    """Each word with what it means and what to do about it."""
    return [(words[name].word, f"{_said(words[name].meaning)} {todo}") for name, todo in todos.items()]


def _said(meaning: str) -> str:
    """A meaning as a sentence."""
    return f"{meaning[:1].upper()}{meaning[1:]}."


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([f"  {title}", *(f"    {line}" for line in _explained(rows, WIDTH - 4))]) + "\n"


def _explained(rows: Iterable[tuple[str, str]], width: int = WIDTH) -> list[str]:
    """A word alone on its line, what is said of it indented below: words are too long for a column."""
    return [line for word, text in rows for line in [word, *filled(text, "    ", width).splitlines()]]
