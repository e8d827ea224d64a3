"""`relayclear doctor`: what is wrong, why it matters, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, say, worst

if TYPE_CHECKING:
    from relayclear.usecases.doctor_facts import Finding


def doctor(
    ctx: typer.Context,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Look at configs, keys and programs only.")] = False,
    bundle: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a support file (tar.gz) without secrets, too.")
    ] = None,
) -> int:
    """Check configs, Hermes, nodes, keys, gas, clients, memory; name the next command for each trouble."""
    import asyncio

    from relayclear.bootstrap.examination import examined
    from relayclear.cli.bundle import refuse_existing, write_bundle

    face: Face = ctx.obj
    if bundle is not None:
        refuse_existing(bundle)
    config = Path(face.config) if face.config else None
    findings = asyncio.run(examined(config, face.environ, face.flags, offline=offline))
    rows = [finding_row(finding) for finding in findings]
    if bundle is not None:
        write_bundle(face, bundle, rows)
    if face.json:
        face.emit({"findings": rows, "bundle": bundle})
    else:
        print_findings(face, findings)
        if bundle is not None:
            say(f"written: {bundle}; passwords and keys are left out, addresses are not: look before you send it")
    return exit_of(findings)


def exit_of(findings: Sequence[Finding]) -> Exit:
    """2 for a config that no command could use, 3 for what can't be reached, 1 for other failures, 10 for warnings."""
    from relayclear.usecases.doctor_facts import Cause, Severity

    failed = {Cause.CONFIG: Exit.USAGE, Cause.UNREACHABLE: Exit.UNREACHABLE, Cause.STATE: Exit.FAILED}
    codes = [failed[finding.cause] for finding in findings if finding.severity is Severity.FAIL]
    if Exit.USAGE in codes:
        return Exit.USAGE
    return worst([*codes, *(Exit.FOUND for finding in findings if finding.severity is Severity.WARN)])


def finding_row(finding: Finding) -> dict[str, str | None]:
    """A finding as programs read it."""
    return {
        "check": finding.check,
        "chain": finding.chain,
        "severity": finding.severity.value,
        "finding": finding.finding,
        "why": finding.why,
        "next": finding.next,
    }


def print_findings(face: Face, findings: list[Finding], *, fine: bool = True) -> None:
    """Each finding, why it matters, what mends it; then how many there are of each kind, also of those not shown.

    `fine` False leaves out what is well.
    """
    from relayclear.cli.lines import print_filled
    from relayclear.ibc.text import clean
    from relayclear.wording import counted, of_chain

    out = console(face.color)
    marks = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
    for finding in (one for one in findings if fine or one.severity.value != "ok"):
        glyph, style = marks[finding.severity.value]
        where = f"{finding.chain}: " if finding.chain else ""
        print_filled(out, where + clean(of_chain(finding.chain or "", finding.finding)), f"{glyph} ", style)
        if finding.severity.value != "ok":
            print_filled(out, clean(finding.why), "    ", "dim")
        for step in (finding.next or "").splitlines():
            out.print(f"    try: {clean(step)}", soft_wrap=True)
    counts = {word: sum(finding.severity.value == word for finding in findings) for word in marks}
    told = (f"{counts['ok']} fine", counted(counts["warn"], "warning"), counted(counts["fail"], "failure"))
    out.print(f"{', '.join(told)}.", style="dim")
