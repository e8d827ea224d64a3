"""A clear as people read it: the plan, the progress, the outcome with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relayclear.clearing.operation import Operation, PacketAfter, newest_results
from relayclear.clearing.plan import bites
from relayclear.cli.face import Face
from relayclear.cli.interrupt import Interrupt
from relayclear.cli.lines import print_filled
from relayclear.cli.output import console, say
from relayclear.cli.rows import coin_row, end_row, packet_rows
from relayclear.cli.who import who
from relayclear.ibc.relayer import GasTerms, RelayEvent
from relayclear.ibc.text import clean, visible
from relayclear.usecases.clear import Watcher
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.wording import (
    CLASSES,
    FATES,
    STEPS,
    again_command,
    coin,
    counted,
    failed_step,
    fate_line,
    operation_word,
    waits_line,
)


def plan_row(plan: ClearPlan) -> dict[str, Any]:
    """A plan for programs: what would run, what is gone, what is left out and why."""
    return {
        **end_row(plan.path.source),
        "counterparty": end_row(plan.path.destination),
        "run": list(plan.run),
        "gone": list(plan.gone),
        "left_out": [{"sequence": left.sequence, "reason": left.why} for left in plan.left_out],
        "keys": [{"chain": key.chain, "key": key.name, "address": key.address} for key in plan.keys],
        "worst_fees": [{"chain": terms.chain, **(coin_row(worst_fee(plan, terms)) or {})} for terms in plan.gas],
        "hermes_version": plan.version,
        "hermes_config": plan.instance.config,
        "warnings": list(plan.warnings),
        "packets": packet_rows(plan.views),
    }


def worst_fee(plan: ClearPlan, terms: GasTerms) -> Any:
    """The most one transaction may cost: the operator's cap, or what Hermes' config allows."""
    caps = [cap.fee for cap in plan.caps if cap.chain == terms.chain]
    return min([terms.worst_fee, *caps], key=lambda fee: fee.amount)


def print_plans(face: Face, plans: Sequence[ClearPlan]) -> None:
    """Print what would be done, and with whose money."""
    out = console(face.color)
    for plan in plans:
        end = plan.path.source
        out.print(f"{end} → {plan.path.destination}", style="bold")
        for view in plan.views:
            if view.sequence in plan.run:
                word = CLASSES[view.verdict.packet_class]
                amount = f"  {visible(coin(view.transfer.coin), 60)}" if view.transfer else ""
                print_filled(out, f"{word.word}: {word.meaning}{amount}", f"  #{view.sequence} ")
        if plan.gone:
            print_filled(out, ", ".join(f"#{s}" for s in plan.gone[:20]), "  no longer pending: ")
        for warning in plan.warnings:
            print_filled(out, clean(warning), "  ! ", "yellow")
        if plan.run:
            _print_costs(face, plan)


def _print_costs(face: Face, plan: ClearPlan) -> None:
    out = console(face.color)
    for key, terms in zip(plan.keys, plan.gas, strict=True):
        address = f" ({key.address})" if key.address else ""
        payer = f", paid by {terms.fee_granter}" if terms.fee_granter else ""
        fee = worst_fee(plan, terms)
        print_filled(out, f"key {key.name}{address}, at most {coin(fee)} a transaction{payer}", f"  {key.chain}: ")
    runs = len(bites(plan.run))
    print_filled(out, f"Hermes {plan.version}, {counted(runs, 'run')}, config {plan.instance.config}", "  ")


def watcher(face: Face, interrupt: Interrupt, plans: Sequence[ClearPlan]) -> Watcher:
    """Progress as lines on stderr, a line per finished thing; silent for --json."""
    if face.json:
        return Watcher(interrupt.event, who=who())
    many = len(plans) > 1
    for plan in plans:
        if plan.run:
            say(f"clearing {len(plan.run)} of {plan.path.source} with Hermes {plan.version} …")

    def event(step: RelayEvent) -> None:
        """One step that Hermes claims: evidence, not the result."""
        say(f"  #{step.key.sequence} {STEPS.get(step.step, step.step)}, says Hermes")

    def judged(plan: ClearPlan, packet: PacketAfter) -> None:
        """What both chains say became of a packet."""
        say(f"  {plan.path.source if many else ''}{fate_line(packet)}")

    return Watcher(interrupt.event, event, judged, who())


def print_operation(face: Face, operation: Operation) -> None:
    """Print the outcome, a packet a line with its transactions, and where the proof stands."""
    out = console(face.color)
    word = operation_word(operation)
    print_filled(out, f"{operation.source} {word.word}: {word.meaning}", f"{word.glyph} ", word.style)
    waits = waits_line(operation)
    if waits is not None:
        print_filled(out, waits, "  ", word.style)
    for _, packet in sorted(newest_results(operation).items()):
        print_filled(out, clean(fate_line(packet)), "  ", FATES[packet.fate].style)
        for tx in packet.txs:
            fee = ", ".join(coin(item) for item in tx.fee)
            out.print(f"      {tx.step} {tx.hash} on {tx.chain}, fee {fee or 'unknown'}", style="dim", soft_wrap=True)
    if (step := failed_step(operation)) is not None:
        print_filled(out, step, "  try: ")
    if (again := again_command(operation)) is not None:
        out.print(f"  try: {again}   asks both chains again", soft_wrap=True)
    for attempt in operation.attempts:
        for key in attempt.extra:
            print_filled(out, f"Hermes also touched {key}, which was not asked for", "  ✗ ", "red")
    out.print(f"proof: relayclear operations proof {operation.id}", style="dim")
