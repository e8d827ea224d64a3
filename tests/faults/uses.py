"""The use cases: a command line each, and what its answer may not say, held to what the world knows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.long.stall import CHAIN, Ordered, Stall

UNREAD = re.compile(r"not read|not be read|unread|^✗", re.IGNORECASE | re.MULTILINE)
DELIVERED = {"delivered", "delivered_with_error", "delivered_ack_open"}


@dataclass(frozen=True)
class Answer:
    """What a command said: its exit code, its page or document, and what it said beside."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document, None where it said none."""
        return json.loads(self.out) if self.out.startswith("{") and self.out.count("\n") == 1 else None

    @property
    def error(self) -> Any:
        """The error object, None without one."""
        return json.loads(self.err)["error"] if self.err.startswith('{"error"') else None


@dataclass(frozen=True)
class Scene:
    """A stall with one token that was paid too much for, one that waits, and what was pending before the command."""

    stall: Stall
    paid: Ordered
    open: Ordered
    pending: frozenset[int]


Check = Callable[[Scene, Answer], Iterator[str]]


@dataclass(frozen=True)
class Use:
    """One thing that people do: its words, and the untruths that it must not tell."""

    name: str
    words: str
    check: Check

    def argv(self, scene: Scene) -> list[str]:
        """The command line in this scene."""
        return self.words.format(paid=scene.paid.memo, open=scene.open.memo).split()


def nothing(_scene: Scene, _answer: Answer) -> Iterator[str]:
    """Says nothing of the chains."""
    yield from ()


def listed(scene: Scene, answer: Answer) -> Iterator[str]:
    """A path is either read, and then complete, or said to be unread."""
    document = answer.document
    if document is None:
        yield from () if answer.error else ("neither a document nor an error",)
        return
    rows = [row for row in document["packets"] if (row["chain"], row["channel"]) == (CHAIN, "channel-0")]
    told = {row["sequence"] for row in rows}
    paths = [row for row in document["paths"] if row["chain"] == CHAIN and row["channel"] == "channel-0"]
    unread = not paths or any(row["error"] for row in paths)
    if unread and answer.code != 3:
        yield f"a path is unread and the exit code is {answer.code}"
    # What the command itself saw being cleared meanwhile is no untruth; nothing is cleared here.
    if not unread and told != set(scene.pending):
        yield f"{sorted(told)} are pending by the list, {sorted(scene.pending)} really"


def page(_scene: Scene, answer: Answer) -> Iterator[str]:
    """A page for people says that something was not read where it exits so."""
    if answer.code == 3 and not UNREAD.search(answer.out + answer.err):
        yield "it can't be read, and the page doesn't say so"
    if answer.code == 0 and UNREAD.search(answer.out):
        yield "something is unread, and the exit code is 0"


def cleared(scene: Scene, answer: Answer) -> Iterator[str]:
    """A fate is what became of the packet; unknown is no lie."""
    for row in (answer.document or {}).get("packets", []):
        fate, left = row.get("fate"), scene.stall.committed_on("beta-1")
        if fate in DELIVERED | {"acknowledged"} and 1 in scene.stall.unreceived_by(CHAIN, [1]):
            yield f"the fate is {fate}, and the packet has not arrived"
        if fate == "still_pending" and 1 not in left:
            yield "the fate is still_pending, and the packet is gone"
        if answer.code == 0 and fate in {None, "unknown", "still_pending"}:
            yield f"the fate is {fate}, and the exit code is 0"


def token(scene: Scene, answer: Answer) -> Iterator[str]:
    """A token is only cleared when its packets have arrived."""
    document = answer.document
    if document and document["state"] == "cleared" and scene.stall.unreceived(scene.paid.sequences):
        yield "the token is cleared by its state, and a packet has not arrived"
    if document and document["state"] == "expired":
        yield "it was paid in time and is expired"
    if document and document["state"] == "not_cleared" and scene.stall.unreceived(scene.paid.sequences):
        yield "it was paid in time, its packets wait, and it is given up"


def quoted(scene: Scene, answer: Answer) -> Iterator[str]:
    """A quote is only sold for a packet that waits."""
    for row in (answer.document or {}).get("packets", []):
        if row["sequence"] not in scene.pending:
            yield "a quote for a packet that is gone"


def payments(scene: Scene, answer: Answer) -> Iterator[str]:
    """What was read through holds every payment."""
    document = answer.document
    if document is None:
        return
    [reading] = [row for row in document["readings"] if row["chain"] == CHAIN]
    told = {row["tx_hash"] for row in document["payments"]}
    for one in scene.stall.payments:
        read = reading["read_through_time"] is not None and reading["read_through_time"] > one.at.isoformat()
        if read and one.hash not in told:
            yield f"read through {reading['read_through']}, and a payment before it is not there"


def refunds(scene: Scene, answer: Answer) -> Iterator[str]:
    """A refund is only confirmed when it stands in a block."""
    sent = {one.hash for one in scene.stall.spent()}
    for row in (answer.document or {}).get("refunds", []):
        if row["state"] == "confirmed" and row["tx_hash"] not in sent:
            yield "a refund is confirmed that no block has"


def audited(scene: Scene, answer: Answer) -> Iterator[str]:
    """Books agree only with what the chain really holds."""
    for chain in (answer.document or {}).get("chains", []):
        for row in chain["books"] if chain["chain"] == CHAIN and chain["agrees"] else []:
            if row["denom"] == "stake" and int(row["on_chain"]["amount"]) not in scene.stall.balances_lately():
                yield f"it agrees with {row['on_chain']['amount']}, which the chain doesn't hold"


def healthy(_scene: Scene, answer: Answer) -> Iterator[str]:
    """Where nobody watches that is critical, and no payment is said to be taken; what doesn't work says why."""
    document = answer.document
    if document is None:
        yield "how it is can always be told"
        return
    if (document["level"], answer.code) != ("critical", 1):
        yield f"nobody watches, and it is {document['level']} with exit code {answer.code}"
    for row in document["works"]:
        if row["works"] is False and not row["why"]:
            yield f"{row['work']} doesn't work, and nothing says why"
        if row["works"] and row["work"] == "take_payments":
            yield "payments are taken, and nobody watches"


def shut(_scene: Scene, answer: Answer) -> Iterator[str]:
    """What is shut says why and since when, and it is nothing of the chain whose nodes are well."""
    for row in answer.document["breakers"] if answer.document else ():
        if row["state"] != "closed" and not (row["reason"] and row["since"]):
            yield f"{row['name']} is shut, and nothing says why"
        if row["state"] != "closed" and row["name"].startswith("endpoint/beta-1/"):
            yield f"{row['name']} is well, and nobody calls it"


_QUOTE = "tokens create --chain alpha-1 --channel channel-0 --packet-sequences 5 --json"
_CLEAR = "clear --chain beta-1 --channel channel-0 --packet-sequences 1 --yes --json"
USES: tuple[Use, ...] = (
    Use("scan", "packets list --all --json", listed),
    Use("list", "packets list", page),
    Use("show", "packets show alpha-1/channel-0/5 --json", nothing),
    Use("channels", "channels", page),
    Use("chains", "chains", page),
    Use("doctor", "doctor --json", nothing),
    Use("quote", _QUOTE, quoted),
    Use("quote shown", "tokens show {open} --json", nothing),
    Use("clear", _CLEAR, cleared),
    Use("payments and work", "watch --once --log-format json", nothing),
    Use("token", "tokens show {paid} --json", token),
    Use("payments", "payments list --json", payments),
    Use("operations", "operations list --json", nothing),
    Use("refunds", "refunds list --json", refunds),
    Use("give back", "refunds sweep --json", refunds),
    Use("audit", "audit --json", audited),
    Use("stats", "stats --json", nothing),
    Use("history", "history list --json", nothing),
    Use("status", "--json", nothing),
    Use("database", "db check --json", nothing),
    Use("health", "health --json", healthy),
    Use("breakers", "breakers list --json", shut),
)
