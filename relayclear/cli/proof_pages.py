"""A checked proof of clear as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relayclear.clearing.proof_check import Finding, Verdict
from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled
from relayclear.cli.output import console
from relayclear.cli.rows import end_row
from relayclear.ibc.fate import Doer, deciding_steps
from relayclear.ibc.text import clean
from relayclear.ibc.triage import PacketClass
from relayclear.usecases.proof_check import PacketCheck, ProofCheck
from relayclear.wording import FATES
from relayclear.wording.proofs import VERDICTS, flaw_line


def check_document(check: ProofCheck) -> dict[str, Any]:
    """The document of `operations verify --json`."""
    proof = check.proof
    return {
        "verdict": check.verdict.value,
        "operation": proof.operation_id,
        "instance": proof.instance,
        "path": {**end_row(proof.path.source), "counterparty": end_row(proof.path.destination)},
        "path_findings": _finding_rows(check.path),
        "asked": [
            {"chain": chain, "endpoints": list(endpoints), "height": check.heights.get(chain)}
            for chain, endpoints in check.endpoints.items()
        ],
        "packets": [
            {
                "sequence": item.packet.after.sequence,
                "fate": item.packet.after.fate.value,
                "by": item.packet.after.by.value,
                "relayer": _relayer(item),
                "verdict": item.verdict.value,
                "findings": _finding_rows(item.findings),
            }
            for item in check.packets
        ],
        "absent": str(check.absent),
    }


def _finding_rows(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"flaw": finding.flaw.value, "detail": clean(finding.detail, 400), "meaning": clean(flaw_line(finding), 400)}
        for finding in findings
    ]


def _relayer(item: PacketCheck) -> str | None:
    """The address that ended the packet's wait, by the proof's own word."""
    found = {tx.step: tx.relayer for tx in item.packet.after.txs}
    steps = deciding_steps(item.packet.before.packet_class or PacketClass.STUCK)
    return next((found[step] for step in steps if found.get(step)), None)


def print_check(face: Face, check: ProofCheck) -> None:
    """Print the verdict, who was asked, and a line a packet with what speaks against it."""
    out = console(face.color)
    proof, word = check.proof, VERDICTS[check.verdict]
    count = len(check.packets)
    print_filled(out, f"{word.word}: {word.meaning}", f"{word.glyph} ", word.style)
    where = f"{proof.path.source} → {proof.path.destination}"
    packets = "1 packet" if count == 1 else f"{count} packets"
    print_filled(out, clean(f"{packets} of {where}, operation {proof.operation_id}", 400), "  ")
    for chain, endpoints in check.endpoints.items():
        height = f", height {check.heights[chain]}" if chain in check.heights else ""
        who = ", ".join(endpoints) or "nobody answered"
        print_filled(out, f"asked {clean(chain)}: {clean(who)}{height}", "  ", "dim")
    for finding in check.path:
        print_filled(out, clean(flaw_line(finding), 400), "  ", word.style)
    for item in check.packets:
        _print_packet(face, item)
    if check.absent:
        print_filled(out, f"not in the proof: {clean(str(check.absent), 200)}", "  ", "yellow")


def _print_packet(face: Face, item: PacketCheck) -> None:
    out = console(face.color)
    after, word = item.packet.after, VERDICTS[item.verdict]
    by = ""
    if (address := _relayer(item)) is not None:
        own = ", whom the proof calls its own" if after.by is Doer.US else ""
        by = f", by {address}{own}"
    verdict = "" if item.verdict is Verdict.CONFIRMED else f" ({word.word})"
    line = f"#{after.sequence} {FATES[after.fate].word}{by}{verdict}"
    print_filled(out, clean(line, 400), f"  {word.glyph} ", word.style)
    for finding in item.findings:
        print_filled(out, clean(flaw_line(finding), 400), "      ", word.style)
