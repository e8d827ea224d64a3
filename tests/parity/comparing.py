"""Golden files, the differences that are meant, and how two observations differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

GOLDEN = Path(__file__).with_name("golden")
_MOST = 30


class Difference(NamedTuple):
    """Where the rehearsal network is meant to differ: patterns of a case's name and of a path, and why."""

    case: str
    path: str
    reason: str


def golden(case: str) -> Any:
    """What the real network showed."""
    return json.loads((GOLDEN / f"{case}.json").read_text(encoding="utf-8"))


def write(case: str, observation: Any) -> None:
    """Keep what the real network showed."""
    text = json.dumps(observation, indent=1, sort_keys=True, ensure_ascii=False)
    (GOLDEN / f"{case}.json").write_text(text + "\n", encoding="utf-8")


def agree(expected: Any, seen: Any, case: str, meant: Sequence[Difference]) -> list[str]:
    """The places where two observations differ and aren't meant to, as lines for a person."""
    patterns = [one.path for one in meant if fnmatchcase(case, one.case)]
    found = [
        f"{path}: {show(there)} is what it really is, {show(here)} was seen"
        for path, there, here in differences(expected, seen)
        if not any(fnmatchcase(path, pattern) for pattern in patterns)
    ]
    return found[:_MOST]


def ends_alike(observation: Any) -> Any:
    """The same with one name for all channels: on the real network both ends may happen to have the same id."""
    text = json.dumps(observation, ensure_ascii=False)
    return json.loads(re.sub(r"<channel:\d+>", "<channel>", text))


def differences(expected: Any, seen: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every path below which two trees differ, with both values."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        for key in sorted(expected.keys() | seen.keys()):
            yield from differences(expected.get(key, ABSENT), seen.get(key, ABSENT), f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
        for index, (one, other) in enumerate(zip(expected, seen, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif expected != seen:
        yield path, expected, seen


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


def show(value: Any) -> str:
    """A value, cut to what a person reads."""
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}…"
