"""What a chain's answers mean: values with their heights, or errors of our tree.  Pure."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError

from relayclear.chains import jsonrpc
from relayclear.chains.jsonrpc import Call, Refusal
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.readings import Head
from relayclear.ibc.text import clean

T = TypeVar("T")

MAX_STORED_SEQUENCE: Final = 2**63 - 1
"""No channel ever sent more; our own store couldn't keep such a number either."""

# Texts first: the codes moved between SDK versions (18, 26, 38 for the same fact).
_HEIGHT_TEXTS = (
    "failed to load state at height",
    "height in the future",
    "version does not exist",
    "version mismatch on immutable iavl tree",
    "context did not contain latest block height",
    "must be less than or equal to the current blockchain height",
    "is not available, lowest height is",
    "could not find results for height",
    "could not find block",
    "can't be greater than max height",
    # Without results a block can't be read, whatever else of it is there.
    "is not persisting",
)
# The last is a node that indexes into PostgreSQL, where RPC can't look.
_INDEX_TEXTS = ("indexing is disabled", "indexer is disabled", "method is not supported")
# A gas meter panics with the name of what it was counting; names of the SDK's gas store.
_GAS_TEXTS = (
    "out of gas",
    "{valueperbyte}",
    "{readflat}",
    "{readperbyte}",
    "{iternextflat}",
    "{haspercost}",
    "{hascost}",
)
_NOT_FOUND: Final = frozenset({22})
_HEIGHT_CODES: Final = frozenset({26, 38})


class Reply(NamedTuple):
    """A good answer of the state: protobuf bytes, and the height they were read at."""

    value: bytes
    height: int


class DeclinedError(NodeError):
    """The chain or node understood the question and declined it for a reason of its own.

    `number` is the ABCI code (or JSON-RPC's negative one), `text` its log.
    """

    code = "declined"

    def __init__(self, number: int, text: str) -> None:
        """Keep both, and say them."""
        super().__init__(f"the chain declined with code {number}: {clean(text, 200)}")
        self.number = number
        self.text = text

    @property
    def out_of_gas(self) -> bool:
        """Whether a smaller question may pass: the node limits the gas of a query (its meter panics)."""
        return any(word in self.text.lower() for word in _GAS_TEXTS)

    @property
    def oversized(self) -> bool:
        """Whether the answer was larger than can be taken in, so that a smaller one may pass."""
        return self.text == jsonrpc.OVERSIZED

    @property
    def wants_smaller_page(self) -> bool:
        """Whether fewer rows may pass: gas, or a fork of the SDK that refuses large limits."""
        return self.number == 18 or self.out_of_gas


def read(call: Call, result: Any) -> Any:
    """What a call's result is: a Reply for a state query, the plain result otherwise, or an error as a value."""
    if isinstance(result, RelayclearError):
        return result
    if isinstance(result, Refusal):
        return trouble(result.code, result.text)
    if call.method != "abci_query":
        return result
    try:
        response = result["response"]
        code = response.get("code") or 0
        if code:
            return trouble(int(code), str(response.get("log") or ""))
        # Strict, because lenient decoding would turn rubbish into an empty message: nothing pending.
        reply = Reply(binascii.a2b_base64(response["value"] or "", strict_mode=True), number(response["height"]))
        return reply if reply.height > 0 else NodeError("the node's answer to a query has no height")
    except (KeyError, TypeError, ValueError, AttributeError):
        return NodeError("the node's answer to a query has no value")


def trouble(code: int, text: str) -> RelayclearError:
    """The error that an ABCI code, or a JSON-RPC one, stands for; the text counts first."""
    lower, shown = text.lower(), clean(text, 200)
    if any(words in lower for words in _HEIGHT_TEXTS):
        return HeightError(f"the node has no state at this height: {shown}")
    if any(words in lower for words in _INDEX_TEXTS):
        return IndexerError(
            "the node does not index transactions", hint="add an endpoint whose node has its indexer on"
        )
    # A missing transaction comes as an internal error of the RPC, not as a code of the chain.
    if code in _NOT_FOUND or (code == -32603 and "not found" in lower):
        return NotFoundError(f"the chain has no such thing: {shown}")
    if code in _HEIGHT_CODES:
        return HeightError(f"the node can't answer for this height: {shown}")
    return DeclinedError(code, text)


def decoded(decode: Callable[[Reply], T], answer: Reply | RelayclearError) -> T | RelayclearError:
    """Decode a good answer; an answer that doesn't decode is an error like any other."""
    if isinstance(answer, RelayclearError):
        return answer
    try:
        return decode(answer)
    except (DecodeError, ValueError, KeyError, TypeError, OverflowError, binascii.Error) as error:
        return NodeError(f"the node's answer makes no sense: {clean(str(error), 200)}")


def sure(value: T | RelayclearError) -> T:
    """The value, or its error raised."""
    if isinstance(value, RelayclearError):
        raise value
    return value


def moment(text: str) -> datetime:
    """Read a header's time; its nanoseconds are cut to microseconds.  Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def number(value: Any) -> int:
    """A height, a code, an amount of gas: what fits into 64 bits, as in our store.  Raises ValueError, TypeError."""
    found = int(value)
    if not 0 <= found <= MAX_STORED_SEQUENCE:
        raise ValueError(f"a number out of bounds: {found}")
    return found


def head(status: Any, endpoint: str, server_time: str | None) -> Head:
    """Read a `status` result; `server_time` is the X-Server-Time header (unix seconds).  Raises ValueError."""
    try:
        node, sync = status["node_info"], status["sync_info"]
        other = node.get("other")
        return Head(
            chain=str(node["network"]),
            height=number(sync["latest_block_height"]),
            at=moment(sync["latest_block_time"]),
            catching_up=bool(sync["catching_up"]),
            tx_index=isinstance(other, Mapping) and other.get("tx_index") == "on",
            comet_version=str(node.get("version", "")),
            endpoint=endpoint,
            node_time=_server_time(server_time),
            earliest_height=number(sync.get("earliest_block_height") or 1),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the status lacks {error}") from error


def _server_time(text: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(text), UTC) if text else None
    except (ValueError, OverflowError, OSError):
        return None
