"""What is wrong, or soon will be, between the config and the chains: finding, why it matters, next step.

Everything is read, nothing is changed.  A thing that can't be read is a failed finding, never a
good one, and never an exception.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Sequence

from relayclear.errors import RelayclearError, StoreError
from relayclear.usecases.doctor_alerts import check_alerts
from relayclear.usecases.doctor_chains import check_chain
from relayclear.usecases.doctor_facts import (
    Cause,
    Doctor,
    DoctorInput,
    FileFacts,
    Finding,
    HermesFacts,
    Severity,
    cause_of,
)
from relayclear.usecases.doctor_memory import check_memory
from relayclear.usecases.doctor_rivals import check_rivals
from relayclear.usecases.doctor_unit import check_unit

# Below it `clear packets --packet-sequences` is missing, or (1.8.1) clears the wrong channel.
OLDEST_HERMES = (1, 8, 2)
HONOURS_EXCLUSIONS = (1, 10, 3)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_NEWER = "install Hermes 1.10.5 or newer"
_OTHERS_WRITE = 0o022
_OTHERS_READ = 0o044


async def examine(doctor: Doctor) -> list[Finding]:
    """Every check: configs first, then chain by chain in the order of the config."""
    findings = await _configs(doctor)
    findings += check_memory(doctor.memory) if doctor.memory is not None else []
    findings += check_unit(doctor.unit, doctor.facts.config or "", doctor.facts.database)
    findings += check_rivals(doctor.facts)
    for chain in await asyncio.gather(*(check_chain(doctor, facts) for facts in doctor.facts.chains)):
        findings += chain
    if doctor.facts.paths is None and not doctor.offline:
        why = "a channel whose client has expired can't be cleared"
        finding = "the channels are not known, so no client was looked at"
        findings.append(Finding("clients", None, Severity.WARN, finding, why, "relayclear channels"))
    return findings


def worst(findings: Sequence[Finding]) -> Severity:
    """The worst severity among the findings."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in (Severity.FAIL, Severity.WARN) if severity in found), Severity.OK)


async def _configs(doctor: Doctor) -> list[Finding]:
    facts = doctor.facts
    findings = [_problem(error) for error in facts.problems]
    if not findings:
        read = ", ".join(file.path for file in facts.files) or "no file: all defaults"
        findings.append(Finding("config", None, Severity.OK, f"read: {read}", "every command starts from it"))
    findings += [finding for file in (*facts.files, *facts.private) for finding in _permissions(file)]
    findings += _words(facts)
    if not facts.chains and not facts.problems:
        why = "there is nothing to look at"
        step = "name the config of the Hermes that runs with --hermes-config"
        findings.append(Finding("chains", None, Severity.FAIL, "no chain is configured", why, step, Cause.CONFIG))
    programs = await asyncio.gather(*(_program(doctor, instance) for instance in facts.instances))
    for instance, program in zip(facts.instances, programs, strict=True):
        findings += [program, *_unsupported(instance), _daemon_clearing(instance)]
    return [*findings, *_watching(facts), *(check_alerts(facts.alerts) if facts.chains else [])]


def _watching(facts: DoctorInput) -> list[Finding]:
    """What `relayclear watch` is with this config: a seller, or a monitor that spends nothing by itself."""
    if not facts.chains:
        return []
    payees = [chain.chain for chain in facts.chains if chain.payee]
    keys = [chain.chain for chain in facts.chains if chain.clearing_key]
    if payees and keys:
        finding, why = f"watch sells: paid on {', '.join(payees)}", "it clears what is paid for, with the clearing keys"
    else:
        finding = f"watch only looks: no chain has a {'clearing key' if payees else 'payee'}"
        why = "without both it is a monitor, and spends nothing by itself"
    return [Finding("watch", None, Severity.OK, finding, why)]


def _problem(error: RelayclearError) -> Finding:
    if isinstance(error, StoreError):
        step, why = error.hint or "relayclear db check", "nothing is remembered without it"
        return Finding("database", None, Severity.FAIL, error.message, why, step, cause_of(error))
    return Finding(
        "config", None, Severity.FAIL, error.message, "what it says can't be used", error.hint, cause_of(error)
    )


def _permissions(file: FileFacts) -> list[Finding]:
    """Whether others may write what decides, or read what is secret."""
    if file.mode is None:
        return []
    name, path = file.path, shlex.quote(file.path)
    if file.mode & _OTHERS_WRITE:
        why = "whoever can write it chooses keys, nodes and the program that is started"
        return [Finding("permissions", None, Severity.WARN, f"others may write {name}", why, f"chmod go-w {path}")]
    if file.holds_secrets and file.mode & _OTHERS_READ:
        step = f"chmod {'700' if file.is_folder else '600'} {path}"
        return [Finding("permissions", None, Severity.WARN, f"others may read {name}", file.why, step)]
    return []


def _words(facts: DoctorInput) -> list[Finding]:
    if not facts.words:
        return []
    found = f"the words of clearing keys still lie here: {', '.join(facts.words)}"
    why = "with this disk the keys and the only way back to them are lost together"
    step = f"copy them to a safe place elsewhere, then: shred -u {shlex.join(facts.words)}"
    return [Finding("words", None, Severity.WARN, found, why, step)]


async def _program(doctor: Doctor, instance: HermesFacts) -> Finding:
    name, relayer = " ".join(instance.command), doctor.relayers.get(instance.config)
    why = "packets are cleared by it"
    if relayer is None:
        return Finding("hermes", None, Severity.FAIL, f"{name} can't be used with {instance.config}", why)
    try:
        version = await relayer.version()
    except RelayclearError as error:
        return Finding("hermes", None, Severity.FAIL, error.message, why, error.hint, cause_of(error))
    return _version(name, version)


def _version(name: str, version: str) -> Finding:
    match = _VERSION.match(version)
    if match is None:
        finding, why = f"{name} says it is version {version[:40]!r}", "which versions clear safely is known by number"
        return Finding("hermes", None, Severity.FAIL, finding, why, _NEWER)
    number, found = tuple(int(part) for part in match.groups()), f"{name} is {match[0]}"
    if number < OLDEST_HERMES:
        why = "1.8.1 can clear the wrong channel" if number == (1, 8, 1) else "it can't clear chosen sequences safely"
        return Finding("hermes", None, Severity.FAIL, found, why, _NEWER)
    if number < HONOURS_EXCLUSIONS:
        why = "before 1.10.3 its clear command ignores excluded_sequences; relayclear leaves them out itself"
        return Finding("hermes", None, Severity.WARN, found, why, _NEWER)
    return Finding("hermes", None, Severity.OK, found, "packets are cleared by it")


def _unsupported(instance: HermesFacts) -> list[Finding]:
    why = "relayclear reads Cosmos chains only; the others are left out of every list"
    return [
        Finding("unsupported", chain, Severity.OK, f"{chain} is a {kind} chain and is skipped", why)
        for chain, kind in sorted(instance.unsupported.items())
    ]


def _daemon_clearing(instance: HermesFacts) -> Finding:
    """What the daemon clears by itself: no fault either way, but it explains what stays stuck."""
    if not instance.packets_enabled:
        return Finding(
            "daemon", None, Severity.OK, "hermes start relays no packets", "what arrives is cleared only on demand"
        )
    start = "clears when it starts" if instance.clear_on_start else "doesn't clear when it starts"
    if instance.clear_interval:
        every = f"and every {instance.clear_interval} blocks, on channels that had events lately"
        why = "packets there may be gone before you clear them; a quiet channel is never cleared by it"
    else:
        every = "and never in between (clear_interval = 0)"
        why = "a packet it misses stays stuck until somebody clears it"
    return Finding("daemon", None, Severity.OK, f"hermes start {start} {every}", why)
