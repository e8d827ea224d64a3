"""One packet's story as text and as JSON."""

from __future__ import annotations

from typing import Any

from relayclear.clearing.operation import PacketBefore, operation_state
from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled
from relayclear.cli.output import console, error_row, rfc3339
from relayclear.cli.rows import end_row, packet_rows, result_row, sending_row
from relayclear.ibc.text import visible
from relayclear.ibc.topology import ClientHealth
from relayclear.usecases.story import Story
from relayclear.wording import CLASSES, FATES, advice, coin, fate_line, fix, long_age, moment, operation_word, why
from relayclear.wording.board import timeout_words

MEMO_SHOWN = 200


def story_document(story: Story) -> dict[str, Any]:
    """The document of `packets show --json`."""
    view = story.view
    before = PacketBefore(story.key.sequence, None, None, {})
    return {
        "taken_at": rfc3339(story.reading.at),
        "packet": packet_rows([view])[0] if view else _done_row(story),
        "pending": view is not None,
        "result": result_row(before, story.after) if story.after else None,
        "commitment": view.commitment.hex() if view else None,
        "clients": {
            "source": _client_row(story.path.source_client, story.source_client),
            "destination": _client_row(story.path.destination_client, story.destination_client),
        },
        "why": why(view) if view else None,
        "fix": fix(view) if view else None,
        "advice": advice(view) if view else None,
        "warning": view.warning if view else None,
        "details_error": error_row(story.unread) if story.unread else None,
        "operations": [
            {"operation": item.id, "state": operation_state(item).value, "requested_at": rfc3339(item.requested_at)}
            for item in story.operations
        ],
    }


def _done_row(story: Story) -> dict[str, Any]:
    row = {**end_row(story.key.end), "sequence": story.key.sequence}
    return {**row, "counterparty": end_row(story.path.destination), **sending_row(story.packet, story.transfer)}


def _client_row(client: str, health: ClientHealth | None) -> dict[str, Any]:
    return {
        "client": client,
        "status": health.status.value if health else None,
        "expires_at": rfc3339(health.expires_at) if health else None,
    }


def tell_story(face: Face, story: Story) -> None:
    """Print the story, a fact a line, and end with what would fix it."""
    out = console(face.color)
    for title, text in _facts(story):
        print_filled(out, text, f"{title:>12}  ")
    out.print()
    view = story.view
    if view is None:
        return
    print_filled(out, f"{why(view)}.")
    if view.warning:
        print_filled(out, f"Before clearing: {view.warning}.", style="yellow")
    command = fix(view)
    if command or advice(view):
        out.print(f"  try: {command or advice(view)}", soft_wrap=True)


def _facts(story: Story) -> list[tuple[str, str]]:
    path, view = story.path, story.view
    facts = [("packet", f"{story.key} → {path.destination}")]
    if view is not None:
        word = CLASSES[view.verdict.packet_class]
        blocked = f", blocked: {view.verdict.blocked.reason}" if view.verdict.blocked else ""
        facts.append(("state", f"{word.glyph} {word.word}{blocked}"))
        facts.append(("commitment", f"{view.commitment.hex()} on {path.source.chain}"))
        waiting = "unknown how long" if view.age_seconds is None else long_age(view.age_seconds)
        waiting = f"at least {waiting}" if view.age_seconds is not None and not view.age_is_exact else waiting
        facts.append(("waiting", f"{waiting}, first seen {moment(view.first_seen)}"))
    elif story.after is not None:
        facts.append(("state", f"{fate_line(story.after)} ({FATES[story.after.fate].meaning})"))
        facts += [(str(tx.step), f"{tx.hash} on {tx.chain} by {visible(tx.relayer)}") for tx in story.after.txs]
    facts += _sending(story)
    for chain, client, health in (
        (path.source.chain, path.source_client, story.source_client),
        (path.destination.chain, path.destination_client, story.destination_client),
    ):
        state = f"{health.status}, expires {moment(health.expires_at)}" if health else "could not be read"
        facts.append(("client", f"{client} on {chain}: {state}"))
    facts += [("clear", f"{item.id} {operation_word(item).word}") for item in story.operations]
    return facts


def _sending(story: Story) -> list[tuple[str, str]]:
    packet, transfer = story.packet, story.transfer
    if packet is None:
        return [("sent", f"unknown: {story.unread.message if story.unread else 'not read'}")]
    checked = "checked against the commitment" if packet.verified else "as the node tells it, not checked"
    if story.view is not None and not packet.verified:
        checked = "does NOT fit the commitment on chain: don't believe it"
    facts = [("sent", f"{moment(packet.sent_at)} ({checked})"), ("in", packet.send_tx or "a block itself")]
    facts.append(("timeout", timeout_words(packet)))
    if transfer is None:
        facts.append(("data", f"{len(packet.data)} bytes that are not ICS-20"))
        return facts
    facts.append(("coin", visible(coin(transfer.coin), 200)))
    facts.append(("sender", visible(transfer.sender, 120)))
    facts.append(("receiver", visible(transfer.receiver, 120)))
    if transfer.memo:
        size = len(transfer.memo.encode())
        more = f" ({size} bytes)" if size > MEMO_SHOWN else ""
        facts.append(("memo", visible(transfer.memo, MEMO_SHOWN) + more))
    return facts
