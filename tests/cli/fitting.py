"""Whether what a command printed is a document that help's table has."""

from __future__ import annotations

from collections.abc import Mapping

from relayclear.cli.documents import DOCUMENTS
from relayclear.cli.output import SCHEMA_VERSION


def fits(words: str, document: Mapping[str, object]) -> bool:
    """Whether a document of a command is one of those that the table has for it."""
    return any(_fits(names.split(), document) for name, names in DOCUMENTS.items() if name.partition(" --")[0] == words)


def _fits(names: list[str], document: Mapping[str, object]) -> bool:
    needed = {"schema_version", *(name for name in names if not name.endswith("?") and name != "…")}
    allowed = needed | {name.removesuffix("?") for name in names}
    found = document.keys()
    return document.get("schema_version") == SCHEMA_VERSION and needed <= found and ("…" in names or found <= allowed)
