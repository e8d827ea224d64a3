"""What every document of `--json` holds at its top: help shows this table, and the tests hold every document to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_OPERATION = "state waits requested_at path sequences hermes runs packets extra_packets"
_KEY = "key_id state fingerprint created_at rotated_at revoked_at needed_until"
_REFUND = (
    "id state chain amount gross fee_kept to over cause parts token payment number since wait gates why decided_at "
    "by_itself tx_hash"
)
_PAYMENT = (
    "chain tx_hash ordinal amount to height at arrived_by from senders memo outer_memo packet channel token matched "
    "applied flaws orphan why suggested_token"
)
_PRICE = "pay breakdown refund_fee expires_at deadline_after_payment_seconds packets"
_TOKEN = (
    f"token memo {_PRICE} state flaws sentences revoked key_revoked refund_to read_through read_height credited_at "
    "deadline_at paid missing excess payments operation owed_back refunds for_payer pay_command"
)
_WALLET = "chain address kind path added_at is_payee"
_CLAIM = "refund amount chain to_chain to over nonce"

DOCUMENTS: Mapping[str, str] = {
    "": "looked_at paths waiting failed unfinished refunds watch hermes_configs next",
    "alerts list": "alerts",
    "alerts test": "channels",
    "audit": "agrees chains",
    "books assign": "movements refunds_may_go",
    "books daily": "days",
    "books write-off": "movements refunds_may_go",
    "breakers list": "breakers",
    "breakers open": "breakers",
    "breakers reset": "breakers",
    "chains": "taken_at chains unsupported",
    "channels": "taken_at channels broken failures",
    "clear": f"operation {_OPERATION}",
    "clear --dry-run": "dry_run plans",
    "clear --filter": "state? operations failures left_out",
    "clear --token": _TOKEN,
    "config path": "config config_exists database quotes keys locks reports hermes_configs",
    "config show": "settings",
    "config validate": "valid problems",
    "db backup": "database file bytes keep_beside",
    "db check": "database version sound problems restored",
    "db restore": "database restored_from kept refunds",
    "db upgrade": "database version kept",
    "demo": "step words argv exit_code document error",
    "demo --pay": "from chain to amount memo tx_hash",
    "demo --serve": "folder control chains environment",
    "doctor": "findings bundle",
    "health": "level at findings works",
    "help --man": "folder files",
    "history export": "at who what token operation wallet subject detail",
    "history list": "events",
    "init": "config written kept dropped text chains keys findings",
    "keys create": _KEY,
    "keys list": "keys",
    "keys publish": "operator keys payees",
    "keys revoke": f"{_KEY} voided",
    "keys rotate": _KEY,
    "metrics dashboard": "file text",
    "metrics list": "metrics",
    "metrics rules": "file text",
    "operations cancel": f"operation {_OPERATION}",
    "operations list": "operations complete",
    "operations proof --output": "operation file packets",
    "operations retry": f"operation task {_OPERATION.replace(' ', '? ')}?",
    "operations show": f"operation {_OPERATION} costs packet_costs timeline",
    "operations verify": "verdict operation instance path path_findings asked packets absent",
    "packets list": "taken_at packets paths chains page",
    "packets mute": "muted reason packets",
    "packets show": "taken_at packet pending result commitment clients why fix advice warning details_error operations",
    "packets unmute": "unmuted mutes_ended",
    "payments assign": _PAYMENT,
    "payments gaps": "gaps",
    "payments gaps accept": "gap chain payee first last why found_at open accepted",
    "payments list": "payments orphans ours_lost page readings open_gaps",
    "payments recheck": "chain tx_hash found payments",
    "payments show": "payments",
    "refunds approve": "refunds",
    "refunds claim": f"{_CLAIM} text signers next",
    "refunds claim --signature": f"{_CLAIM} asked_for role signer who claimed_at waits_for",
    "refunds export": "exports",
    "refunds export --cancel": _REFUND,
    "refunds list": "refunds waiting owed stopped page",
    "refunds mark-paid": _REFUND,
    "refunds resolve": "chain address height sequence_on_chain sequence_expected at_stake signings broadcasts "
    "unexplained stopped unread releases",
    "refunds resolve --assume-dead": "done sequence tx_hashes",
    "refunds resolve --go-on": "done chain ended",
    "refunds resolve --void": "done tx_hash sequence",
    "refunds show": f"{_REFUND} paid events signings",
    "refunds sweep": "chains",
    "refunds sweep --dry-run": "dry_run chains",
    "refunds waive": _REFUND,
    "service container": "what file text",
    "service unit": "what file text",
    "stats": "since wallet operations packets payment_to_cleared_seconds money profit_and_loss channels hours",
    "tokens create": f"token memo state {_PRICE} for_payer pay_command notes payer",
    "tokens import": "tokens",
    "tokens list": "tokens",
    "tokens revoke": "token state flaws chain price packets wallet made_at expires_at operation owed_back",
    "tokens show": _TOKEN,
    "tokens verify": "valid expired signer fingerprint terms",
    "wallet add": _WALLET,
    "wallet list": "keys",
    "wallet remove": _WALLET,
    "wallet withdrawable": "wallets",
    "watch": "event level at …",
}
"""The names at the top, by the command, with the options that make another document of it.

`schema_version` stands in every one.  A name with a question mark may be missing; behind `…` come more, by the event.
A proof of clear is a file of its own kind, and is written as it is where it goes to no file.
"""


def rows() -> Iterator[tuple[str, str]]:
    """Each document as it is asked for, and its names."""
    return ((f"relayclear {name}".rstrip(), names) for name, names in DOCUMENTS.items())
