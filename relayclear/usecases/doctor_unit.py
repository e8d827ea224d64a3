"""Doctor's look at the systemd unit: whether what starts by itself is what is used by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from relayclear.usecases.doctor_facts import Finding, Severity, UnitFacts

_TWO = "what doctor says is not about what runs"


def check_unit(unit: UnitFacts | None, config: str, database: str) -> list[Finding]:
    """What is wrong with the unit, for a command that reads `config` and `database`; nothing without a unit."""
    if unit is None:
        return []
    wrong = [*_program(unit), *_credentials(unit), *_places(unit, config, database)]
    why = "watch is started, and started again, by it"
    return wrong or [Finding("unit", None, Severity.OK, f"{unit.path} starts {unit.program}", why)]


def _program(unit: UnitFacts) -> Iterator[Finding]:
    if not unit.there:
        found = f"{unit.path} starts {unit.program or 'nothing'}, which is not there"
        step = f"correct ExecStart there{f' to {unit.ours} watch' if unit.ours else ''}\nsystemctl daemon-reload"
        yield Finding("unit", None, Severity.FAIL, found, "watch doesn't start by itself", step)
    elif unit.ours is not None and unit.program != unit.ours:
        found = f"{unit.path} starts {unit.program}, and this is {unit.ours}"
        why = "two installations can be two versions over one database"
        yield Finding("unit", None, Severity.WARN, found, why, f"{shlex.quote(unit.program)} --version")


def _credentials(unit: UnitFacts) -> Iterator[Finding]:
    for file in unit.missing:
        found = f"{unit.path} loads {file}, which is not there"
        step = "relayclear service unit --no-wallet    # for a watch that gives nothing back"
        yield Finding("unit", None, Severity.FAIL, found, "systemd doesn't start a unit without its credential", step)


def _places(unit: UnitFacts, config: str, database: str) -> Iterator[Finding]:
    named = (
        ("config", "RELAYCLEAR_CONFIG", unit.config, config, _TWO),
        (
            "database",
            "RELAYCLEAR_DB",
            unit.database,
            database,
            "the two don't know of each other's clears and payments",
        ),
    )
    for what, variable, theirs, ours, why in named:
        if theirs and theirs != ours:
            found = f"{unit.path} uses the {what} {theirs}, and this command {ours}"
            step = f"{variable}={shlex.quote(theirs)} relayclear doctor"
            yield Finding("unit", None, Severity.WARN, found, why, step)
