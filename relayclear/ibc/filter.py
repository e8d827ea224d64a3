"""The filter grammar of lists: ``chain:osmosis-1 age:>30m class:stuck !wallet:osmo1…``.

Terms are joined by *and*; ``!`` turns one round; ``*`` in a value stands for anything; a bare word
is looked for in every field.  The same text works on the command line and in the dashboard.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol

from relayclear.ibc.duration import parse_duration
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.triage import BlockReason, PacketClass

_AGE = re.compile(r"(<=|>=|<|>)?(.+)")


class Filterable(Protocol):
    """What a row must tell to be filtered; texts are empty and numbers None where unknown."""

    @property
    def filter_fields(self) -> dict[str, tuple[str, ...]]:
        """The row's texts by filter key."""

    @property
    def age_seconds(self) -> int | None:
        """The row's age."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term: a key ("" for a bare word), a value, and whether it is turned round."""

    key: str
    value: str
    inverted: bool


KEYS = ("age", "chain", "channel", "class", "denom", "port", "reason", "receiver", "sender", "sequence", "to", "wallet")
_VALUES = {"class": [item.value for item in PacketClass], "reason": [item.value for item in BlockReason]}
# These stand in the packet itself or depend on its timeout: they can't be judged without details.
DETAIL_KEYS = frozenset({"age", "class", "denom", "reason", "receiver", "sender", "wallet", ""})


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter; without terms it lets everything through."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read the grammar.  Raises ValueError naming an unknown key's nearest, or a bad age."""
        return cls(tuple(_term(word) for word in text.split()))

    def and_(self, key: str, value: str) -> Filter:
        """Add one term, checked as `parse` checks it."""
        return Filter((*self.terms, _checked(Term(key, value, inverted=False))))

    @property
    def needs_details(self) -> bool:
        """Whether some term can't be judged before packet details are read."""
        return any(term.key in DETAIL_KEYS for term in self.terms)

    def matches(self, row: Filterable) -> bool:
        """Whether every term fits.  An unknown age fits no age term, turned round or not."""
        return all(_fits(term, row) for term in self.terms)


def _term(word: str) -> Term:
    inverted = word.startswith("!")
    body = word[1:] if inverted else word
    key, colon, value = body.partition(":")
    return _checked(Term(key, value, inverted) if colon else Term("", body, inverted))


def _checked(term: Term) -> Term:
    if term.key and term.key not in KEYS:
        message = f"no filter key {term.key!r}{did_you_mean(term.key, KEYS, most=len(KEYS))}"
        raise ValueError(message)
    if not term.value:
        message = f"filter term {term.key or '!'!r} has no value"
        raise ValueError(message)
    if term.key == "age":
        _age_test(term.value)
    known = _VALUES.get(term.key)
    if known and "*" not in term.value and term.value not in known:
        message = f"no {term.key} {term.value!r}{did_you_mean(term.value, known, most=len(known))}"
        raise ValueError(message)
    return term


@lru_cache(maxsize=64)
def _age_test(value: str) -> Callable[[int], bool]:
    match = _AGE.fullmatch(value)
    sign, bound = (match[1] or ">=", parse_duration(match[2])) if match else (">=", 0)
    return {
        "<": lambda age: age < bound,
        "<=": lambda age: age <= bound,
        ">": lambda age: age > bound,
        ">=": lambda age: age >= bound,
    }[sign]


def _fits(term: Term, row: Filterable) -> bool:
    if term.key == "age":
        age = row.age_seconds
        return age is not None and _age_test(term.value)(age) is not term.inverted
    fields = row.filter_fields
    if term.key:
        found = any(fnmatchcase(text, term.value) for text in fields.get(term.key, ()))
    else:
        found = any(term.value in text for texts in fields.values() for text in texts)
    return found is not term.inverted
