"""Doctor's look at each chain: the node, the keys, their gas, the clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relayclear.errors import RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.relayer import GasTerms, KeyChoice
from relayclear.ibc.topology import ClientHealth, ClientStatus
from relayclear.ports import Chain, Relayer
from relayclear.usecases.doctor_commands import (
    SUGGESTED_KEY,
    UNKNOWN_ADDRESS,
    ChainProgram,
    equip,
    fund,
    grant,
    name_key,
)
from relayclear.usecases.doctor_facts import ChainFacts, Doctor, Finding, Severity, cause_of
from relayclear.usecases.doctor_nodes import clocks, look_at, others, span
from relayclear.usecases.doctor_refunds import check_refunds

CLASH = "two programs with one key clash on the account sequence, and Hermes says success"
NO_GAS = "without gas Hermes relays nothing and says success"
# What is asked for is twice what is warned below: else the first relay would bring the warning back.
ENOUGH = 2
NO_CLIENT = "packets over it can't be cleared once it has expired"


@dataclass(frozen=True, slots=True)
class Signer:
    """An account that signs on a chain: `clearing`, or the `daemon` of one Hermes."""

    role: str
    key: KeyChoice


async def check_chain(doctor: Doctor, facts: ChainFacts) -> list[Finding]:
    """The node, the keys and what they can pay, the clients; offline only what the files tell."""
    signers, findings = _signers(doctor, facts)
    findings += [*_apart(doctor, facts, signers), *check_refunds(facts, facts.refunds)]
    if doctor.offline:
        return findings
    chain = doctor.chains[facts.chain]
    try:
        head = await chain.head()
    except RelayclearError as error:
        why = "nothing of this chain can be seen or proved"
        blind = Finding("node", facts.chain, Severity.FAIL, error.message, why, error.hint, cause_of(error))
        return [blind, *findings]
    node = [*look_at(facts.chain, head), *clocks(doctor, facts.chain, head), *await others(doctor, facts.chain, head)]
    if head.chain != facts.chain:
        return [*node, *findings]
    gas = await asyncio.gather(*(_gas(doctor, facts, chain, signer) for signer in signers))
    return [*node, *findings, *gas, *await _clients(doctor, facts.chain, chain)]


def _signers(doctor: Doctor, facts: ChainFacts) -> tuple[list[Signer], list[Finding]]:
    """The keys that there are; a finding for each one named that can't be used, or not named at all."""
    relayers = doctor.relayers_of(facts.chain)
    signers: list[Signer] = []
    findings: list[Finding] = []
    if relayers and facts.clearing_key:
        _look_up(relayers[0], facts, "clearing", signers, findings)
    elif relayers:
        findings.append(_no_clearing_key(doctor, facts, relayers[0].gas(facts.chain)))
    for relayer in relayers:
        _look_up(relayer, facts, "daemon", signers, findings)
    return signers, findings


def _look_up(relayer: Relayer, facts: ChainFacts, role: str, signers: list[Signer], findings: list[Finding]) -> None:
    name = facts.clearing_key if role == "clearing" else None
    why = "clears are signed with it" if name or not facts.clearing_key else "hermes start signs with it"
    try:
        key = relayer.key(facts.chain, name)
    except RelayclearError as error:
        step = facts.add_key if name else error.hint
        findings.append(Finding(f"{role}_key", facts.chain, _blame(facts, role), error.message, why, step))
        return
    if Signer(role, key) not in signers:
        signers.append(Signer(role, key))
        if key.address is not None:
            found = f"{role} key {key.name!r} is {key.address}"
            findings.append(Finding(f"{role}_key", facts.chain, Severity.OK, found, why))


def _blame(facts: ChainFacts, role: str) -> Severity:
    """A daemon that can't sign is the operator's trouble; the key that clears is ours."""
    return Severity.FAIL if role == "clearing" or not facts.clearing_key else Severity.WARN


def _no_clearing_key(doctor: Doctor, facts: ChainFacts, terms: GasTerms) -> Finding:
    severity = Severity.FAIL if doctor.sells else Severity.WARN
    amount = _floor(doctor, terms)
    steps = [facts.add_key, equip(_program(facts), terms, UNKNOWN_ADDRESS, amount)]
    steps.append(name_key(facts.chain, SUGGESTED_KEY, doctor.facts.config))
    found = "no clearing key is named: a clear signs with the daemon's key"
    return Finding("clearing_key", facts.chain, severity, found, CLASH, "\n".join(steps))


def _apart(doctor: Doctor, facts: ChainFacts, signers: list[Signer]) -> list[Finding]:
    """Payee, clearing key and daemon key must be three accounts (two, where nothing is sold)."""
    findings = _hidden(doctor, facts, signers)
    accounts = [(f"{signer.role} key {signer.key.name!r}", signer) for signer in signers]
    holders: dict[str, list[tuple[str, str]]] = {}
    for words, signer in accounts:
        if signer.key.address is not None:
            holders.setdefault(signer.key.address.lower(), []).append((signer.role, words))
    if facts.payee:
        holders.setdefault(facts.payee.lower(), []).append(("payee", "payee"))
        findings += _payee_prefix(facts)
    for address, sharing in holders.items():
        # Daemons of several Hermes may share a key by the operator's own choice; that is not ours to judge.
        if len({role for role, _ in sharing}) > 1:
            who = " and ".join(words for _, words in sharing)
            why = (
                CLASH
                if "payee" not in {role for role, _ in sharing}
                else "gas would eat what payers are owed; " + CLASH
            )
            found = f"{who} are the same account, {address}"
            findings.append(Finding("separate", facts.chain, Severity.FAIL, found, why, facts.add_key))
    return findings


def _payee_prefix(facts: ChainFacts) -> list[Finding]:
    if facts.payee.lower().startswith(f"{facts.prefix}1"):
        return []
    found = f"payee {facts.payee[:90]!r} is no address of this chain ({facts.prefix}1…)"
    return [Finding("payee", facts.chain, Severity.FAIL, found, "payments would go nowhere", "relayclear config show")]


def _hidden(doctor: Doctor, facts: ChainFacts, signers: list[Signer]) -> list[Finding]:
    names = [f"{signer.role} key {signer.key.name!r}" for signer in signers if signer.key.address is None]
    if not names:
        return []
    step = doctor.instance_of(facts.chain).run("keys", "list", "--chain", facts.chain)
    found = f"the address of {' and '.join(names)} can't be read from here"
    why = "whether the accounts differ, exist and have gas can't be told"
    return [Finding("separate", facts.chain, Severity.WARN, found, why, step)]


async def _gas(doctor: Doctor, facts: ChainFacts, chain: Chain, signer: Signer) -> Finding:
    """Whether an account can pay for its relays, itself or through the fee granter."""
    check, address = f"{signer.role}_gas", signer.key.address
    if address is None:
        return Finding(check, facts.chain, Severity.OK, "not looked at: no address", NO_GAS)
    terms = doctor.relayers_of(facts.chain)[0].gas(facts.chain)
    payer = terms.fee_granter or address
    try:
        missing = await _missing(doctor, facts, chain, terms, address)
        balance = await chain.balance(payer, terms.denom)
    except RelayclearError as error:
        return Finding(check, facts.chain, Severity.FAIL, error.message, NO_GAS, error.hint, cause_of(error))
    if missing is not None:
        return Finding(check, facts.chain, _blame(facts, signer.role), f"{signer.role} key: {missing[0]}", *missing[1:])
    through = f" through {payer}" if payer != address else ""
    found = f"{signer.role} key {address} has {balance.amount} {balance.denom} for gas{through}"
    return _judged(doctor, facts, signer, terms, found, balance)


async def _missing(
    doctor: Doctor, facts: ChainFacts, chain: Chain, terms: GasTerms, address: str
) -> tuple[str, str, str] | None:
    """What keeps the account from paying at all, why it matters, and the command; None where nothing does."""
    program, enough = _program(facts), _floor(doctor, terms, ENOUGH)
    if terms.fee_granter is not None:
        if await chain.allowance(terms.fee_granter, address):
            return None
        return f"{terms.fee_granter} grants no fees to {address}", NO_GAS, grant(program, terms, address, enough)
    if await chain.account(address) is not None:
        return None
    return f"{address} has no account yet", NO_GAS, fund(program, terms, address, enough)


def _judged(doctor: Doctor, facts: ChainFacts, signer: Signer, terms: GasTerms, found: str, balance: Coin) -> Finding:
    check, one, relays = f"{signer.role}_gas", terms.worst_fee.amount, doctor.facts.relays
    if balance.amount >= relays * one:
        return Finding(check, facts.chain, Severity.OK, found, NO_GAS)
    severity = _blame(facts, signer.role) if balance.amount < one else Severity.WARN
    floor = _floor(doctor, terms)
    top_up = Coin(terms.denom, _floor(doctor, terms, ENOUGH).amount - balance.amount)
    step = fund(_program(facts), terms, terms.fee_granter or signer.key.address or UNKNOWN_ADDRESS, top_up)
    return Finding(check, facts.chain, severity, f"{found}; {relays} relays can cost {floor}", NO_GAS, step)


def _floor(doctor: Doctor, terms: GasTerms, times: int = 1) -> Coin:
    # At least 1: where gas is free the account must still come to be.
    return Coin(terms.denom, max(1, times * doctor.facts.relays * terms.worst_fee.amount))


def _program(facts: ChainFacts) -> ChainProgram:
    return ChainProgram(facts.chain, facts.binary, facts.rpc[0] if facts.rpc else "NODE")


async def _clients(doctor: Doctor, chain_id: str, chain: Chain) -> list[Finding]:
    """The clients on this chain that its paths stand on: they die unless somebody updates them."""
    paths = [way for path in doctor.facts.paths or () for way in (path, path.reversed())]
    watched = {path.source_client: path.destination.chain for path in paths if path.source.chain == chain_id}
    if not watched:
        return []
    try:
        health = await chain.client_health(sorted(watched))
    except RelayclearError as error:
        return [Finding("clients", chain_id, Severity.FAIL, error.message, NO_CLIENT, error.hint, cause_of(error))]
    findings: list[Finding] = []
    for client, follows in sorted(watched.items()):
        trouble = _trouble(doctor, chain_id, client, health.get(client))
        if trouble is not None:
            found = f"client {client}, which follows {follows}, {trouble[0]}"
            findings.append(Finding("clients", chain_id, Severity.WARN, found, NO_CLIENT, trouble[1]))
    good = len(watched) - len(findings)
    clients, are = "client" if len(watched) == 1 else "clients", "is" if good == 1 else "are"
    said = f"{good} of {len(watched)} {clients} {are} well"
    well = Finding("clients", chain_id, Severity.OK, said, NO_CLIENT)
    return [*findings, well] if good else findings


def _trouble(
    doctor: Doctor, chain_id: str, client: str, health: ClientHealth | RelayclearError | None
) -> tuple[str, str | None] | None:
    """What is wrong with a client, and what mends it; None where it is well."""
    if not isinstance(health, ClientHealth):
        return f"could not be read: {health.message if health else 'no answer'}", None
    if health.status in {ClientStatus.EXPIRED, ClientStatus.FROZEN}:
        return f"is {health.status}", f"only governance of {chain_id} brings it back (MsgRecoverClient)"
    if health.status is not ClientStatus.ACTIVE:
        return f"is {health.status}", None
    left = None if health.expires_at is None else health.expires_at - doctor.clock.now()
    if left is None or left >= doctor.facts.client_margin:
        return None
    step = doctor.instance_of(chain_id).run("update", "client", "--host-chain", chain_id, "--client", client)
    return f"expires in {span(left)}", step
