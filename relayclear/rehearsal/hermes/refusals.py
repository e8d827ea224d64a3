"""A node's refusal of a transaction, in the words of Hermes (`rly/sdk_error.rs`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OUT_OF_GAS, _FEE_TOO_LOW = 11, 13
_CHECK = "Please check the Hermes config.toml and increase"


def diagnostic(code: int, estimate: int, *, simulated: bool) -> str:
    """What Hermes makes of a code; `estimate` is the gas it reckoned with, from a simulation or the default."""
    if code == _FEE_TOO_LOW:
        why = "the price configuration for this chain may be too low!"
        return f"{why} please check the `gas_price.price` Hermes config.toml"
    if code != _OUT_OF_GAS:
        return f"unknown TX sync response error: {code}"
    if simulated:
        why = f"the issue might have been caused by a misconfiguration of Hermes. {_CHECK}"
        return f"{why} either the `max_gas` or `gas_multiplier` settings. Simulated gas was: {estimate}"
    why = f"due to the Tx simulation failing, the configured default gas was used. {_CHECK}"
    return f"{why} the configured `default_gas`. Current value is `{estimate}`"


def response(answer: Mapping[str, Any]) -> str:
    """The answer to a broadcast as Rust shows it."""
    code = f"Err({answer['code']})" if answer["code"] else "Ok"
    said = f'codespace: {quoted(answer["codespace"])}, code: {code}, data: b"", log: {quoted(answer["log"])}'
    return f"Response {{ {said}, hash: Hash::Sha256({answer['hash']}) }}"


def quoted(text: str) -> str:
    """A string as Rust shows it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
