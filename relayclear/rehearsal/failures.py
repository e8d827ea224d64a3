"""Why a chain says no: codespace, code and text as Cosmos SDK 0.50 and ibc-go v8 register them."""

from __future__ import annotations

SDK = "sdk"
CHANNEL = "channel"
CLIENT = "client"
CONNECTION = "connection"
TRANSFER = "transfer"
BANK = "bank"
IBC = "ibc"
CLIENT_V2 = "clientv2"

_TEXTS = {
    (SDK, 2): "tx parse error",
    (SDK, 4): "unauthorized",
    (SDK, 5): "insufficient funds",
    (SDK, 6): "unknown request",
    (SDK, 7): "invalid address",
    (SDK, 8): "invalid pubkey",
    (SDK, 9): "unknown address",
    (SDK, 10): "invalid coins",
    (SDK, 11): "out of gas",
    (SDK, 12): "memo too large",
    (SDK, 13): "insufficient fee",
    (SDK, 15): "no signatures supplied",
    (SDK, 18): "invalid request",
    (SDK, 22): "key not found",
    (SDK, 26): "invalid height",
    (SDK, 30): "tx timeout height",
    (SDK, 32): "incorrect account sequence",
    (SDK, 38): "not found",
    (CLIENT, 4): "light client not found",
    (CLIENT, 7): "consensus state not found",
    (CLIENT, 12): "invalid client header",
    (CLIENT, 29): "client state is not active",
    (CONNECTION, 3): "connection not found",
    (CONNECTION, 6): "invalid connection state",
    (CHANNEL, 3): "channel not found",
    (CHANNEL, 5): "invalid channel state",
    (CHANNEL, 13): "invalid packet",
    (CHANNEL, 19): "packet already received",
    (CHANNEL, 21): "packet sequence is out of order",
    (CHANNEL, 22): "packet messages are redundant",
    (CHANNEL, 39): "timeout not reached",
    (CHANNEL, 40): "timeout elapsed",
    (TRANSFER, 5): "invalid token amount",
    (TRANSFER, 6): "denomination trace not found",
    (TRANSFER, 11): "invalid memo",
    (BANK, 3): "no outputs to send transaction",
    (BANK, 4): "sum inputs != sum outputs",
    (BANK, 7): "send transactions are disabled",
    (BANK, 9): "multiple senders not allowed",
    (IBC, 3): "insufficient funds",
    (IBC, 5): "invalid address",
    (IBC, 6): "invalid coins",
    (IBC, 9): "invalid height",
    (CLIENT_V2, 35): "counterparty not found",
    ("commitment", 2): "invalid proof",
    ("authz", 2): "authorization not found",
}


class TxFailure(Exception):  # noqa: N818  the chain's own word for it: a transaction fails
    """A transaction or a message that the chain refuses; `log` is what a node says of it."""

    def __init__(self, codespace: str, code: int, *said: str) -> None:
        """`said` stands before the registered text, outermost first."""
        self.codespace, self.code = codespace, code
        self.log = ": ".join([*said, _TEXTS[codespace, code]])
        super().__init__(self.log)

    def wrapped(self, *outer: str) -> TxFailure:
        """The same with more said in front of it, as each layer of the SDK does."""
        found = TxFailure(self.codespace, self.code)
        found.log = ": ".join([*outer, self.log])
        return found


class OutOfGasError(TxFailure):
    """The gas limit is used up."""

    def __init__(self, limit: int, used: int, where: str = "WriteFlat") -> None:
        """`used` is what the meter showed when it stopped, at an operation of the SDK's store named `where`."""
        super().__init__(SDK, 11, f"out of gas in location: {where}; gasWanted: {limit}, gasUsed: {used}")
