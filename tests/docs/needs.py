"""What relayclear needs of others: its dependencies with their reasons, and all that they bring along."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution

from packaging.requirements import Requirement

from tests.docs.pages import ROOT

# A line of pyproject's list: the requirement, and after the # why it is there.
_LINE = re.compile(r'^  "([\w.-]+)[^"]*",\s+# (.+)$', re.MULTILINE)


def reasons(after: str = "\ndependencies = [") -> dict[str, str]:
    """The direct dependencies, each with its reason, as pyproject tells them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(_LINE.findall(text.partition(after)[2].partition("\n]")[0]))


def declared() -> list[str]:
    """The names of the direct dependencies, as a package's installer reads them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line).name for line in project["dependencies"]]


def plain(name: str) -> str:
    """A package's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def all_of(names: Iterable[str]) -> set[str]:
    """These packages and all that they need in turn, by what is installed here."""
    found: set[str] = set()
    queue = [(name, frozenset({""})) for name in names]
    while queue:
        name, extras = queue.pop()
        if plain(name) in found:
            continue
        found.add(plain(name))
        needs = [Requirement(line) for line in distribution(name).requires or ()]
        queue += [
            (need.name, frozenset(need.extras) or frozenset({""}))
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found
