"""The topics of `relayclear help TOPIC`: what doesn't belong to one command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from relayclear.cli import topic_lists

_DEMO = """\
relayclear demo --serve prints its control port, here CONTROL; everything is
JSON over HTTP on loopback.

  curl CONTROL/state                              all there is, faults too
  curl -d '{"refuse": true}' CONTROL/nodes/beta-1/faults       set what is named
  curl -X POST CONTROL/nodes/beta-1/heal                       no fault any more

Each chain has two nodes: alpha-1, alpha-1-second, beta-1, beta-1-second. Where
one fails the other answers: both of a chain must be refused before a list
fails. Hermes uses the first alone.

Faults of a node; how it answers:
  refuse true           every connection is closed without a word
  hang true             questions are taken and never answered
  delay_seconds 2.5     every answer comes so late
  http_status 503       every answer has this status; 0 for none;
                        retry_after_seconds 30 goes with it
  html true             a web page instead of JSON
  truncate true         half of the JSON
  lose_answers 2        so many broadcasts are taken, and the line is closed
                        instead of an answer
  max_batch 10, max_body_bytes 1000000          the most that it takes at once
what it knows:
  behind 20             it lags so many blocks
  catching_up true      it says that it is syncing
  tx_index false        it finds no transaction
  index_lag 3           nor any of the newest three blocks
  pruned_below 100      no state, block or result below that height
  chain_id "other-1"    it says that it is another chain
  hidden_txs ["HASH"]   it never heard of these transactions, in any answer
  balances {"ADDRESS/denom": 5}         what it says somebody holds: untrue

Faults of Hermes: CONTROL/relayer/faults, and CONTROL/relayer/heal:
  hang true             it starts and waits for ever
  do_nothing true       it says success with an empty result
  die_after "recv"      it kills itself once this was broadcast: "recv", "ack"
                        or "timeout"; "" for never
  garbage true          it prints what no program would
  version "1.8.1"       it says that it is this one

A user's wallet pays a quote with
  relayclear demo --pay TOKEN           --amount 5stake for another sum

What else can be done:
  curl -d '{"armed": true}' CONTROL/rival       another relayer wins every race
  curl -d '{"count": 1}' CONTROL/chains/beta-1/drop   one is taken and forgotten
  curl -d '{"hash": "HASH"}' CONTROL/chains/beta-1/replay       the next block
                        has this transaction again
  curl -d '{"seconds": 90}' CONTROL/chains/beta-1/skew          clocks apart
  curl -d '{"client": "07-tendermint-0", "status": "expired"}' \\
    CONTROL/chains/beta-1/client                or "frozen"; never healed again
  curl -d '{"channel": "channel-0", "state": "closed"}' \\
    CONTROL/chains/beta-1/channel               or "open"
"""


_MONEY = """\
A token sells the clearing of exact packets for an exact amount; the payer
proves which by its memo.

  three accounts   payee (is paid, pays back), clearing key (Hermes only),
                   daemon key: all different
  a payment        counts when a further block stands on it; its time is its
                   block's, on the paying chain
  late             inside [sell] late_grace it is honoured if the packets are
                   still stuck
  earned           per packet: we did it, after the payment; judged from both
                   chains, never by Hermes' word
  owed back        what was not earned, in full; what the payer did wrong (late,
                   too little, too much, wrong coin) less the refund fee that
                   the quote names
  deadline         [sell] operation_deadline after the payment; what is not
                   cleared by then is owed back

  refunds          within the caps of [refunds] they go by themselves where mode
                   is auto and two endpoints agree; all others wait for your
                   yes; one transaction each, its memo says why
  saying yes       relayclear refunds approve shows what will be sent, and the
                   amount is typed; without a terminal --yes --max-amount COIN
                   says the most
  sweeping         relayclear refunds sweep asks nothing: it sends what was
                   approved or is within the caps; --yes --max-amount COIN says
                   yes to so much above them
  too little       dust and what is worth less than its fee waits; after 90 days
                   it can be written off

Amounts are whole numbers in base units; coins of different denoms are never
added up.

  relayclear tokens show TOKEN          where a sale stands, in one sentence for
                                        the payer
  relayclear refunds list               what is owed, and what somebody has to
                                        decide
  relayclear refunds sweep --dry-run    what would be sent now, and what waits
  relayclear refunds resolve            what keeps a wallet from sending, and
                                        the ways out
  relayclear operations proof ID        the proof of clear; relayclear
                                        operations verify FILE checks it
  relayclear history list --token TOKEN everything that happened to it
  relayclear stats                      what was earned, against what clears and
                                        refunds cost

Everything that moves in a wallet is booked, by chain and denom, and two
equations always hold:
  received + our loss = held + earned + owed + in transit + refunded
                        + fee kept + orphaned + written off
  balance = opening + received + deposits + income
            - refunds - in transit - fees - expenses - withdrawals

  relayclear audit                      compares them with the chain, movement
                                        by movement
  relayclear books assign               says what your own top-up or withdrawal
                                        was
  relayclear books daily                opening balance, movements, closing
                                        balance of each day
  relayclear wallet withdrawable        what is neither a payer's, nor
                                        unexplained, nor kept for gas
"""

_KEYS = """\
Three keys a chain, and one for quotes; none of them is for two things.

  daemon's         Hermes' own: hermes start signs with it
  clearing         Hermes' own too, for relayclear clear alone: [chains]
                   clearing_key names it. Two processes that sign with one key
                   clash on its account sequence, so it is never the daemon's;
                   relayclear init --make-keys makes it where there is none
  payee's          payments arrive at its account, refunds are signed with it
  quote keys       sign the quotes; they hold no coins

Quotes are signed, and each memo holds a seal that only the operator can make.
Both keys stand in one file a key id, mode 0600, in [keys] dir; the first quote
makes the first. They are never in the database, nor in its backup.

  relayclear keys list                  ids, fingerprints, which one signs now
  relayclear keys rotate                a new key signs; old ones know their
                                        quotes until those end
  relayclear keys revoke ID             a leaked key: its quotes are void, what
                                        was paid for them is owed back
  relayclear keys publish               what to put at [operator] url, so that
                                        payers can check the signer

Refunds are signed with the payee's key, one a chain, sealed in wallet.json in
the same folder. Its passphrase comes from [keys] passphrase_file, a systemd
credential (LoadCredentialEncrypted=relayclear-passphrase:…), or you are asked.

  relayclear wallet add                 keep the key that a mnemonic leads to;
                                        the mnemonic is not kept
  relayclear wallet list                addresses; needs no passphrase

Lost keys can't be made again: memos of their quotes are then nobody's.
relayclear db backup lists what to keep. Hermes' own keys are Hermes':
relayclear names them ([chains] clearing_key) and never reads a secret of
theirs. relayclear doctor says where two of them are the same.
The keys of the screen: relayclear help dashboard.
"""


_ALERTS = """\
relayclear watch calls a person for what the history tells, and for what holds
and shouldn't: a stuck path, payments or paths that can't be read, books that
don't balance, work given up, something owed, refunds that stopped.

  high      payments seen, changes of state; sent at once
  normal    steps of a clear, conditions of paths; every second up to 50, every
            0.1 s up to 200 when there are more than 100 a minute, every 5 s up
            to 10 when there are fewer than 5
  low       errands, like a token that was made

[alerts] least says what is sent. Muted paths call nobody, save about money. A
call that fails is made again after 10 s, 1 min and 10 min, then given up:
relayclear alerts list shows each try.

Both channels get one JSON document: POSTed to [alerts] webhook, on standard
input of [alerts] command (no shell; it has to end with 0 within time_limit).

  {"schema_version": 1, "instance": "…", "batch": "…", "sent_at": "…",
   "alerts": [{"id": "al-…", "at": "…", "priority": "high", "kind": "payment",
               "text": "…", "token": "rc1…" or null,
               "operation": "op-…" or null, "subject": "…" or null,
               "detail": {…}}]}

An alert that is told twice has the same id both times. "over" in detail says
that a condition has ended.

A webhook's headers prove who sent it, and when: Relayclear-Timestamp is in
unix seconds, Relayclear-Signature is v1= and the HMAC-SHA256 in hex, with the
secret as its key, of the timestamp, a full stop and the body. Refuse times
more than five minutes from your own. The secret is in [alerts]
webhook_secret_file (mode 0600), or in a systemd credential named
relayclear-webhook-secret; spaces and line ends around it don't count.

  { printf '%s.' "$TIMESTAMP"; cat body; } |
    openssl dgst -sha256 -hmac "$(cat webhook-secret)"
"""


class Topic(NamedTuple):
    """A topic in a line, and what makes its text when somebody asks for it."""

    says: str
    text: Callable[[], str]


TOPICS: Mapping[str, Topic] = {
    "runbook": Topic(
        "A packet is stuck: find, judge, clear, check again; what each state asks of you.", topic_lists.runbook
    ),
    "glossary": Topic("The words of the field, in plain words.", topic_lists.glossary),
    "money": Topic("What is sold, what is earned, what goes back.", lambda: _MONEY),
    "keys": Topic("Keys of quotes and refunds, and those of Hermes.", lambda: _KEYS),
    "alerts": Topic("When a person is called, and how.", lambda: _ALERTS),
    "dashboard": Topic("The screen: every key, and how to change it.", topic_lists.dashboard_keys),
    "demo": Topic("The network in a box: what can be made to fail in it.", lambda: _DEMO),
    "json": Topic("What --json promises, and what each document holds.", topic_lists.json_documents),
    "exit-codes": Topic("What each exit code means.", topic_lists.exit_codes),
    "environment": Topic("Every environment variable that is read.", topic_lists.environment),
}
"""All topics, those that are asked for most first: the command, completion and the manual pages go by this table."""


def topics() -> dict[str, str]:
    """Every topic's text."""
    return {name: topic.text() for name, topic in TOPICS.items()}
