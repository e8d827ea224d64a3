"""What checking a proof of clear came to, in words."""

from __future__ import annotations

from relayclear.clearing.proof_check import Finding, Flaw, Verdict
from relayclear.wording import Word

VERDICTS = {
    Verdict.CONFIRMED: Word("confirmed", "✓", "green", "both chains bear out every word of the proof"),
    Verdict.CONTRADICTED: Word("contradicted", "✗", "red", "the chains show something else than the proof says"),
    Verdict.UNREADABLE: Word("can't be read", "?", "yellow", "nothing speaks against the proof, but not all was seen"),
}

FLAWS = {
    Flaw.PATH_DIFFERS: "the channel leads elsewhere: {detail}",
    Flaw.HASH_DIFFERS: "the packet's hash is not the commitment that the proof names",
    Flaw.COMMITMENT_THERE: "the packet is still pending on {detail}",
    Flaw.COMMITMENT_DIFFERS: "another packet stands under this sequence on {detail}",
    Flaw.NOT_RECEIVED: "{detail} has not received it",
    Flaw.RECEIVED: "{detail} received it, though it is said to have gone back",
    Flaw.ACK_DIFFERS: "the acknowledgement is another: {detail}",
    Flaw.NO_SUCH_TX: "no such transaction in that block: {detail}",
    Flaw.TX_FAILED: "the transaction failed: {detail}",
    Flaw.TX_ELSEWHERE: "the transaction stands elsewhere: {detail}",
    Flaw.TX_WITHOUT_STEP: "the transaction did something else: {detail}",
    Flaw.OTHER_RELAYER: "somebody else signed it: {detail}",
    Flaw.OTHER_PACKET: "the transaction moved a packet with another hash: {detail}",
    Flaw.FATE_DIFFERS: "by the proof's own facts its end would be: {detail}",
    Flaw.DOER_UNPROVED: "no transaction shows who did it",
    Flaw.UNTOLD: "the proof itself says that the outcome is unknown",
    Flaw.NO_PACKET: "neither the proof nor a transaction holds the packet, so its hash can't be computed",
    Flaw.UNREAD: "{detail}",
    Flaw.BEHIND: "the node lags: {detail}",
    Flaw.MOVED_ON: "{detail} has moved on since: what was still pending then no longer is",
}


def flaw_line(finding: Finding) -> str:
    """What speaks against a proof, in one line.  The detail is what a proof or a node said: clean it."""
    return FLAWS[finding.flaw].format(detail=finding.detail)
