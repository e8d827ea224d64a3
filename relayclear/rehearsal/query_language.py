"""CometBFT's query language, as searches and subscriptions use it: `tx.height>5 AND transfer.sender='…'`.

After `libs/pubsub/query/syntax` of CometBFT 0.38, error texts and offsets (in bytes) included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_LEADING = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_TIME_LAYOUT, _DATE_LAYOUT = "2006-01-02T15:04:05Z07:00", "2006-01-02"


class QueryError(ValueError):
    """A query that can't be read; the text is CometBFT's."""


class Token(Enum):
    """Kinds of tokens, by the words of the error texts."""

    INVALID = "invalid token"
    TAG = "tag"
    STRING = "string"
    NUMBER = "number"
    TIME = "timestamp"
    DATE = "datestamp"
    AND = "AND operator"
    CONTAINS = "CONTAINS operator"
    EXISTS = "EXISTS operator"
    EQUAL = "= operator"
    LESS = "< operator"
    LESS_EQUAL = "<= operator"
    MORE = "> operator"
    MORE_EQUAL = ">= operator"


COMPARED: dict[Token, Callable[[Decimal | datetime, Decimal | datetime], bool]] = {
    Token.LESS: lambda left, right: left < right,  # type: ignore[operator]
    Token.LESS_EQUAL: lambda left, right: left <= right,  # type: ignore[operator]
    Token.MORE: lambda left, right: left > right,  # type: ignore[operator]
    Token.MORE_EQUAL: lambda left, right: left >= right,  # type: ignore[operator]
}
_COMPARISONS = {"=": Token.EQUAL, "<": Token.LESS, "<=": Token.LESS_EQUAL, ">": Token.MORE, ">=": Token.MORE_EQUAL}
_WORDS = {"AND": Token.AND, "EXISTS": Token.EXISTS, "CONTAINS": Token.CONTAINS}
_OPERATORS = (*COMPARED, Token.EQUAL, Token.CONTAINS, Token.EXISTS)
_OPERATOR_ORDER = (Token.LESS_EQUAL, Token.MORE_EQUAL, Token.LESS, Token.MORE, *_OPERATORS[len(COMPARED) :])
_MOMENTS = (Token.NUMBER, Token.TIME, Token.DATE)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: a composite key, an operator, and an argument's kind and text (INVALID and empty for EXISTS)."""

    tag: str
    operator: Token
    kind: Token = Token.INVALID
    text: str = ""


def parse(query: str) -> list[Condition]:
    """The conditions of a query, all of which must hold.  Raises QueryError."""
    scanner = _Scanner(query)
    found = [_condition(scanner)]
    while True:
        try:
            token = scanner.next()
        except _EndOfQuery:
            return found
        except QueryError:
            token = Token.INVALID
        if token is not Token.AND:
            # CometBFT prints the number of its constant here.
            raise QueryError(f"offset {scanner.start}: got {token.value}, want 6")
        found.append(_condition(scanner))


def number(text: str) -> Decimal | None:
    """The number a text is, None where it is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def matches(conditions: Sequence[Condition], events: Mapping[str, Sequence[str]]) -> bool:
    """Whether a subscription with these conditions wants what happened: values by composite key (`transfer.sender`).

    Each condition looks for itself, in any event; a search wants all of them in one.
    """
    return bool(events) and all(_holds(condition, events) for condition in conditions)


def _holds(condition: Condition, events: Mapping[str, Sequence[str]]) -> bool:
    if any(_accepts(condition, value) for value in events.get(condition.tag, ())):
        return True
    # A tag that is an event's whole type is compared with nothing.
    return any(key.rpartition(".")[0] == condition.tag for key in events) and _accepts(condition, "")


def _accepts(condition: Condition, value: str) -> bool:
    operator = condition.operator
    if operator is Token.EXISTS:
        return True
    if operator is Token.CONTAINS:
        return condition.text in value
    if condition.kind is Token.STRING:
        return value == condition.text
    if condition.kind is Token.NUMBER:
        leading = _LEADING.match(value)
        left: Decimal | datetime | None = Decimal(leading[0]) if leading else None
        right: Decimal | datetime | None = Decimal(condition.text)
    else:
        left, right = _moment(value), _moment(condition.text)
    if left is None or right is None:
        return False
    return left == right if operator is Token.EQUAL else COMPARED[operator](left, right)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _condition(scanner: _Scanner) -> Condition:
    _require(scanner, Token.TAG)
    tag = scanner.text
    operator = _require(scanner, *_OPERATOR_ORDER)
    if operator is Token.EXISTS:
        return Condition(tag, operator)
    wanted = {Token.EQUAL: (*_MOMENTS, Token.STRING), Token.CONTAINS: (Token.STRING,)}.get(operator, _MOMENTS)
    return Condition(tag, operator, _require(scanner, *wanted), scanner.text)


def _require(scanner: _Scanner, *wanted: Token) -> Token:
    try:
        got = scanner.next()
    except QueryError as wrong:
        raise QueryError(f"offset {scanner.start}: {wrong}") from wrong
    if got in wanted:
        return got
    *most, last = (token.value for token in wanted)
    words = f"{', '.join(most)} or {last}" if most else last
    raise QueryError(f"offset {scanner.start}: got {got.value}, wanted {words}")


class _EndOfQuery(QueryError):  # noqa: N818
    def __init__(self) -> None:
        super().__init__("EOF")


class _Scanner:
    """Reads tokens; `start` is the byte offset of the last one, `text` what it says."""

    def __init__(self, query: str) -> None:
        self._query, self._at = query, 0
        self.start, self.text = 0, ""

    def next(self) -> Token:
        """The next token.  Raises QueryError."""
        self.text = ""
        while self._peek().isspace():
            self._at += 1
        self.start = self._offset()
        sign = self._peek()
        if not sign:
            raise _EndOfQuery
        if "0" <= sign <= "9":
            return self._number()
        if sign == "_" or sign.isalpha() or sign.isdigit():
            return self._word()
        self._at += 1
        if sign == "'":
            return self._string()
        if sign in "<>=":
            return self._comparison(sign)
        raise QueryError(f"invalid input {sign} at offset {self._offset()}")

    def _peek(self) -> str:
        return self._query[self._at : self._at + 1]

    def _offset(self) -> int:
        return len(self._query[: self._at].encode())

    def _while(self, wanted: Callable[[str], bool]) -> str:
        begin = self._at
        while self._peek() and wanted(self._peek()):
            self._at += 1
        return self._query[begin : self._at]

    def _number(self) -> Token:
        self.text = self._while(_digit)
        if self._peek() == ".":
            self._at += 1
            self.text += "." + self._while(_digit)
        return Token.NUMBER

    def _string(self) -> Token:
        end = self._query.find("'", self._at)
        if end < 0:
            self._at = len(self._query)
            raise _EndOfQuery
        self.text, self._at = self._query[self._at : end], end + 1
        return Token.STRING

    def _comparison(self, sign: str) -> Token:
        if sign != "=" and self._peek() == "=":
            self._at += 1
            sign += "="
        self.text = sign
        return _COMPARISONS[sign]

    def _word(self) -> Token:
        self.text = self._while(lambda sign: sign in "._-" or sign.isalpha() or sign.isdigit())
        if self.text in ("TIME", "DATE") and self._peek() == " ":
            self._at += 1
            return self._time() if self.text == "TIME" else self._date()
        return _WORDS.get(self.text, Token.TAG)

    def _time(self) -> Token:
        self.text = self._while(lambda sign: sign in "-T:+Z" or _digit(sign))
        return self._moment(Token.TIME, "T" in self.text and _moment_has_zone(self.text), _TIME_LAYOUT)

    def _date(self) -> Token:
        self.text = self._while(lambda sign: sign == "-" or _digit(sign))
        return self._moment(Token.DATE, re.fullmatch(r"\d{4}-\d\d-\d\d", self.text) is not None, _DATE_LAYOUT)

    def _moment(self, kind: Token, shaped: bool, layout: str) -> Token:  # noqa: FBT001
        if not shaped or _moment(self.text) is None:
            said = f'parsing time "{self.text}" as "{layout}": cannot parse "" as "-"'
            raise QueryError(f"invalid {kind.name} value: {said}")
        return kind


def _moment_has_zone(text: str) -> bool:
    return re.search(r"(Z|[+-]\d\d:\d\d)$", text) is not None


def _digit(sign: str) -> bool:
    return "0" <= sign <= "9"
