"""Answers of nodes and output of Hermes, changed at random: nothing but our own errors, and never a wrong fate.

A change that makes another true-looking statement (a byte of a sequence, two answers swapped) is a lie, which nobody
who asks one node can see: such cases may end in anything but a crash.  All others must leave every fate as it is, or
unknown, and every path as it is, or unread.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.clearing.operation import PacketAfter, PacketBefore
from relayclear.errors import RelayclearError
from relayclear.hermes.events import Claims
from relayclear.hermes.output import Transcript
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.ibc.triage import PacketClass
from relayclear.rehearsal import answering
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof import judge
from relayclear.usecases.scan import scan
from relayclear.usecases.topology import load_network
from tests.fakes.relayer import FakeRelayer, Progress, ran
from tests.fakes.rig import Rig, opened_rig
from tests.fakes.world import address, time_of

_SHARE_OF_REPLIES = 0.4
_ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 2**63, 10**30, 0.5, 1e308, "", "x", "-7", "9" * 5000, "\x00\x1b[2J", [], {}, [[[[]]]],
    {"a": None}, "http://user:pass@host/?key=1",
)  # fmt: skip
_DEEP = "[" * 3000
# What is behind the cut is missing then, and must be missed.
_CUT_ANYWHERE = {"value", "log", "data", "message"}


@dataclass
class Trial:
    """One random case: what happens to replies; `may_lie` allows what makes another true-looking statement."""

    chance: Random
    may_lie: bool = True

    def reply(self, status: int, body: bytes) -> tuple[int, bytes]:
        """A reply as it arrives: most of them whole."""
        if self.chance.random() > _SHARE_OF_REPLIES:
            return status, body
        return self.chance.choice((self._structure, self._structure, self._structure, self._text, self._page))(
            status, body
        )

    def _structure(self, status: int, body: bytes) -> tuple[int, bytes]:
        """Another JSON than the node wrote: values of other kinds, fields missing, rows twice."""
        document = json.loads(body)
        for _ in range(self.chance.randint(1, 3)):
            self._change(document)
        return status, json.dumps(document).encode()

    def _change(self, document: Any) -> None:
        """Change one place of a document."""
        spots = [*_spots(document)]
        if not spots:
            return
        # What a state query answers is one place of many, and the one that fates are made of.
        values = [spot for spot in spots if spot[1] == "value"]
        inside, key = self.chance.choice(values if values and self.chance.random() < 0.4 else spots)
        is_row = isinstance(key, int)
        if is_row and key >= len(inside):
            return
        match self.chance.choice(("replace", "replace", "drop", "cut", "twice")):
            case "replace" if self.may_lie or key != "id":
                # A copy: what is changed in it later is a matter of this case alone.
                inside[key] = deepcopy(self.chance.choice(_ODD))
            case "drop" if self.may_lie or not is_row:
                del inside[key]
            case "cut" if isinstance(inside[key], str) and (self.may_lie or key in _CUT_ANYWHERE):
                inside[key] = inside[key][: self.chance.randint(0, len(inside[key]))]
            case "twice" if is_row and self.may_lie:
                inside.append(deepcopy(inside[key]))

    def _text(self, status: int, body: bytes) -> tuple[int, bytes]:
        """Bytes that a line or a bad disk changed; a line that breaks tells no lie."""
        changed = bytearray(body)
        for _ in range(self.chance.randint(1, 6)):
            place = self.chance.randrange(len(changed) or 1)
            match self.chance.randrange(4) if self.may_lie else 0:
                case 0:
                    del changed[place:]
                case 1:
                    changed[place : place + 1] = bytes([self.chance.randrange(256)])
                case 2:
                    changed[place:place] = self.chance.choice((b"{", b"]", b'"', b"\xff\xfe", _DEEP.encode()))
                case _:
                    changed += changed[place:]
        return status, bytes(changed)

    def _page(self, _status: int, _body: bytes) -> tuple[int, bytes]:
        """No JSON-RPC at all."""
        pages = (b"", b"<html>", b"null", b"[]", b"{}", b'"x"', b"0", b"[null]", _DEEP.encode(), b"\xff" * 100)
        return self.chance.choice((200, 200, 204, 400, 404, 429, 500, 502)), self.chance.choice(pages)


def _spots(document: Any, depth: int = 0) -> Any:
    """Every place in a document, as what it stands in and its key there."""
    keys = document.keys() if isinstance(document, dict) else range(len(document) if isinstance(document, list) else 0)
    for key in keys:
        yield document, key
        yield from _spots(document[key], depth + 1)


@dataclass
class Mutations:
    """A world with packets of every fate, and what is true of them."""

    rig: Rig
    seed: int
    loop: asyncio.AbstractEventLoop
    path: RelayPath = field(init=False)
    before: tuple[PacketBefore, ...] = field(init=False)
    truth: dict[int, PacketAfter] = field(init=False)
    pending: dict[Any, set[int]] = field(init=False)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Packets: 1 pending, 2 acknowledged, 3 delivered, 4 delivered with an error, 5 asynchronous, 6 timed out."""
        world, end = self.rig.world, self.rig.source
        world.send(end)
        world.relay(world.send(end))
        world.deliver(world.send(end))
        world.deliver(world.send(end, receiver="nobody"))
        world.deliver(world.send(end, memo=HOLD_MEMO))
        world.send(end, timeout_seconds=60)
        self.rig.clock.step(600)
        reading = self.loop.run_until_complete(scan(self.rig.desk))
        self.pending = {source: set(one.commitments) for source, one in reading.paths.items()}
        self.path = self.loop.run_until_complete(load_network(self.rig.desk)).path_from(end)
        self.before = tuple(PacketBefore(number, PacketClass.STUCK, None, {}) for number in range(1, 7))
        found = self.loop.run_until_complete(self._judge(self.rig.desk))
        self.truth = {one.sequence: one for one in found}

    async def _judge(self, desk: Desk) -> Sequence[PacketAfter]:
        return await judge(desk, self.path, self.before, ended=True, patient=False)

    def node(self, number: int) -> list[str]:
        """One case of a node's answers; everything that did not hold."""
        chance = Random(f"{self.seed} node {number}")
        trial = Trial(chance, may_lie=chance.random() < 0.3)
        return self.loop.run_until_complete(self._asked(trial))

    async def _asked(self, trial: Trial) -> list[str]:
        hosts = Hosts(httpx.MockTransport(lambda request: self._answer(trial, request)))
        chains = {
            name: CometChain(name, [f"http://{name}"], hosts=hosts, timing=self._timing())
            for name in self.pending_chains
        }
        desk = replace(self.rig.desk, chains=chains)
        wrong: list[str] = []
        try:
            for question in (self._scanned, self._judged, self._others):
                try:
                    wrong += await question(desk)
                except RelayclearError:
                    self._count("refused")
        finally:
            for chain in chains.values():
                await chain.aclose()
            await hosts.aclose()
        self._count("lies" if trial.may_lie else "held to the truth")
        return [] if trial.may_lie else wrong

    @property
    def pending_chains(self) -> list[str]:
        """The chains there are."""
        return [*self.rig.chains]

    async def _scanned(self, desk: Desk) -> list[str]:
        reading = await scan(desk)
        return [
            f"{end}: {sorted(one.commitments)} pending by the scan, {sorted(self.pending[end])} really"
            for end, one in reading.paths.items()
            if one.error is None and set(one.commitments) != self.pending[end]
        ]

    async def _judged(self, desk: Desk) -> list[str]:
        wrong = []
        for one in await self._judge(desk):
            true = self.truth[one.sequence]
            if one.fate not in {true.fate, Fate.UNKNOWN} or (one.by is Doer.US and true.by is not Doer.US):
                wrong.append(f"packet {one.sequence} is {one.fate} by {one.by}, and really {true.fate} by {true.by}")
        return wrong

    async def _others(self, desk: Desk) -> list[str]:
        """What is asked elsewhere: only that nothing breaks."""
        chain, payee = desk.chains["alpha-1"], address("payee", "alpha-1")
        head = self.rig.world.chains["alpha-1"].height
        for question in (
            chain.arrivals(payee, max(1, head - 20), head - 1),
            chain.moved_by_blocks(payee, max(1, head - 20), head - 1),
            chain.sent_packets(self.path, [1, 6]),
            chain.balances(payee),
            chain.account(payee),
            chain.landings("AB" * 32, head - 3, head - 1),
            chain.sequence_use(payee, 0),
            chain.denom_path("ibc/" + "AB" * 32),
        ):
            try:
                await question
            except RelayclearError:
                self._count("refused")
        return []

    def _answer(self, trial: Trial, request: httpx.Request) -> httpx.Response:
        node = Node(self.rig.world.chains[request.url.host], NodeFaults(), request.url.host)
        reply = answering.post(node, request.content, request.url.host)
        status, body = trial.reply(reply.status, reply.body)
        return httpx.Response(status, content=body, headers={"retry-after": "x"})

    def _timing(self) -> Timing:
        clock = self.rig.world.clock
        return Timing(
            monotonic=lambda: clock.now_ns() / 10**9,
            wall=lambda: time_of(clock.now_ns()),
            sleep=_at_once,
            chance=lambda: 1.0,
        )

    def hermes(self, number: int) -> list[str]:
        """One case of Hermes' output; everything that did not hold.

        It relays what it was asked for, or nothing, whatever it says of it.
        """
        chance = Random(f"{self.seed} hermes {number}")
        key = self.rig.world.send(self.rig.source)
        self.rig.clock.step(600)
        relays = chance.random() < 0.5
        self.rig.relayer.scenarios = [_saying(chance, relays=relays)]
        return self.loop.run_until_complete(self._cleared(key.sequence, relays=relays))

    async def _cleared(self, sequence: int, *, relays: bool) -> list[str]:
        request = ClearRequest(self.rig.source, SequenceRanges.of([sequence]))
        plan = await plan_clear(self.rig.desk, request)
        operation = await run_clear(self.rig.desk, plan, Watcher(asyncio.Event()))
        self._count("runs of Hermes")
        fates = [one.fate for attempt in operation.attempts for one in attempt.after]
        may = {Fate.DELIVERED} if relays else {Fate.STILL_PENDING, Fate.UNKNOWN}
        return [
            f"packet {sequence} is {fate}, and {'was' if relays else 'was not'} relayed"
            for fate in fates
            if fate not in may
        ]

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def _saying(chance: Random, *, relays: bool) -> Callable[[FakeRelayer, ClearJob, Progress], Any]:
    """A run whose output is changed at random, read as the adapter reads it."""

    async def run(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        """Relay or not; say what there is to say, changed."""
        events = relayer.relay(job, _keys(job), lambda _: None) if relays else ()
        claims = Claims(job, progress)
        heard = Transcript(claims.hear_message)
        for chunk in _changed(chance, _output(job)):
            heard.feed_stdout(chunk)
        heard.feed_stderr(bytes(chance.randrange(256) for _ in range(50)))
        heard.close()
        claims.hear_result(heard.result)
        made = ran(job, events, exit_code=chance.choice((0, 0, 1)))
        return replace(made, events=claims.events, complaints=heard.complaints, output=heard.output)

    return run


def _keys(job: ClearJob) -> list[PacketKey]:
    return [PacketKey(*job.source, sequence) for sequence in job.sequences]


def _output(job: ClearJob) -> bytes:
    ends = f"{job.source.channel}/{job.source.port}->{job.destination.channel}/{job.destination.port}"
    lines: list[Any] = [
        {"level": "INFO", "fields": {"message": f"[Sync->{job.destination.chain}] result events:\n"
         f"\tWriteAcknowledgement(WriteAcknowledgement {{ packet: seq:{job.sequences}, path:{ends}, toh:no timeout"}},
        {"level": "WARN", "fields": {"message": "odd"}},
        {
            "result": [
                {event: {"packet": {"sequence": next(iter(job.sequences)), "source_port": job.source.port,
                 "source_channel": job.source.channel, "destination_port": job.destination.port,
                 "destination_channel": job.destination.channel, "data": "7B"}}}
                for event in ("WriteAcknowledgement", "AcknowledgePacket", "TimeoutPacket")
            ],
            "status": "success",
        },
    ]  # fmt: skip
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _changed(chance: Random, output: bytes) -> list[bytes]:
    """The output in pieces, each line changed or not."""
    changed = b""
    for line in output.splitlines(keepends=True):
        trial = Trial(chance)
        changed += trial.reply(0, line)[1] if chance.random() < 0.8 else line
        changed += b"\n" if chance.random() < 0.5 else b""
    cuts = sorted(chance.randrange(len(changed) + 1) for _ in range(3))
    return [changed[a:b] for a, b in zip([0, *cuts], [*cuts, len(changed)], strict=True)]


def mutations(folder: Path, count: int, seed: int) -> str:
    """So many cases, three of four a node's.

    Returns a line about them; raises AssertionError with what did not hold, or whatever broke, and the case.
    """
    loop = asyncio.new_event_loop()
    try:
        of_nodes = [number for number in range(count) if number % 4 != 3]
        of_hermes = [number for number in range(count) if number % 4 == 3]
        counts = _all_of(folder / "nodes", seed, loop, of_nodes, Mutations.node)
        counts |= _all_of(folder / "hermes", seed, loop, of_hermes, Mutations.hermes)
        told = ", ".join(f"{what} {times}" for what, times in sorted(counts.items()))
        return f"{count} cases, no crash and no wrong fate ({told})"
    finally:
        loop.close()


def _all_of(
    folder: Path,
    seed: int,
    loop: asyncio.AbstractEventLoop,
    numbers: Sequence[int],
    case: Callable[[Mutations, int], list[str]],
) -> dict[str, int]:
    """These cases of one kind in a world of their own: what a lying node said of its channels stays in a database."""
    folder.mkdir(parents=True)
    with opened_rig(folder) as rig, breaking(loop) as broken:
        rig.clearing_keys.update({"alpha-1": "clearing", "beta-1": "clearing"})
        cases = Mutations(rig, seed, loop)
        for number in numbers:
            _held(cases, case, seed, number)
            assert not broken, f"seed {seed}, case {number} of {case.__name__}: {broken} where nobody waited for it"
        return cases.counts


@contextmanager
def breaking(loop: asyncio.AbstractEventLoop) -> Iterator[list[BaseException]]:
    """What breaks in tasks that nobody waits for: the loop would only write it down."""
    broken: list[BaseException] = []
    loop.set_exception_handler(lambda _, told: broken.append(told.get("exception") or RuntimeError(told["message"])))
    try:
        yield broken
    finally:
        loop.set_exception_handler(None)


def _held(cases: Mutations, case: Callable[[Mutations, int], list[str]], seed: int, number: int) -> None:
    try:
        wrong = case(cases, number)
    except Exception as broken:
        broken.add_note(f"seed {seed}, case {number} of {case.__name__}")
        raise
    assert not wrong, f"seed {seed}, case {number} of {case.__name__}: {wrong}"
