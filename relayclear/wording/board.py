"""Sentences of the screen: the answers at a glance, a path, a packet's story."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from relayclear.clearing.operation import Operation, operation_state
from relayclear.clearing.timeline import Happened, Moment, dated
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import Packet
from relayclear.ibc.text import clean, visible
from relayclear.usecases.answers import Answers
from relayclear.usecases.board_gas import GasLine
from relayclear.usecases.board_rows import PathRow
from relayclear.usecases.views import timeout_at
from relayclear.wording import (
    ADVICE,
    CLASSES,
    OPERATIONS,
    advice,
    age,
    clear_command,
    coin,
    counted,
    fate_line,
    moment,
    obstacle,
)

if TYPE_CHECKING:
    # What a story is made of is loaded when somebody opens one: the first frame waits for this module.
    from relayclear.usecases.board_story import PacketStory, Work

LOW_DAYS = 3
_NAMED = 3
_UNTOLD = "of the past only packets are told"
_LONG_DAYS = 999
MOMENTS = {
    Happened.ASKED: "asked to clear {sequences}",
    Happened.PLANNED: "attempt {attempt}: {sequences} planned",
    Happened.RAN: "attempt {attempt}: Hermes has ended",
    Happened.MOVED: "{step} of {sequences} on {chain}",
    Happened.JUDGED: "attempt {attempt}: judged",
    Happened.CANCELLED: "called off",
}


def answer_lines(found: Answers) -> list[str]:
    """Stuck, gas, owed; and what is left alone."""
    return [_stuck_line(found), _gas_line(found), _owed_line(found), _breaker_line(found)]


def _stuck_line(found: Answers) -> str:
    unread = f"; {counted(found.unread, 'path')} can't be read" if found.unread else ""
    if not found.stuck:
        return f"{'?' if found.unread else '✓'} stuck    none on {counted(found.paths, 'path')}{unread}"
    oldest = "" if found.oldest is None else f", the oldest for {_since(found.oldest.since, found.at)}"
    able = "" if found.clearable else ", none can be cleared now"
    return f"✗ stuck    {counted(found.stuck, 'packet')}{oldest}{able}{unread}"


def _since(since: datetime, at: datetime) -> str:
    return age(max(0, int((at - since).total_seconds())))


def _gas_line(found: Answers) -> str:
    """The chain that runs dry first stands first; what nobody knows is said so."""
    lines = [one for one in found.gas if one.held is not None]
    unread = [one for one in found.gas if one.error is not None or one.looked_at is None]
    if not lines:
        return f"? gas      {_UNTOLD}" if found.owed is None else "? gas      nobody has looked: relayclear watch does"
    sign = "✗" if any(_is_low(one) for one in lines) else "?" if unread else "✓"
    said = ", ".join(gas_words(one) for one in sorted(lines, key=_urgency)[:2])
    return f"{sign} gas      {said}" + (f"; {len(unread)} not read" if unread else "")


def gas_words(one: GasLine) -> str:
    """What one key has: in days where its spending is known, else in relays."""
    name = f"{one.chain} {one.role}"
    if one.days is not None:
        if one.days > _LONG_DAYS:
            return f"{name} over {_LONG_DAYS} d"
        return f"{name} {one.days:.0f} d" if one.days >= 1 else f"{name} under a day"
    return f"{name} {counted(one.relays, 'relay')}" if one.relays is not None else f"{name} {coin(one.held)}"


def _is_low(one: GasLine) -> bool:
    return (one.days is not None and one.days < LOW_DAYS) or one.relays == 0


def _urgency(one: GasLine) -> tuple[bool, float, str, str]:
    return (one.days is None, one.days if one.days is not None else one.relays or 0, one.chain, one.role)


def _owed_line(found: Answers) -> str:
    if found.owed is None or found.approved is None:
        return f"? owed     {_UNTOLD}"
    if not found.owed and not found.approved:
        return "✓ owed     nothing"
    said = [f"{counted(found.owed, 'refund')} to be decided"] if found.owed else []
    said += [f"{found.approved} approved and not sent"] if found.approved else []
    due = _due_words(found)
    sums = f": {', '.join(due[:2])}{' …' if due[2:] else ''} before fees" if due else ""
    return f"! owed     {', '.join(said)}{sums}"


def _due_words(found: Answers) -> list[str]:
    """What payers are owed, coin by coin: denoms never mix."""
    return [visible(coin(Coin(place.denom, amount)), 60) for place, amount in sorted((found.due or {}).items())]


def _breaker_line(found: Answers) -> str:
    if found.open_breakers is None:
        return f"? breakers {_UNTOLD}"
    if not found.open_breakers:
        return "✓ breakers all closed"
    more = len(found.open_breakers) - _NAMED
    named = clean(", ".join(found.open_breakers[:_NAMED]), 200)
    return f"✗ breakers {named} not closed" + (f", and {more} more" if more > 0 else "")


def answers_page(found: Answers, now: datetime) -> str:
    """What the answers are made of, and which view tells more."""
    return "\n".join(_answers_lines(found, now))


def _answers_lines(found: Answers, now: datetime) -> Iterator[str]:
    stuck, gas, owed, breakers = answer_lines(found)
    yield stuck
    yield f"  on those paths {counted(found.clearable, 'packet')} can be cleared now"
    yield "  2 shows every packet with its reason, 1 the paths"
    yield ""
    yield gas
    yield from (f"  {line}" for one in found.gas for line in _gas_lines(one, now))
    yield ""
    yield owed
    yield from (
        f"  {visible(place.chain, 40)}: {visible(coin(Coin(place.denom, amount)), 100)}"
        for place, amount in sorted((found.due or {}).items())
    )
    yield "  5 shows each refund, and why it waits"
    yield ""
    yield breakers
    yield from (f"  {clean(name, 100)}" for name in found.open_breakers or ())
    yield "  6 shows why, and until when"


def _gas_lines(one: GasLine, now: datetime) -> Iterator[str]:
    """One key: what it held, how far that goes, when that was read; why no newer look is known."""
    name = f"{one.chain} {one.role}"
    if one.held is None or one.looked_at is None:
        yield f"{name}: unknown" + (f", {clean(one.error, 200)}" if one.error else ", nobody has looked")
        return
    relays = "" if one.relays is None else f", {counted(one.relays, 'relay')}"
    lasts = "" if one.days is None else f", {one.days:.1f} days"
    yield f"{name}: {visible(coin(one.held), 80)}{relays}{lasts}, read {_since(one.looked_at, now)} ago"
    if one.address:
        yield f"  {visible(one.address, 90)}"
    if one.error:
        yield f"  ✗ can't be read now: {clean(one.error, 200)}"


def path_page(row: PathRow, at: datetime) -> str:
    """Everything about one path."""
    return "\n".join(_path_lines(row, at))


def _path_lines(row: PathRow, at: datetime) -> Iterator[str]:
    path = row.path
    yield f"from   {path.source}  ({row.source_state.value})"
    yield f"to     {path.destination}  ({row.destination_state.value})"
    yield f"order  {path.ordering.value}"
    yield f"read   {moment(row.read_at)}"
    if row.error is not None:
        yield f"       ✗ it can't be read since {moment(row.failed_at)}: {clean(row.error, 400)}"
        yield "       try: relayclear doctor"
    yield ""
    counts = {"pending": row.pending, "stuck": row.stuck, "muted": row.muted, "clearable": row.clearable}
    yield ", ".join(f"{word} {'unknown' if count is None else count}" for word, count in counts.items())
    for packet_class, count in sorted(row.classes.items()):
        yield f"  {count:>6} {CLASSES[packet_class].word}: {CLASSES[packet_class].meaning}"
    for reason, count in sorted(row.reasons.items()):
        yield f"  {count:>6} blocked, {reason.value}" + (f": {ADVICE[reason]}" if reason in ADVICE else "")
    if row.oldest is not None:
        least = "" if row.oldest.exact else "at least "
        old = f"{least}{_since(row.oldest.since, at)} old, since {moment(row.oldest.since)}"
        yield f"the oldest is #{row.oldest.sequence}, {old}"
    for denom, amount in sorted(row.values.items()):
        yield f"  holds {visible(coin(Coin(denom, amount)), 120)}"
    if row.unvalued:
        yield f"  and {counted(row.unvalued, 'packet')} of which nobody knows what it moves"
    yield ""
    for chain, name, health in (
        (path.source.chain, path.source_client, row.source_client),
        (path.destination.chain, path.destination_client, row.destination_client),
    ):
        state = "not read" if health is None else health.status.value
        until = "" if health is None or health.expires_at is None else f", expires {moment(health.expires_at)}"
        yield f"client {name} on {chain}: {state}{until}"
    end = path.source
    yield ""
    yield f"relayclear packets list --chain {end.chain} --channel {end.channel}"


def story_text(story: PacketStory) -> str:
    """A packet from send to fate, and the command that would move it."""
    return "\n".join(_story_lines(story))


def _story_lines(story: PacketStory) -> Iterator[str]:
    yield from _details(story)
    yield ""
    yield "what happened, in UTC:"
    yield from (f"  {moment(at)}  {text}" for at, text in _told(story))
    for work in story.works:
        yield ""
        yield from operation_lines(work)
    for sale in story.sales:
        yield ""
        yield f"sold by token {sale.token.token.memo}"
    yield ""
    yield from _next(story)


def _details(story: PacketStory) -> Iterator[str]:
    if story.path is not None:
        yield f"{story.path.source} → {story.path.destination}"
    if story.packet is None:
        yield "its details are not read: what it moves and its timeout are unknown"
        return
    yield "details: read, and they fit the commitment on the chain"
    yield f"timeout  {timeout_words(story.packet)}"
    if story.transfer is not None:
        yield f"moves    {visible(coin(story.transfer.coin), 200)}"
        yield f"from     {visible(story.transfer.sender, 200)}"
        yield f"to       {visible(story.transfer.receiver, 200)}"
        if story.transfer.memo:
            yield f"memo     {visible(story.transfer.memo, 300)}"


def timeout_words(packet: Packet) -> str:
    """Until when it may be delivered: a time, a height of the receiving chain, or whatever comes first of both."""
    at = timeout_at(packet)
    until = moment(at) if at else ""
    if not packet.timeout_height.is_zero:
        return f"height {packet.timeout_height}" + (f" or {until}" if until else "")
    return until or ("none" if packet.timeout_timestamp == 0 else str(packet.timeout_timestamp))


def _told(story: PacketStory) -> list[tuple[datetime, str]]:
    """Oldest first; what the packet's own work adds keeps its order."""
    told: list[tuple[datetime, str]] = []
    if story.packet is not None and story.packet.sent_at is not None:
        told.append((story.packet.sent_at, f"sent in {story.packet.send_tx} at height {story.packet.sent_height}"))
    if story.first_seen is not None:
        told.append((story.first_seen, "first seen pending"))
    for change in story.changes:
        blocked = change.verdict.blocked
        why = f", blocked: {obstacle(blocked)}" if blocked else ""
        told.append((change.at, f"{change.verdict.packet_class.value}{clean(why, 200)}"))
    for work in story.works:
        told += [(at, moment_line(one)) for at, one in dated(work.moments, work.operation.requested_at)]
    if story.gone_at is not None:
        told.append((story.gone_at, "gone from the sending chain's pending packets"))
    return sorted(told, key=lambda pair: pair[0])


def moment_line(item: Moment) -> str:
    """One thing that happened to an operation."""
    words = {"sequences": f"#{item.sequences}", "attempt": item.attempt}
    if item.tx is not None:
        words |= {"step": item.tx.step.value, "chain": item.tx.chain}
    return MOMENTS[item.what].format(**words)


def operation_lines(work: Work) -> Iterator[str]:
    """An operation: its state, and what was tried."""
    operation = work.operation
    word = OPERATIONS[operation_state(operation)]
    yield f"operation {operation.id}: {word.glyph} {word.word}, {word.meaning}"
    yield from attempt_lines(operation)


def attempt_lines(operation: Operation) -> Iterator[str]:
    """Each run with its exact command, what became of each packet, and last the output, which may be long."""
    for attempt in operation.attempts:
        yield f"  attempt {attempt.number}, {moment(attempt.started_at)}"
        if attempt.run is not None:
            yield f"    $ {clean(' '.join(attempt.run.argv))}"
            yield from (f"    Hermes: {clean(line, 300)}" for line in attempt.run.complaints)
        for packet in attempt.after:
            yield f"    {clean(fate_line(packet), 300)}"
            yield from (f"      {tx.step} {tx.hash} on {tx.chain}, by {tx.relayer}" for tx in packet.txs)
        if attempt.run is not None:
            yield from (f"    | {clean(line, 300)}" for line in attempt.run.output.splitlines()[-40:])


def _next(story: PacketStory) -> Iterator[str]:
    row = story.row
    if row is None:
        yield "it is not pending: nothing is left to clear"
        return
    if row.muted is not None:
        yield f"muted: {visible(row.muted.reason, 200)}"
    if row.verdict.clearable is False:
        why = CLASSES[row.verdict.packet_class].meaning if row.blocked is None else obstacle(row.blocked)
        yield f"can't be cleared now: {clean(why, 300)}"
        if (words := advice(row)) is not None:
            yield f"try: {words}"
        return
    yield clear_command(story.key.end, story.key.sequence)
