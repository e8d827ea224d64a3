"""Two examples for every command, shown under its help; a test runs each on a rehearsal network.

Chains and packets are those of `relayclear demo`.  What only a network of one's own can name stands in for it: op-1f
an operation, rc1 a token, 7q3k a refund, 9F3A and HASH transactions, cosmos1… addresses.
"""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = {
    "alerts list": (
        "relayclear alerts list",
        "relayclear alerts list --limit 10 --json",
    ),
    "alerts test": (
        "relayclear alerts test",
        "relayclear alerts test --json",
    ),
    "audit": (
        "relayclear audit",
        "relayclear audit --chain alpha-1 --quick --json",
    ),
    "books assign": (
        'relayclear books assign --tx HASH --as deposit --reason "gas for refunds" --yes',
        'relayclear books assign --tx HASH --output 1 --as expense --reason "our archive node" --json',
    ),
    "books write-off": (
        'relayclear books write-off HASH --reason "dust, asked back by nobody" --yes',
        'relayclear books write-off HASH/0 --reason "dust" --yes --json',
    ),
    "books daily": (
        "relayclear books daily --since 7d",
        "relayclear books daily --chain alpha-1 --denom stake --json",
    ),
    "breakers list": (
        "relayclear breakers list",
        "relayclear breakers list --json",
    ),
    "breakers open": (
        'relayclear breakers open wallet/alpha-1 --reason "the key is being moved"',
        'relayclear breakers open wallet/alpha-1 --reason "upgrade" --until 2h --json',
    ),
    "breakers reset": (
        'relayclear breakers reset endpoint/alpha-1/http://localhost:26657 --reason "the node is back"',
        'relayclear breakers reset wallet/alpha-1 --reason "the key is back" --json',
    ),
    "wallet withdrawable": (
        "relayclear wallet withdrawable",
        "relayclear wallet withdrawable --chain alpha-1 --json",
    ),
    "chains": (
        "relayclear chains",
        "relayclear chains --json",
    ),
    "channels": (
        "relayclear channels",
        "relayclear channels --chain alpha-1 --json",
    ),
    "clear": (
        "relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 2",
        "relayclear clear --filter 'class:timed_out' --max-fee 20000stake --dry-run",
    ),
    "config show": (
        "relayclear config show",
        "relayclear config show --json",
    ),
    "config validate": (
        "relayclear config validate",
        "relayclear config validate --config ./relayclear.toml --json",
    ),
    "config path": (
        "relayclear config path",
        "relayclear config path --json",
    ),
    "db backup": (
        "relayclear db backup ./relayclear-backup.db",
        "relayclear db backup ./relayclear-backup.db --json",
    ),
    "db restore": (
        "relayclear db restore ./relayclear-backup.db",
        "relayclear db restore ./relayclear-backup.db --yes --json",
    ),
    "db check": (
        "relayclear db check",
        "relayclear db check --json",
    ),
    "db upgrade": (
        "relayclear db upgrade",
        "relayclear db upgrade --json",
    ),
    "demo": (
        "relayclear demo --serve --dir ./rehearsal",
        "relayclear demo --pay rc1 --json",
    ),
    "init": (
        "relayclear init",
        "relayclear init --yes --sell-nothing --dry-run",
    ),
    "doctor": (
        "relayclear doctor",
        "relayclear doctor --bundle support.tar.gz",
    ),
    "help": (
        "relayclear help runbook",
        "relayclear help --man --out ./man",
    ),
    "health": (
        "relayclear health",
        "relayclear health --json",
    ),
    "metrics list": (
        "relayclear metrics list",
        "relayclear metrics list --json",
    ),
    "dashboard": (
        "relayclear dashboard",
        "relayclear dashboard --act --theme terminal",
    ),
    "metrics dashboard": (
        "relayclear metrics dashboard --out relayclear-dashboard.json",
        "relayclear metrics dashboard",
    ),
    "metrics rules": (
        "relayclear metrics rules --out relayclear-rules.yml",
        "relayclear metrics rules",
    ),
    "history list": (
        "relayclear history list --since 1d",
        "relayclear history list --operation op-1f --json",
    ),
    "history export": (
        "relayclear history export --csv -o history.csv",
        "relayclear history export --json --since 30d",
    ),
    "operations cancel": (
        'relayclear operations cancel op-1f --reason "wrong channel"',
        "relayclear operations cancel op-1f --yes --json",
    ),
    "operations list": (
        "relayclear operations list --chain alpha-1 --channel channel-0 --since 7d",
        "relayclear operations list --state failed --json --limit 5",
    ),
    "operations show": (
        "relayclear operations show op-1f --output",
        "relayclear operations show op-1f --json",
    ),
    "operations retry": (
        "relayclear operations retry op-1f",
        'relayclear operations retry rc1 --reason "the key has gas again" --json',
    ),
    "operations proof": (
        "relayclear operations proof op-1f -o proof.json",
        "relayclear operations proof op-1f",
    ),
    "operations verify": (
        "relayclear operations verify proof.json",
        "relayclear operations verify proof.json --rpc alpha-1=https://rpc.example --rpc beta-1=https://rpc2.example",
    ),
    "watch": (
        "relayclear watch --once",
        "relayclear watch --listen 127.0.0.1:9464 --log-format json",
    ),
    "packets list": (
        "relayclear packets list --all --json",
        "relayclear packets list --filter 'age:>1h class:stuck'",
    ),
    "packets show": (
        "relayclear packets show alpha-1/channel-0/2",
        "relayclear packets show alpha-1/channel-0/2 --json",
    ),
    "packets mute": (
        'relayclear packets mute alpha-1/channel-1 --reason "client expired"',
        "relayclear packets mute alpha-1/channel-0/3..5 --reason dust --until 7d",
    ),
    "packets unmute": (
        "relayclear packets unmute alpha-1/channel-1",
        "relayclear packets unmute alpha-1/channel-0/3..5",
    ),
    "payments list": (
        "relayclear payments list --since 7d",
        "relayclear payments list --orphans --chain alpha-1 --json",
    ),
    "payments show": (
        "relayclear payments show 9F3A",
        "relayclear payments show 9F3A/0 --json",
    ),
    "payments assign": (
        'relayclear payments assign 9F3A rc1 --reason "the payer wrote to us"',
        'relayclear payments assign 9F3A/1 rc1 --denom stake --reason "typo in the memo" --json',
    ),
    "payments recheck": (
        "relayclear payments recheck --tx HASH",
        "relayclear payments recheck --tx HASH --chain alpha-1 --json",
    ),
    "payments gaps": (
        "relayclear payments gaps",
        "relayclear payments gaps --chain alpha-1 --json",
    ),
    "payments gaps accept": (
        'relayclear payments gaps accept 1 --reason "no archive keeps them"',
        'relayclear payments gaps accept 1 --reason "no archive keeps them" --json',
    ),
    "refunds list": (
        "relayclear refunds list --check",
        "relayclear refunds list --chain alpha-1 --state owed --state approved --json",
    ),
    "refunds show": (
        "relayclear refunds show 7q3k",
        "relayclear refunds show 7q3k --json",
    ),
    "refunds approve": (
        "relayclear refunds approve 7q3k 9f2m",
        'relayclear refunds approve --all --yes --max-amount 5000000stake --reason "checked by hand" --json',
    ),
    "refunds waive": (
        'relayclear refunds waive 7q3k --reason "the payer gave it up"',
        'relayclear refunds waive 7q3k --reason "not worth its fee" --json',
    ),
    "refunds sweep": (
        "relayclear refunds sweep --dry-run",
        "relayclear refunds sweep --chain alpha-1 --yes --max-amount 5000000stake --json",
    ),
    "refunds export": (
        "relayclear refunds export --chain alpha-1 -o ./refunds",
        'relayclear refunds export --cancel 7q3k --reason "the signer is away"',
    ),
    "refunds mark-paid": (
        "relayclear refunds mark-paid 7q3k --tx HASH",
        "relayclear refunds mark-paid 7q3k --tx HASH --output 2 --json",
    ),
    "refunds resolve": (
        "relayclear refunds resolve --chain alpha-1",
        "relayclear refunds resolve --chain alpha-1 --json",
    ),
    "refunds claim": (
        "relayclear refunds claim bprrt4fyax5wrv4vv9xr5q4w --to cosmos1payer --to-chain alpha-1",
        "relayclear refunds claim bprrt4fyax5wrv4vv9xr5q4w --nonce 1f0c93 --signature answer.json --json",
    ),
    "service unit": (
        "relayclear service unit --out relayclear.service",
        "relayclear service unit --no-wallet",
    ),
    "service container": (
        "relayclear service container --out Containerfile",
        "relayclear service container --json",
    ),
    "stats": (
        "relayclear stats --since 30d",
        "relayclear stats --wallet cosmos1sender --json",
    ),
    "tokens create": (
        "relayclear tokens create --chain alpha-1 --channel channel-0 --packet-sequences 2 -o quote.json",
        "relayclear tokens create --wallet cosmos1sender --expires 10m --qr",
    ),
    "tokens list": (
        "relayclear tokens list",
        "relayclear tokens list --state open --state paid --json",
    ),
    "tokens show": (
        "relayclear tokens show rc1",
        "relayclear tokens show rc1 --for-payer",
    ),
    "tokens revoke": (
        'relayclear tokens revoke rc1 --reason "quoted by mistake"',
        'relayclear tokens revoke rc1 --reason "price changed" --json',
    ),
    "tokens verify": (
        "relayclear tokens verify quote.json --issuer xxxx-xxxx-xxxx-xxxx",
        "relayclear tokens verify quote.json --json",
    ),
    "tokens import": (
        "relayclear tokens import quote.json",
        "relayclear tokens import quotes.jsonl --json",
    ),
    "wallet add": (
        "relayclear wallet add --chain alpha-1 --mnemonic-file ./payee.txt",
        "relayclear wallet add --chain alpha-1 --mnemonic-file ./payee.txt --passphrase-file ./passphrase --json",
    ),
    "wallet list": (
        "relayclear wallet list",
        "relayclear wallet list --json",
    ),
    "wallet remove": (
        "relayclear wallet remove --chain alpha-1",
        "relayclear wallet remove --chain alpha-1 --yes --json",
    ),
    "keys create": (
        "relayclear keys create",
        "relayclear keys create --json",
    ),
    "keys list": (
        "relayclear keys list",
        "relayclear keys list --json",
    ),
    "keys rotate": (
        "relayclear keys rotate",
        "relayclear keys rotate --json",
    ),
    "keys revoke": (
        'relayclear keys revoke 1 --reason "laptop stolen"',
        'relayclear keys revoke 1 --reason "laptop stolen" --yes --json',
    ),
    "keys publish": (
        "relayclear keys publish",
        "relayclear keys publish --json",
    ),
}


def examples(command: str) -> str:
    """The end of a command's help."""
    return _listed(EXAMPLES[command])


def examples_of_verbs(noun: str) -> str:
    """The end of a noun's help: how its first two verbs are used."""
    return _listed([first for command, (first, _) in EXAMPLES.items() if command.partition(" ")[0] == noun][:2])


def _listed(lines: Sequence[str]) -> str:
    # The backspace is click's mark for: don't wrap these lines.
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
