"""Rehearsal networks in which the examples of `--help` have something to be about, and what they leave to fill in.

An example is typed as it stands, but for its stand-ins: what only the network that it runs on can name.  Each
preparation does what has to be there before, and gives the stand-ins their values.
"""

from __future__ import annotations

import base64
import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relayclear.money.adr36 import sign_doc
from relayclear.rehearsal.staging import ALPHA, PAYEE, address, key_of
from relayclear.rehearsal.visiting import ask
from tests.cli.conftest import Cli, Said
from tests.cli.daemons import Network

Values = Mapping[str, str]
ALICE, PAID = address(ALPHA, "alice"), address(ALPHA, PAYEE)


@dataclass
class Example:
    """A network, and relayclear on it within this process."""

    net: Network
    cli: Cli
    environ: pytest.MonkeyPatch

    def do(self, line: str, code: int = 0, typed: str | None = None) -> Said:
        """Run a command that has to end so."""
        said = self.cli.alone(*shlex.split(line), typed=typed)
        assert said.code == code, f"relayclear {line}: exit {said.code}\n{said.err}\n{said.text}"
        return said

    def document(self, line: str, code: int = 0) -> Any:
        """Its document."""
        return self.do(f"--json {line}", code).document

    def setting(self, name: str, value: str) -> None:
        """Have a single setting, as the environment gives it."""
        self.environ.setenv(f"RELAYCLEAR_{name}", value)

    def ask(self, path: str, **body: Any) -> Any:
        """Have the control port do one thing."""
        return ask(self.net.world.state["control"], path, body)

    def blocks(self, count: int = 2) -> None:
        """Let blocks go by: what arrived counts when another block stands on it."""
        self.ask("/blocks", count=count)

    def send(self, *amounts: int, memo: str = "", who: str = "alice", to: str = PAID) -> str:
        """One transaction on alpha-1 that sends coins; its hash."""
        messages = [
            {
                "@type": "/cosmos.bank.v1beta1.MsgSend",
                "from_address": address(ALPHA, who),
                "to_address": to,
                "amount": [{"denom": "stake", "amount": str(amount)}],
            }
            for amount in amounts
        ]
        done = self.ask("/act", chain="alpha-1", who=who, messages=messages, memo=memo)
        assert done["code"] == 0, done
        self.blocks()
        return str(done["hash"])

    def read(self, code: int = 0) -> None:
        """Let watch read and do what is due, once."""
        self.do("watch --once", code)


# What has to be there


def looked(world: Example) -> Values:
    """Somebody looked, so that there is a database."""
    world.do("packets list")
    return {}


def alerting(world: Example) -> Values:
    """A command is called for alerts, and there is one to list."""
    with world.net.config.open("a", encoding="utf-8") as file:
        file.write('\n[alerts]\ncommand = ["cat"]\n' if "[alerts]" not in world.net.config.read_text() else "")
    quoted(world)
    return {}


def quoted(world: Example) -> Values:
    """A quote, in quote.json beside; its memo."""
    Path("quote.json").unlink(missing_ok=True)
    # Each time another packet: one that is being cleared for somebody is sold to nobody else.
    sequence = (2, 3, 5)[len(world.document("tokens list")["tokens"])]
    line = f"tokens create --chain alpha-1 --channel channel-0 --packet-sequences {sequence} -o quote.json"
    memo = world.document(line)["memo"]
    Path("quotes.jsonl").write_text(Path("quote.json").read_text(encoding="utf-8"), encoding="utf-8")
    key = world.document("keys list")["keys"][0]["fingerprint"]
    return {"rc1": memo, "xxxx-xxxx-xxxx-xxxx": key}


def chosen_file(world: Example) -> Values:
    """Room for what an example writes: it writes over nothing."""
    looked(world)
    for name in ("quote.json", "relayclear-backup.db", "proof.json", "history.csv", "refunds"):
        Path(name).unlink(missing_ok=True)
    return {"cosmos1sender": ALICE}


def orphan(world: Example) -> Values:
    """Coins that came for nothing, two outputs in one transaction; and a quote that they may be for."""
    world.read()
    tx = world.send(50_000, 60_000)
    world.read()
    return {"9F3A": tx, "HASH": tx}


def assignable(world: Example) -> Values:
    """The same, one transaction with two outputs and one with one, and a quote that they may be for."""
    pair = orphan(world)["9F3A"]
    single = world.send(70_000)
    world.read()
    return {"9F3A/1": f"{pair}/1", "9F3A": single, "rc1": quoted(world)["rc1"]}


def nobodys(world: Example) -> Values:
    """Coins that nobody asks back, one transaction with two outputs and one with one."""
    values = assignable(world)
    return {"HASH/0": values["9F3A/1"], "HASH": values["9F3A"]}


def moved(world: Example) -> Values:
    """Coins came in that are a deposit, or went out that are an expense."""
    values = orphan(world)
    return {"HASH": values["HASH"], "--as expense": "--as income --yes"}


def cleared(world: Example) -> Values:
    """An operation that has ended, and its proof beside."""
    known = world.document("operations list")["operations"] if Path("proof.json").exists() else []
    if not known:
        world.do("clear --chain alpha-1 --channel channel-0 --packet-sequences 2 --yes")
        known = world.document("operations list")["operations"]
    operation = known[0]["operation"]
    Path("proof.json").unlink(missing_ok=True)
    world.do(f"operations proof {operation} -o proof.json")
    nodes = {f"https://rpc{2 if chain == 'beta-1' else ''}.example": urls[0] for chain, urls in _nodes(world).items()}
    return {"op-1f": operation, **nodes}


def unproved(world: Example) -> Values:
    """An operation that has ended, and no file in the way of its proof."""
    values = cleared(world)
    Path("proof.json").unlink()
    return values


def _nodes(world: Example) -> Mapping[str, list[str]]:
    nodes: Mapping[str, list[str]] = world.net.world.state["chains"]
    return nodes


def waiting(world: Example) -> Values:
    """The work of a paid token that waits for its next try, because Hermes does nothing."""
    world.ask("/relayer/faults", do_nothing=True)
    world.setting("REFUNDS_MODE", "approve")
    memo = quoted(world)["rc1"]
    world.do(f"demo --pay {memo}")
    world.blocks()
    # It may say that what is owed of the work before has no key that could sign: it isn't sent before a yes.
    world.cli.alone("watch", "--once")
    found = world.document(f"operations list --token {memo}")["operations"]
    return {"op-1f": found[0]["operation"], "rc1": memo}


def broken(world: Example) -> Values:
    """A wallet and an endpoint that nobody calls."""
    looked(world)
    node = _nodes(world)["alpha-1"][0]
    for name in ("wallet/alpha-1", f"endpoint/alpha-1/{node}"):
        world.do(f"breakers open {name} --reason test")
    return {"http://localhost:26657": node}


def muted(world: Example) -> Values:
    """Mutes of a path and of packets."""
    world.do("packets mute alpha-1/channel-1 --reason known")
    world.do("packets mute alpha-1/channel-0/3..5 --reason known")
    return {}


def gap(world: Example) -> Values:
    """Blocks that no node serves any more."""
    if not world.document("payments gaps")["gaps"]:
        world.read()
        world.blocks(300)
        lost = world.ask("/blocks", count=1)["alpha-1"] - 50
        for node in ("alpha-1", "alpha-1-second"):
            world.ask(f"/nodes/{node}/faults", pruned_below=lost)
        world.cli.alone("watch", "--once")
    return {}


def recheckable(world: Example) -> Values:
    """A payment that nobody has seen."""
    world.read()
    return {"HASH": world.send(50_000)}


def keyed(world: Example) -> Values:
    """The payee's key, which refunds are signed with."""
    if not world.document("wallet list")["keys"]:
        world.do(f"wallet add --chain alpha-1 --mnemonic-file {world.net.world.folder / 'payee.txt'}")
    return {}


def words(world: Example) -> Values:
    """The files that the payee's key is made and sealed with."""
    for name in ("payee.txt", "passphrase.txt"):
        Path(name.replace("passphrase.txt", "passphrase")).write_bytes((world.net.world.folder / name).read_bytes())
        Path(name.replace("passphrase.txt", "passphrase")).chmod(0o600)
    if world.document("wallet list")["keys"]:
        world.do("wallet remove --chain alpha-1 --yes")
    return {}


def owed(world: Example) -> Values:
    """Two refunds that wait for a yes: a revoked quote was paid twice."""
    world.setting("REFUNDS_MODE", "approve")
    keyed(world)
    memo = quoted(world)["rc1"]
    world.do(f"tokens revoke {memo} --reason test")
    for _ in range(2):
        world.do(f"demo --pay {memo} --amount 500000stake")
        world.blocks()
    world.read()
    found = [one["id"] for one in world.document("refunds list --state owed")["refunds"]]
    return {"7q3k": found[0], "9f2m": found[1]}


def approved(world: Example) -> Values:
    """A refund that goes with the next sweep."""
    values = owed(world)
    world.do(f"refunds approve {values['7q3k']} --yes --max-amount 5000000stake")
    return values


def exported(world: Example) -> Values:
    """A refund that was written out, and a folder for the next one."""
    values = approved(world)
    if Path("refunds").exists():
        world.blocks(105)
        known = [one["id"] for one in world.document("refunds list --state exported")["refunds"]]
        return {"7q3k": known[0]}
    return values


def paid_by_hand(world: Example) -> Values:
    """A refund that another purse paid: the third output of a transaction, and one that stands alone."""
    values = approved(world)
    tx = world.send(10, 20, 500_000, who="bob", to=ALICE)
    single = world.send(500_000, who="bob", to=ALICE)
    return {**values, "HASH --output 2": f"{tx} --output 2", "HASH": single}


def claimable(world: Example) -> Values:
    """A refund, and what its payer's wallet says to the text that was printed for it."""
    refund = owed(world)["7q3k"]
    asked = world.document(f"refunds claim {refund} --to {ALICE} --to-chain alpha-1")
    key = key_of("alice", ALPHA.key_kind)
    parts = (key.public, key.sign(sign_doc(ALICE, asked["text"].encode())))
    public, signature = (base64.b64encode(part).decode() for part in parts)
    answer = {"pub_key": {"type": "tendermint/PubKeySecp256k1", "value": public}, "signature": signature}
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return {"bprrt4fyax5wrv4vv9xr5q4w": refund, "cosmos1payer": ALICE, "1f0c93": asked["nonce"]}


def quotable(world: Example) -> Values:
    """Packets that no quote holds."""
    values = chosen_file(world)
    for one in world.document("tokens list --state open")["tokens"]:
        world.do(f"tokens revoke {one['token']} --reason test")
    return values


def keyless(world: Example) -> Values:
    """No key of quotes yet."""
    shutil.rmtree(world.net.world.folder / "signing", ignore_errors=True)
    return looked(world)


def signing(world: Example) -> Values:
    """A key that signs quotes now."""
    looked(world)
    known = world.document("keys list")["keys"]
    made = world.document(f"keys {'rotate' if known and known[-1]['state'] == 'active' else 'create'}")
    return {"1": str(made["key_id"])}


def configured(world: Example) -> Values:
    """The config beside, too."""
    Path("relayclear.toml").write_bytes(world.net.config.read_bytes())
    return {}


def backed_up(world: Example) -> Values:
    """A copy of the database."""
    chosen_file(world)
    world.do("db backup ./relayclear-backup.db")
    return {}


def unconfigured(world: Example) -> Values:
    """A Hermes config, and none of relayclear's own."""
    world.environ.delenv("RELAYCLEAR_CONFIG", raising=False)
    world.setting("HERMES_CONFIG", str(world.net.world.folder / "hermes" / "config.toml"))
    return {}


def listening(_: Example) -> Values:
    """A port that is free."""
    return {"127.0.0.1:9464": "127.0.0.1:0"}


def watched(world: Example) -> Values:
    """A daemon that has looked."""
    if not world.net.daemons:
        daemon = world.net.watch()
        daemon.until(lambda: "scanned" in daemon.events())
    return {}


PREPARED: Mapping[str, Callable[[Example], Values]] = {
    "alerts": alerting,
    "books assign": moved,
    "books write-off": nobodys,
    "breakers": broken,
    "wallet": keyed,
    "wallet add": words,
    "db": chosen_file,
    "db restore": backed_up,
    "demo": quoted,
    "init": unconfigured,
    "health": watched,
    "history": unproved,
    "operations": unproved,
    "operations verify": cleared,
    "operations cancel": waiting,
    "operations retry": waiting,
    "packets unmute": muted,
    "payments": orphan,
    "payments assign": assignable,
    "payments recheck": recheckable,
    "payments gaps": gap,
    "payments gaps accept": gap,
    "refunds": owed,
    "refunds sweep": approved,
    "refunds export": exported,
    "refunds mark-paid": paid_by_hand,
    "refunds resolve": approved,
    "refunds claim": claimable,
    "watch": listening,
    "stats": chosen_file,
    "tokens": quoted,
    "tokens create": quotable,
    "config": configured,
    "keys create": keyless,
    "keys": quoted,
    "keys revoke": signing,
}
"""What each command needs, by its own name or its noun's; `looked` where neither stands here."""
