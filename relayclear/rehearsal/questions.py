"""What an ABCI query is asked of, how it is refused, and how long lists are cut into pages.

Texts and codes are those of Cosmos SDK 0.50 and 0.53, which turn a gRPC status into an ABCI code
(`baseapp.gRPCErrorToSDKError`); `types/query/pagination.go` has the rules of pages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cosmpy.protos.cosmos.base.query.v1beta1 import pagination_pb2
from cosmpy.protos.ibc.core.client.v1 import client_pb2
from google.protobuf.message import DecodeError

from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.failures import SDK, TxFailure
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.keys import decode_address
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.store import View

DEFAULT_LIMIT = 100
_IDENTIFIER = re.compile(r"[a-zA-Z0-9._+\-#\[\]<>]+")
_STATUSES = {22: "NotFound", 18: "InvalidArgument", 6: "Internal"}
Rows = Sequence[tuple[str, Any]]


class QueryFailure(Exception):  # noqa: N818  the answer has a code, which is no error of the transport
    """A query that a chain refuses: codespace, code and log; `height` 0 where it was never routed."""

    def __init__(self, codespace: str, code: int, log: str, height: int = 0) -> None:
        """`log` is the whole text."""
        super().__init__(log)
        self.codespace, self.code, self.log, self.height = codespace, code, log, height

    @classmethod
    def registered(cls, code: int, *said: str) -> QueryFailure:
        """One of the SDK's own errors, its text last."""
        return cls(SDK, code, TxFailure(SDK, code, *said).log)


def refused(code: int, said: str, status: str = "") -> QueryFailure:
    """What becomes of a gRPC status: 22 NotFound, 18 InvalidArgument, 6 everything else."""
    return QueryFailure.registered(code, f"rpc error: code = {status or _STATUSES[code]} desc = {said}")


@dataclass(frozen=True, slots=True)
class Question:
    """What a query is answered from: the state after `height`, and what the node itself knows or lies about."""

    chain: Chain
    faults: NodeFaults
    name: str
    view: View
    height: int
    time_ns: int

    @property
    def spec(self) -> ChainSpec:
        """The chain's properties."""
        return self.chain.spec

    def proof_height(self) -> Any:
        """The height as IBC answers carry it."""
        return client_pb2.Height(revision_number=self.spec.revision, revision_height=self.height)


Answerer = Callable[[Question, bytes], Any]
"""Answers one path: takes the request's bytes, gives the response message, raises QueryFailure."""


def decoded(kind: Any, raw: bytes) -> Any:
    """A request.  Raises QueryFailure for bytes that are none."""
    try:
        return kind.FromString(raw)
    except DecodeError as garbage:
        raise QueryFailure.registered(18, "unexpected EOF") from garbage


def check_identifier(text: str, shortest: int, longest: int = 64) -> None:
    """ICS-24's rule for names of ports, channels, connections and clients.  Raises QueryFailure."""
    size = len(text.encode())
    if not text.strip():
        why = "identifier cannot be blank"
    elif "/" in text:
        why = f"identifier {text} cannot contain separator '/'"
    elif not shortest <= size <= longest:
        why = f"identifier {text} has invalid length: {size}, must be between {shortest}-{longest} characters"
    elif not _IDENTIFIER.fullmatch(text):
        signs = "'.', '_', '+', '-', '#', '[', ']', '<', '>'"
        why = f"identifier {text} must contain only alphanumeric or the following characters: {signs}"
    else:
        return
    raise refused(18, f"{why}: invalid identifier")


def check_address(question: Question, text: str) -> None:
    """The SDK's address codec.  Raises ValueError with its words."""
    decode_address(text, question.spec.prefix)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, keys without the prefix, and the PageResponse that goes with them."""

    rows: Rows
    response: Any


def page(view: View, prefix: str, asked: Any) -> Page:
    """One page of the keys behind a prefix, in the order of text.  Raises QueryFailure for key with offset."""
    limit, count = _limits(asked)
    found = _rows(view, prefix, asked)
    if not asked.key:
        skipped = sum(1 for _ in islice(found, asked.offset))
    rows = list(islice(found, limit))
    following = next(found, None)
    response = pagination_pb2.PageResponse(next_key=_bytes(following[0]) if following else b"")
    if count and not asked.key:
        response.total = skipped + len(rows) + (1 + sum(1 for _ in found) if following else 0)
    return Page(rows, response)


def filtered(view: View, prefix: str, asked: Any, wanted: Callable[[str, Any], bool]) -> Page:
    """Like `page`, of the rows that are wanted, as the SDK's FilteredPaginate is used by ibc-go.

    Its callbacks don't look at `accumulate`, so a page without a key also has the rows before its offset and
    one row more than its limit, and a counted one has all.
    """
    limit, count = _limits(asked)
    rows, next_key = list[tuple[str, Any]](), ""
    last = asked.offset + limit + 1
    for key, value in _rows(view, prefix, asked):
        if asked.key and len(rows) == limit:
            next_key = key
            break
        if wanted(key, value):
            rows.append((key, value))
        if not asked.key and len(rows) == last:
            next_key = next_key or key
            if not count:
                break
    response = pagination_pb2.PageResponse(next_key=_bytes(next_key))
    if count and not asked.key:
        response.total = len(rows)
    return Page(rows, response)


def _limits(asked: Any) -> tuple[int, bool]:
    if asked.offset and asked.key:
        raise QueryFailure.registered(18, "invalid request, either offset or key is expected, got both")
    return min(asked.limit, sys.maxsize // 2) or DEFAULT_LIMIT, asked.count_total or not asked.limit


def _rows(view: View, prefix: str, asked: Any) -> Iterator[tuple[str, Any]]:
    start = prefix + asked.key.decode(errors="surrogateescape")
    cut = len(prefix)
    if not asked.reverse:
        return ((key[cut:], value) for key, value in view.scan(prefix, start if asked.key else ""))
    rows: Iterable[tuple[str, Any]] = view.scan(prefix)
    # A page that goes backwards begins with the key it names, or the next one behind it.
    kept = [(key, value) for key, value in rows if not asked.key or key <= start]
    return ((key[cut:], value) for key, value in reversed(kept))


def _bytes(key: str) -> bytes:
    return key.encode(errors="surrogateescape")
