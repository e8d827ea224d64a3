"""Takes out of an observation what differs from run to run; what was equal inside an observation stays equal."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

# By the name of their key, whatever the value; 0, "0", "" and None stay, for they mean something.
_BY_KEY = {
    "height": "<height>",
    "latest_block_height": "<height>",
    "earliest_block_height": "<height>",
    "last_height": "<height>",
    "revision_height": "<height>",
    "consensus_height": "<height>",
    "read_height": "<height>",
    "sent_height": "<height>",
    "gas_used": "<gas>",
    "gas": "<gas>",
    "account_number": "<number>",
    "tx": "<bytes>",
    "signature": "<bytes>",
    "size": "<size>",
    "block_size": "<size>",
    "app_hash": "<hash>",
    "last_results_hash": "<hash>",
    "elapsed": "<duration>",
}
_HEX_TEXT = re.compile(r"(?:[0-9a-f]{2}){10,}|(?:[0-9A-F]{2}){10,}")
_BASE64_HASH = re.compile(r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{27}=")
_BASE64_LONG = re.compile(r"(?:[A-Za-z0-9+/]{4}){16,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# Heights by chain.
_HEIGHTS = {"height_before", "height_after"}
_PUBLIC_KEY = re.compile(r"A[g-z0-9+/][A-Za-z0-9+/]{42}")
_EVENT = {"key", "value", "index"}

# Numbered by first appearance, so that two of them are equal where the values were.
_NUMBERED = (
    ("address", re.compile(r"\bcosmos1[02-9ac-hj-np-z]{38}(?:[02-9ac-hj-np-z]{20})?\b")),
    ("hash", re.compile(r"\b(?:[0-9A-F]{64}|[0-9a-f]{64})\b")),
    ("id", re.compile(r"\b(?:[0-9A-F]{40}|[0-9a-f]{40})\b")),
    ("channel", re.compile(r"\bchannel-\d+\b")),
    ("connection", re.compile(r"\bconnection-\d+\b")),
    ("client", re.compile(r"\b07-tendermint-\d+\b")),
    ("operation", re.compile(r"\bop-[0-9a-z]{6,}\b")),
    ("memo", re.compile(r"\brc1[0-9a-z]{31}\b")),
    ("refund", re.compile(r"\b(?=[a-z]*\d)[0-9a-z]{24}\b")),
)
_PLAIN = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?UTC|Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b[12]\d{18}\b"), "<nanoseconds>"),
    (re.compile(r"\b1-[1-9]\d*\b"), "1-<height>"),
    (re.compile(r"(?i)\b(height[:=]? (?:is )?\"?|-block-height\\?\": \\?\")[1-9]\d*"), r"\1<height>"),
    (re.compile(r"(gasUsed: |gas estimate |gas used: ')\d+"), r"\1<gas>"),
    (re.compile(r"(account number )\(\d+\)"), r"\1(<number>)"),
    (re.compile(r"<folder>/case-\d+"), "<folder>"),
    (re.compile(r"\b\d+\.\d{3,}s\b"), "<duration>"),
    # Of a database, and of what is free on the disk.
    (re.compile(r"\b\d+(?:\.\d+)? [kMGT]B\b"), "<size>"),
    # Where in Hermes' sources an error was made, on the machine that built it.
    (re.compile(r"(Location:\s+)\S+"), r"\1<source>"),
    (re.compile(r"(<(?:daemon|clearing|rival|alice|bob)>/)\d+"), r"\1<sequence>"),
)


def normalise(observation: Any, literals: Mapping[str, str]) -> Any:
    """The observation with placeholders; `literals` are a world's own strings and what stands for them."""
    return _Names(literals).walk(observation, "")


def hide_fees(observation: Any) -> Any:
    """The same without amounts of the gas coins: what Hermes pays follows the gas that it simulated."""
    if isinstance(observation, dict):
        if observation.get("denom") in ("stake", "ubeta") and "amount" in observation:
            return {**observation, "amount": "<fee>"}
        return {key: hide_fees(value) for key, value in observation.items()}
    if isinstance(observation, list):
        return [hide_fees(value) for value in observation]
    if isinstance(observation, str):
        return re.sub(r"\b\d+(?= ?(?:stake|ubeta)\b)", "<fee>", observation)
    return observation


def without(observation: Any, *keys: str) -> Any:
    """The same without some keys, at any depth."""
    if isinstance(observation, dict):
        return {key: without(value, *keys) for key, value in observation.items() if key not in keys}
    return [without(value, *keys) for value in observation] if isinstance(observation, list) else observation


class _Names:
    """The placeholders of one observation."""

    def __init__(self, literals: Mapping[str, str]) -> None:
        # The longest first: one may be the beginning of another.
        self._literals = sorted(literals.items(), key=lambda pair: -len(pair[0]))
        self._given: dict[str, dict[str, str]] = {"key": {}, **{kind: {} for kind, _ in _NUMBERED}}

    def walk(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return dict.fromkeys(sorted(value), "<height>") if key in _HEIGHTS else self._dict(value)
        if isinstance(value, list):
            return [self.walk(item, "") for item in value]
        if key in _BY_KEY and value not in (0, "0", "", None):
            return _BY_KEY[key]
        return self.text(value) if isinstance(value, str) else value

    def _dict(self, value: dict[str, Any]) -> Any:
        attributes = value.get("attributes")
        if "type" in value and isinstance(attributes, list) and all(_plain_attribute(one) for one in attributes):
            rows = [f"{one['key']}={self.walk(one['value'], one['key'])}" for one in attributes]
            return {
                **{key: self.walk(value[key], key) for key in sorted(value) if key != "attributes"},
                "attributes": rows,
            }
        # In the order of the keys: who wrote them in which order must not number the names.
        return {self.text(key): self.walk(value[key], key) for key in sorted(value)}

    def text(self, value: str) -> str:
        for literal, name in self._literals:
            value = value.replace(literal, name)
        if _BASE64_HASH.fullmatch(value):
            return self._number("hash", base64.b64decode(value).hex().upper())
        if _PUBLIC_KEY.fullmatch(value):
            return self._number("key", value)
        if _HEX_TEXT.fullmatch(value):
            inner = _printable(bytes.fromhex(value))
            if inner or len(value) not in (40, 64):
                return f"hex({self.text(inner)})" if inner else "<bytes>"
        elif _BASE64_LONG.fullmatch(value):
            return "<bytes>"
        for kind, pattern in _NUMBERED:
            value = pattern.sub(self._numbering(kind), value)
        for pattern, name in _PLAIN:
            value = pattern.sub(name, value)
        return value

    def _numbering(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: self._number(kind, found[0])

    def _number(self, kind: str, value: str) -> str:
        given = self._given[kind]
        return given.setdefault(value, f"<{kind}:{len(given) + 1}>")


def _plain_attribute(one: Any) -> bool:
    return isinstance(one, dict) and set(one) == _EVENT and one["index"] is True


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", errors="replace")
    return text if text.isprintable() and "\ufffd" not in text else ""
