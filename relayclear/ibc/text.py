"""Making foreign text fit to be shown: no control characters, no credentials, no endless lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

# Greedy on purpose: brackets and commas may stand in a password, and a URL cut short there would show half of it.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`]+")
# Control, format (which holds the bidirectional marks), surrogate, private, unassigned; line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Providers put API keys into the path; nothing else in the path of a node's address is that long without a dot.
_KEY_LIKE = re.compile(r"[A-Za-z0-9_~=-]{16,}")
_SHORTEST_SECRET = 6


def visible(text: str, limit: int | None = None) -> str:
    """Drop terminal escapes, turn other invisible characters (newlines too) into ``?``, cut at `limit`."""
    text = re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])", "", text)
    if not text.isprintable():
        text = "".join("?" if unicodedata.category(char) in _HIDDEN else char for char in text)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def clean(text: str, limit: int | None = None) -> str:
    """`visible`, and without the credentials in URLs: for what programs and nodes say, not for a sender's memo."""
    return visible(redact(text), limit)


def clean_lines(text: str) -> str:
    """`clean` for text of several lines, which keeps its line breaks."""
    return "\n".join(clean(line) for line in text.splitlines())


def redact(text: str) -> str:
    """Take the credentials out of every URL that stands in a text."""
    return _URL.sub(lambda match: redact_url(match[0]), text) if "://" in text else text


def redact_url(url: str) -> str:
    """Keep scheme, host, port and short path; user, password, query and key-like path parts become ``***``."""
    scheme, _, rest = url.partition("://")
    # Up to the last @, whatever stands there: a password may hold an unescaped slash or question mark.
    _, at, place = rest.rpartition("@")
    try:
        parts = urlsplit(f"{scheme}://{place}")
    except ValueError:
        return f"{scheme}://***"
    path = "/".join("***" if _KEY_LIKE.fullmatch(part) else part for part in parts.path.split("/"))
    return f"{scheme}://{'***@' if at else ''}{parts.netloc}{path}" + ("?***" if parts.query else "")


def url_secrets(url: str) -> set[str]:
    """What `redact_url` hides of a URL, piece by piece, as written and as meant: to be found where it stands alone.

    A program may print a URL taken apart.  Pieces of fewer than six characters are words like `true`, and left out.
    """
    _, _, rest = url.partition("://")
    named, _, place = rest.rpartition("@")
    _, _, password = named.partition(":")
    path, _, query = place.partition("?")
    pieces = [password or named, *(part.rpartition("=")[2] for part in query.split("&"))]
    pieces += [part for part in path.split("/")[1:] if _KEY_LIKE.fullmatch(part)]
    return {text for piece in pieces for text in (piece, unquote(piece)) if len(text) >= _SHORTEST_SECRET}


def hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that takes these texts out of any other."""
    # The longest first: one may stand in another.
    found = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))) or r"(?!)")
    return lambda text: found.sub("***", text)
