"""Operations as people and programs read them: lists, and one with its timeline."""

from __future__ import annotations

from typing import Any

from relayclear.clearing.operation import Attempt
from relayclear.clearing.timeline import Moment, dated
from relayclear.cli.clear_pages import print_operation
from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled
from relayclear.cli.output import console, rfc3339
from relayclear.cli.rows import coin_row, operation_row, tx_row
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.coin import Coin
from relayclear.ibc.text import clean, clean_lines
from relayclear.store.history import Event
from relayclear.store.relay_costs import RelayCost
from relayclear.usecases.operations import OperationList, OperationStory
from relayclear.usecases.relay_costs import packet_shares, totals
from relayclear.wording import again_command, coin, moment, operation_word
from relayclear.wording.board import moment_line
from relayclear.wording.working import event_line

_LIST = (
    Column("operation"),
    Column("state"),
    Column("asked", drop=1),
    Column("channel"),
    Column("sequences", folds=True),
)


def list_document(found: OperationList) -> dict[str, Any]:
    """The document of `operations list --json`."""
    return {
        "operations": [operation_row(item) for item in found.operations],
        "complete": found.complete,
    }


def print_list(face: Face, found: OperationList, *, filtered: bool) -> None:
    """Print a page, and how far was looked where that wasn't to the end."""
    out = console(face.color)
    if not found.operations:
        out.print("No clears that fit." if filtered else "No clears yet.")
    else:
        rows = []
        for item in found.operations:
            word = operation_word(item)
            state = Cell(f"{word.glyph} {word.word}", word.style)
            asked = Cell(moment(item.requested_at))
            rows.append([Cell(item.id), state, asked, Cell(str(item.source)), Cell(str(item.sequences))])
        print_table(out, _LIST, rows)
        for again in filter(None, map(again_command, found.operations)):
            out.print(f"  try: {again}   asks both chains what became of it", soft_wrap=True)
    if not found.complete:
        out.print(f"Only the newest {found.looked_at} were looked at; --chain, --channel narrow it.", style="yellow")


def story_document(story: OperationStory, *, output: bool) -> dict[str, Any]:
    """The document of `operations show --json`; `output` adds what Hermes wrote to each run."""
    document = operation_row(story.operation)
    if output:
        written = [attempt.run.output for attempt in story.operation.attempts if attempt.run is not None]
        for run, text in zip(document["runs"], written, strict=True):
            run["output"] = text
        document["hermes"] = document["runs"][-1] if document["runs"] else None
    rows = [(at, _moment_row(item)) for at, item in dated(story.moments, story.operation.requested_at)]
    rows += [(event.at, _event_row(event)) for event in story.events]
    document |= {"costs": [_cost_row(one) for one in story.costs], "packet_costs": _packet_rows(story)}
    return {**document, "timeline": [row for _, row in sorted(rows, key=lambda row: row[0])]}


def _cost_row(one: RelayCost) -> dict[str, Any]:
    return {
        "chain": one.run.chain,
        "tx_hash": one.tx_hash,
        "attempt": one.run.attempt,
        "code": one.code,
        "height": one.height,
        "fee": [coin_row(coin) for coin in one.fee],
    }


def _packet_rows(story: OperationStory) -> list[dict[str, Any]]:
    """What each packet cost, its even share of every fee."""
    return [
        {"sequence": sequence, "chain": chain, "cost": {"denom": denom, "amount": str(amount)}}
        for sequence, amounts in packet_shares(story.operation, story.costs).items()
        for (chain, denom), amount in sorted(amounts.items())
    ]


def _moment_row(item: Moment) -> dict[str, Any]:
    return {
        "at": rfc3339(item.at),
        "what": item.what.value,
        "attempt": item.attempt,
        "sequences": str(item.sequences),
        "tx": tx_row(item.tx) if item.tx else None,
    }


def _event_row(event: Event) -> dict[str, Any]:
    return {"at": rfc3339(event.at), "what": event.what, "who": event.who, "detail": dict(event.detail)}


def print_story(face: Face, story: OperationStory, *, output: bool) -> None:
    """Print the outcome with its proof, every run with its exact command, and what happened when."""
    print_operation(face, story.operation)
    for attempt in story.operation.attempts:
        _print_run(face, attempt, output=output)
    out = console(face.color)
    failed = sum(one.code != 0 for one in story.costs)
    for (chain, denom), amount in sorted(totals(story.costs).items()):
        print_filled(out, clean(coin(Coin(denom, amount)), 200), f"cost on {chain}: ")
    if failed:
        out.print(f"  of {len(story.costs)} transactions {failed} failed, and were paid for", style="yellow")
    out.print("what happened, in UTC:")
    lines = [(at, moment_line(item)) for at, item in dated(story.moments, story.operation.requested_at)]
    lines += [(event.at, event_line(event)) for event in story.events]
    for at, text in sorted(lines, key=lambda line: line[0]):
        print_filled(out, text, f"  {moment(at)}  ")


def _print_run(face: Face, attempt: Attempt, *, output: bool) -> None:
    if attempt.run is None:
        return
    out, run = console(face.color), attempt.run
    ended = f"{run.seconds:.1f} s, exit {run.exit_code}" if run.exit_code is not None else "it did not end by itself"
    out.print(f"run {attempt.number}, {rfc3339(attempt.started_at)}, {ended}")
    out.print("  " + clean(" ".join(run.argv)), style="dim", soft_wrap=True)
    for complaint in run.complaints:
        print_filled(out, clean(complaint, 400), "  Hermes: ", "yellow")
    if output:
        for line in clean_lines(run.output).splitlines():
            out.print(f"  | {line}", style="dim", soft_wrap=True)
