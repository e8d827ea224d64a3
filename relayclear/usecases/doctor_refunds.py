"""Doctor's look at giving back: a key that signs, a second word for what is due, caps for what goes by itself."""

from __future__ import annotations

from relayclear.usecases.doctor_facts import ChainFacts, Finding, RefundFacts, Severity

GOES_BACK = "what is not earned goes back to payers"


def check_refunds(chain: ChainFacts, refunds: RefundFacts | None) -> list[Finding]:
    """What keeps refunds from being sent on a chain where payments arrive; nothing where none do."""
    if refunds is None or not chain.payee:
        return []
    return [_key(chain, refunds), _second_word(chain, refunds), *_caps(chain, refunds)]


def _key(chain: ChainFacts, refunds: RefundFacts) -> Finding:
    add = f"relayclear wallet add --chain {chain.chain} --mnemonic-file FILE"
    if refunds.trouble:
        return Finding("wallet", chain.chain, Severity.FAIL, refunds.trouble, GOES_BACK, add)
    if not refunds.key:
        found = f"the wallet has no key for {chain.payee}"
        why = f"{GOES_BACK} only by your own hand: relayclear refunds export"
        return Finding("wallet", chain.chain, Severity.WARN, found, why, add)
    if refunds.key != chain.payee:
        found = f"the wallet's key is {refunds.key}, and payments arrive at {chain.payee}"
        return Finding("wallet", chain.chain, Severity.FAIL, found, "no refund can be signed with it", add)
    return Finding("wallet", chain.chain, Severity.OK, f"the wallet signs for {refunds.key}", GOES_BACK)


def _second_word(chain: ChainFacts, refunds: RefundFacts) -> Finding:
    if refunds.witnessed:
        found = "a second endpoint, or one that is trusted, is asked before a refund goes by itself"
        return Finding("second_word", chain.chain, Severity.OK, found, "one node alone may lie")
    step = f'[chains."{chain.chain}"] rpc: an endpoint on another host, or your own with trusted = true'
    found = "what makes a refund due is read from a single endpoint"
    return Finding("second_word", chain.chain, Severity.WARN, found, "every refund waits for your yes", step)


def _caps(chain: ChainFacts, refunds: RefundFacts) -> list[Finding]:
    if not refunds.uncapped:
        return []
    listed = ", ".join(refunds.uncapped)
    found = f"refunds go by themselves, and [refunds] max_each has no entry for {listed}"
    step = f'[refunds] max_each = ["5000000{refunds.uncapped[0]}"]'
    return [Finding("refund_caps", chain.chain, Severity.WARN, found, "refunds in it wait for your yes", step)]
