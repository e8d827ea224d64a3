"""`tx_search` and `block_search`: which transactions and blocks a query finds.

As CometBFT 0.38's kv indexers do it (`state/txindex/kv`, `state/indexer/block/kv`): every condition is looked up
for itself, and all that aren't about the height must hold in one and the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sortedcontainers import SortedList

from relayclear.rehearsal.chain import Block, Chain
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.go_text import GoError, hex_bytes
from relayclear.rehearsal.query_language import COMPARED, Condition, QueryError, Token, number, parse

TX_HEIGHT, TX_HASH, BLOCK_HEIGHT = "tx.height", "tx.hash", "block.height"
Place = tuple[int, int]
_LOWER = (Token.MORE, Token.MORE_EQUAL)


@dataclass
class Index:
    """What a chain indexed, by composite key and value; it follows the chain by itself."""

    chain: Chain
    _values: dict[str, Any] = field(default_factory=dict, repr=False)
    _seen: int = 0

    def transactions(self, query: str) -> list[Place]:
        """Height and place of every transaction that a query finds, in their order.  Raises QueryError.

        What is found is a hash, and what is kept of a hash is its last place.
        """
        found = self._found(query)
        return sorted({self._last(place) for place in found}) if self.chain.moved else found

    def _last(self, place: Place) -> Place:
        while place in self.chain.moved:
            place = self.chain.moved[place]
        return place

    def _found(self, query: str) -> list[Place]:
        conditions = parse(query)
        for condition in conditions:
            if condition.tag == TX_HASH:
                return self._by_hash(condition.text)
        heights, others = _split(conditions, TX_HEIGHT)
        if not others:
            return self._of_heights(heights)
        if any(condition.tag == TX_HEIGHT for condition in others):
            # The height is indexed apart from all events, so nothing else can hold in the same one.
            return [] if len(others) > 1 else self._every(heights, _accepting(others))
        tests = _tests(others, exact=False)
        kept = set.intersection(*(set(self._places(test)) for test in tests))
        places = [place for place in sorted(kept) if heights.hold(place[0])]
        if len(tests) == 1:
            return places
        return [place for place in places if _in_one_event(self._block(place).results[place[1]].events, tests)]

    def blocks(self, query: str) -> list[int]:
        """The heights of the blocks that a query finds, in their order.  Raises QueryError."""
        heights, others = _split(parse(query), BLOCK_HEIGHT)
        if not others:
            wanted = [heights.equal] if heights.equal is not None else range(1, self.chain.height + 1)
            return [height for height in wanted if heights.asked and self.chain.block(height) and heights.hold(height)]
        tests = _tests(others, exact=True)
        kept = sorted(set.intersection(*(self._block_heights(test) for test in tests)))
        return [
            height
            for height in kept
            if heights.hold(height) and _in_one_event(self.chain.blocks[height - 1].events, tests)
        ]

    def _block(self, place: Place) -> Block:
        return self.chain.blocks[place[0] - 1]

    def _by_hash(self, text: str) -> list[Place]:
        if not text:
            raise QueryError("error while retrieving the result: transaction hash cannot be empty")
        try:
            found = self.chain.places.get(hex_bytes(text).hex().upper())
        except GoError as wrong:
            raise QueryError(f"error during searching for a hash in the query: {wrong}") from wrong
        return [found] if found else []

    def _of_heights(self, heights: _Heights) -> list[Place]:
        if not heights.asked:
            return []
        if heights.equal is not None:
            block = self.chain.block(heights.equal)
            return [(block.height, place) for place in range(len(block.txs))] if block else []
        return self._every(heights, lambda _: True)

    def _every(self, heights: _Heights, test: Callable[[str], bool]) -> list[Place]:
        return [
            (block.height, place)
            for block in self.chain.blocks
            if block.txs and heights.hold(block.height) and test(str(block.height))
            for place in range(len(block.txs))
        ]

    def _places(self, test: _Test) -> Iterator[Place]:
        values = self._of_tag(test.tag) if test.equal is None else self._equal(test.tag, test.equal)
        for value in values:
            if test.passes(value):
                yield from self.chain.index.get((test.tag, value), ())

    def _equal(self, tag: str, text: str) -> Iterable[str]:
        """A value, and those that go on behind it with a slash: the key of an index entry is split by slashes."""
        yield text
        for value in self._of_tag(tag).irange(minimum=f"{text}/"):
            if not value.startswith(f"{text}/"):
                return
            yield value

    def _of_tag(self, tag: str) -> Any:
        """The values of a composite key, in order."""
        index = self.chain.index
        # Keys are only ever added, at the end.
        for name, value in islice(reversed(index), len(index) - self._seen):
            self._values.setdefault(name, SortedList()).add(value)
        self._seen = len(index)
        return self._values.get(tag, SortedList())

    def _block_heights(self, test: _Test) -> set[int]:
        rows = self.chain.block_index.items()
        return {
            height for (tag, value), heights in rows if tag == test.tag and test.passes(value) for height in heights
        }


@dataclass(frozen=True, slots=True)
class _Heights:
    """What a query says of the height: one, or limits; neither is no limit."""

    equal: int | None
    limits: tuple[Condition, ...]

    @property
    def asked(self) -> bool:
        """Whether the query says anything of the height."""
        return self.equal is not None or bool(self.limits)

    def hold(self, height: int) -> bool:
        """Whether a height is within them."""
        if self.limits:
            return all(_compares(limit, str(height)) for limit in self.limits)
        # Height 0 beside other conditions is none.
        return not self.equal or height == self.equal


def _split(conditions: Sequence[Condition], height_tag: str) -> tuple[_Heights, list[Condition]]:
    """The height's conditions, the first equality alone and only where no limit stands; and the others."""
    limits = tuple(one for one in conditions if one.tag == height_tag and one.operator in COMPARED)
    last = {one.operator in _LOWER: one for one in limits}
    equals = [one for one in conditions if one.tag == height_tag and one.operator is Token.EQUAL]
    numbers = [int(found) for one in equals if (found := number(one.text)) is not None]
    others = [one for one in conditions if one not in limits and one not in equals]
    return _Heights(numbers[0] if numbers and not limits else None, tuple(last.values())), others


@dataclass(frozen=True, slots=True)
class _Test:
    """What a value of a composite key must pass: all limits together, or one other condition."""

    tag: str
    passes: Callable[[str], bool]
    equal: str | None = None


def _tests(conditions: Sequence[Condition], *, exact: bool) -> list[_Test]:
    limits: dict[str, dict[bool, Condition]] = {}
    made: list[_Test] = []
    for condition in conditions:
        if condition.operator in COMPARED:
            # Of several limits on one side the last one counts.
            limits.setdefault(condition.tag, {})[condition.operator in _LOWER] = condition
        else:
            equal = condition.text if condition.operator is Token.EQUAL else None
            made.append(_Test(condition.tag, _accepting([condition], exact=exact), equal))
    return [*made, *(_Test(tag, _accepting([*mine.values()])) for tag, mine in limits.items())]


def _accepting(conditions: Sequence[Condition], *, exact: bool = False) -> Callable[[str], bool]:
    return lambda value: all(_accepts(condition, value, exact=exact) for condition in conditions)


def _accepts(condition: Condition, value: str, *, exact: bool) -> bool:
    if condition.operator is Token.EXISTS:
        return True
    if condition.operator is Token.CONTAINS:
        return condition.text in value
    if condition.operator is Token.EQUAL:
        return value == condition.text or (not exact and value.startswith(f"{condition.text}/"))
    return _compares(condition, value)


def _compares(condition: Condition, value: str) -> bool:
    """A limit, which only numbers keep: searches by time find nothing."""
    found, limit = number(value), number(condition.text)
    if condition.kind is not Token.NUMBER or found is None or limit is None:
        return False
    return COMPARED[condition.operator](found, limit)


def _in_one_event(events: Sequence[Event], tests: Sequence[_Test]) -> bool:
    return any(all(_has(event, test) for test in tests) for event in events)


def _has(event: Event, test: _Test) -> bool:
    return any(f"{event.type}.{key}" == test.tag and test.passes(value) for key, value in event.attributes)
