"""`relayclear tokens` and `keys`: pages at 80 columns, documents byte for byte, refusals with their exit codes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.output import Exit
from relayclear.config.keyfiles import KeyFiles
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.units import Unit
from relayclear.money.document import write_document
from relayclear.money.ledger import Kind, Place, book
from relayclear.money.token import issue
from relayclear.store import cursors, identity, ledger, payments
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.store.payments import How, Orphan
from relayclear.usecases.token_books import payment_ref
from relayclear.usecases.tokens_view import require_token
from tests.cli.conftest import Cli, Said, agrees
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.money.build import KEY, PAYEE, RULES, SIGNING_KEY, token

PAYER = address("payer", "alpha-1")
CREATE = ("tokens", "create", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")


@pytest.fixture
def shop(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A shop whose keys and order ids are the same every time; nothing else is left to chance."""
    rig.sell(tmp_path / "shop")
    ids = iter(range(1, 100))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes([next(ids)]) * size)
    with rig.journal.database.atomic() as tx:
        identity.say_once(tx, "instance", "0123456789abcdef")
    rig.alpha.units["stake"] = Unit("STAKE", 6)
    return rig


def memo_of(said: Said) -> str:
    return str(said.document["token"])


def paid(rig: Rig, memo: str, amount: int, ordinal: int = 0, denom: str = "stake") -> None:
    """A payment that the reading found and matched, and how far it read."""
    now, payee = rig.clock.now(), address("payee", "alpha-1")
    arrived = arrival(rig, memo, amount, ordinal, denom)
    with rig.journal.database.atomic() as tx:
        cursors.begin(tx, "alpha-1", payee, arrived.height - 1, now, {}, now)
        new, _ = payments.add(tx, payee, [arrived], now)
        order_id = require_token(tx, memo).order_id
        payments.match(tx, new[0].id, order_id, How.MEMO, "watch", "", now)


def arrival(rig: Rig, memo: str, amount: int, ordinal: int = 0, denom: str = "stake") -> Arrival:
    """Coins of the payer."""
    place = ("alpha-1", "AB" * 32, ordinal, Coin(denom, amount), rig.alpha.height, rig.clock.now())
    return Arrival(*place, ArrivalKind.SEND, PAYER, 1, memo, "", None, signed=True)


# Golden files


def test_a_quote_keeps_its_bytes(cli: Cli, shop: Rig) -> None:
    shop.stuck(count=3, sender=PAYER)
    said = cli(*CREATE, "1,3", "--json")
    assert (said.code, said.err) == (0, "")
    assert agrees("tokens-create.json", said.out)
    again = cli(*CREATE, "1,3", "--payer", PAYER, "--json")
    assert [note["code"] for note in again.document["notes"]] == ["repeated"]
    assert again.document["payer"]["can_pay"] is True
    assert agrees("tokens-list.json", cli("tokens", "list", "--json").out)
    assert agrees("tokens-show-open.json", cli("tokens", "show", memo_of(said), "--json").out)


def test_a_quote_as_people_see_it(cli: Cli, shop: Rig) -> None:
    shop.stuck(count=3, sender=PAYER)
    said = cli(*CREATE, "1,3", width=80)
    assert said.code == Exit.DONE
    assert agrees("tokens-create-80.txt", said.out)
    assert agrees("tokens-create-talk.txt", said.err.encode())
    assert agrees("tokens-list-80.txt", cli("tokens", "list", width=80).out)
    assert agrees("tokens-list-120.txt", cli("tokens", "list", width=120).out)
    assert agrees("tokens-show-open-80.txt", cli("tokens", "show", "rc1", width=80).out)
    assert agrees("tokens-for-payer.txt", cli("tokens", "show", "rc1", "--for-payer", width=80).out)


def test_a_paid_token_with_all_that_is_wrong_with_it(cli: Cli, shop: Rig) -> None:
    shop.stuck(count=2, sender=PAYER)
    memo = memo_of(cli(*CREATE, "1,2", "--json"))
    paid(shop, memo, 1_000_000)
    assert cli("tokens", "show", memo, "--json").document["state"] == "partly_paid"
    paid(shop, memo, 1_000_000, 1)
    paid(shop, memo, 7, 2, "token")
    said = cli("tokens", "show", memo, "--json")
    assert said.document["flaws"] == ["overpaid", "wrong_denom"]
    assert said.document["excess"] == {"denom": "stake", "amount": str(2_000_000 - 1_218_750)}
    assert said.document["owed_back"][0]["to"] == PAYER
    assert agrees("tokens-show-paid.json", said.out)
    assert agrees("tokens-show-paid-80.txt", cli("tokens", "show", memo, width=80).out)


def test_the_page_says_how_far_payments_were_read(cli: Cli, shop: Rig) -> None:
    shop.stuck(sender=PAYER)
    memo = memo_of(cli(*CREATE, "1", "--json"))
    assert "before this quote was made: relayclear watch" in " ".join(cli("tokens", "show", memo).text.split())
    later = shop.clock.now() + timedelta(seconds=60)
    with shop.journal.database.atomic() as tx:
        cursors.move(tx, "alpha-1", address("payee", "alpha-1"), 1234, later, later)
    assert cli("tokens", "show", memo, "--json").document["read_height"] == 1234
    assert f"payments read  through block height 1234, {later:%Y-%m-%d %H:%M:%SZ}\n" in cli("tokens", "show", memo).text
    page = cli("tokens", "show", memo, "--for-payer").text
    assert page.startswith(f"Nothing was paid as of block height 1234, {later:%Y-%m-%d}")


def test_a_revoked_token_keeps_its_bytes(cli: Cli, shop: Rig) -> None:
    shop.stuck()
    memo = memo_of(cli(*CREATE, "1", "--json"))
    said = cli("tokens", "revoke", memo, "--reason", "too cheap")
    assert agrees("tokens-revoke.txt", said.out)
    said = cli("tokens", "show", memo, "--json")
    assert said.document["revoked"]["reason"] == "too cheap"
    assert said.document["state"] == "revoked"


def test_signing_keys_as_people_and_programs_see_them(cli: Cli, shop: Rig) -> None:
    assert cli("keys", "list").text.startswith("No keys yet")
    assert cli("keys", "publish").code == Exit.REFUSED
    shop.stuck()
    cli(*CREATE, "1")
    assert agrees("keys-rotate.json", cli("keys", "rotate", "--json").out)
    assert agrees("keys-list.json", cli("keys", "list", "--json").out)
    assert agrees("keys-list-80.txt", cli("keys", "list", width=80).out)
    assert agrees("keys-publish.json", cli("keys", "publish", "--json").out)
    assert agrees("keys-publish.txt", cli("keys", "publish").out)


def test_a_signed_quote_is_checked_by_anybody(cli: Cli, shop: Rig, tmp_path: Path, home: Path) -> None:
    shop.stuck()
    file = tmp_path / "quote.json"
    cli(*CREATE, "1", "-o", str(file))
    shop.shop = None
    key = json.loads((tmp_path / "shop" / "quotes.jsonl").read_text())["public_key"]
    del key
    assert not [*home.iterdir()]
    unknown = cli("tokens", "verify", str(file), width=80)
    assert (unknown.code, "signature good, signer not known" in unknown.text) == (Exit.FOUND, True)
    fingerprint = cli("tokens", "verify", str(file), "--json").document["fingerprint"]
    said = cli("tokens", "verify", str(file), "--issuer", fingerprint.upper().replace("-", " "), width=80)
    assert agrees("tokens-verify-80.txt", said.out)
    assert agrees("tokens-verify.json", cli("tokens", "verify", str(file), "--issuer", fingerprint, "--json").out)
    other = cli("tokens", "verify", str(file), "--issuer", "0000-0000-0000-0000", "--json")
    assert (other.code, other.error["code"]) == (Exit.FAILED, "other_signer")


@pytest.mark.parametrize(("age", "code"), [(timedelta(hours=2), Exit.FOUND), (timedelta(minutes=5), Exit.DONE)])
def test_a_good_signature_is_not_taken_for_a_quote_that_may_be_paid(
    cli: Cli, tmp_path: Path, age: timedelta, code: Exit
) -> None:
    sold = issue(token().quote, PAYEE, KEY, b"order--1", datetime.now(UTC) - age, RULES)
    file = tmp_path / "quote.json"
    file.write_text(write_document(sold, SIGNING_KEY))
    said, document = cli("tokens", "verify", str(file)), cli("tokens", "verify", str(file), "--json")
    assert (said.code, document.code) == (code, code)
    assert document.document["expired"] is (code == Exit.FOUND)
    over = f"✗ over since {sold.expires_at:%Y-%m-%d %H:%M:%SZ}: don't pay"
    assert said.text.startswith(over if code == Exit.FOUND else "! valid, signer not known")


# Exit codes and errors


def spoiled(text: str, name: str, value: Any) -> str:
    document = json.loads(text)
    document["terms"]["pay"][name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda text: spoiled(text, "to", address("mallory", "alpha-1")), "tampered"),
        (lambda _: "not json", "not_a_quote"),
        (lambda _: "", "not_a_quote"),
        (lambda _: "[" * 100_000, "not_a_quote"),
        (lambda text: json.dumps({**json.loads(text), "schema_version": 2}), "newer_version"),
        (lambda text: text.replace('"schema_version":1', '"schema_version":1,"schema_version":1'), "not_a_quote"),
    ],
)
def test_a_quote_that_was_touched_is_never_called_valid(
    cli: Cli, shop: Rig, tmp_path: Path, made: Any, code: str
) -> None:
    shop.stuck()
    file = tmp_path / "quote.json"
    cli(*CREATE, "1", "-o", str(file))
    file.write_text(made(file.read_text()))
    said = cli("tokens", "verify", str(file), "--json")
    assert (said.code, said.out, said.error["code"]) == (Exit.FAILED, b"", code)


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (("tokens", "create"), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--wallet", PAYER), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--expires", "soon"), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--expires", "1s"), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--pay-on", "alpha"), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--pay-on", "beta-1"), Exit.USAGE, "no_payee"),
        ((*CREATE, "1", "--pay-denom", "uatom"), Exit.USAGE, "denom_not_accepted"),
        ((*CREATE, "1", "--from-exchange"), Exit.USAGE, "usage"),
        ((*CREATE, "1", "--refund-to", "cosmos1nobody"), Exit.USAGE, "usage"),
        ((*CREATE, "77"), Exit.REFUSED, "never_sent"),
        ((*CREATE, "1", "--waive", "please"), Exit.REFUSED, "waiver_budget"),
        (("tokens", "show", "rc1zzz"), Exit.USAGE, "unknown_token"),
        (("tokens", "revoke", "rc1zzz", "--reason", "x"), Exit.USAGE, "unknown_token"),
        (("tokens", "list", "--state", "opne"), Exit.USAGE, "usage"),
        (("tokens", "verify", "/nowhere/quote.json"), Exit.USAGE, "usage"),
        (("tokens", "import", "/nowhere/quote.json"), Exit.USAGE, "usage"),
        (("keys", "rotate"), Exit.REFUSED, "no_key"),
        (("keys", "revoke", "1", "--reason", "x"), Exit.USAGE, "usage"),
        (("keys", "revoke", "1", "--reason", "x", "--yes"), Exit.USAGE, "usage"),
        (("keys", "revoke", "1", "--reason", " ", "--yes"), Exit.USAGE, "no_reason"),
    ],
)
def test_what_cannot_be_done_says_so_in_one_object(
    cli: Cli, shop: Rig, argv: tuple[str, ...], code: Exit, word: str
) -> None:
    shop.stuck()
    said = cli(*argv, "--json")
    assert (said.code, said.out, said.error["code"]) == (code, b"", word)


def test_keys_that_others_may_read_are_a_config_error(cli: Cli, shop: Rig, tmp_path: Path) -> None:
    shop.stuck()
    cli("keys", "create")
    (tmp_path / "shop" / "keys" / "quote-001.json").chmod(0o644)
    for argv in (("keys", "list"), (*CREATE, "1"), ("tokens", "list")):
        assert cli(*argv).code == Exit.USAGE


def test_a_file_that_is_there_already_is_never_written_over(cli: Cli, shop: Rig, tmp_path: Path) -> None:
    shop.stuck()
    file = tmp_path / "quote.json"
    file.write_text("something else")
    assert cli(*CREATE, "1", "-o", str(file)).code == Exit.USAGE
    assert file.read_text() == "something else"
    assert cli("tokens", "list").text.startswith("No tokens yet")
    said = cli(*CREATE, "1", "-o", str(tmp_path / "nowhere" / "quote.json"))
    assert (said.code, "the quote was made" in said.err) == (Exit.FAILED, True)


def test_codes_to_scan_have_their_labels(cli: Cli, shop: Rig) -> None:
    shop.stuck()
    said = cli(*CREATE, "1", "--qr")
    lines = said.lines
    assert f"address: {address('payee', 'alpha-1')}" in lines
    memo = next(line for line in lines if line.startswith("memo: rc1"))
    assert "█" in lines[lines.index(memo) + 2] or "▀" in lines[lines.index(memo) + 2]
    assert "█" not in cli(*CREATE, "1").text


# Losing the database


def test_a_lost_token_comes_back_from_its_signed_copy_and_finds_its_payment(
    cli: Cli, shop: Rig, tmp_path: Path
) -> None:
    shop.stuck()
    memo = memo_of(cli(*CREATE, "1", "--json"))
    quotes = tmp_path / "shop" / "quotes.jsonl"
    known = cli("tokens", "import", str(quotes))
    assert known.text.startswith(f"known: {memo} is open")
    with without_database(shop, tmp_path) as fresh:
        cli.rig = fresh
        assert cli("tokens", "show", memo).code == Exit.USAGE
        lost_payment(fresh, memo)
        said = cli("tokens", "import", str(quotes), "--json")
        (row,) = said.document["tokens"]
        assert (row["import"], row["state"], len(row["payments"])) == ("imported", "paid", 1)
        assert row["payments"][0]["matched_by"] == "imported"


@contextmanager
def without_database(shop: Rig, tmp_path: Path) -> Iterator[Rig]:
    """The same shop over a database that knows nothing."""
    with open_database(tmp_path / "fresh.db", busy_seconds=0.05) as database:
        yield replace(shop, journal=Journal(database))


def lost_payment(rig: Rig, memo: str) -> None:
    """A payment that the reading found while nobody knew its token."""
    now, payee, found = rig.clock.now(), address("payee", "alpha-1"), arrival(rig, memo, 1_118_750)
    with rig.journal.database.atomic() as tx:
        cursors.begin(tx, "alpha-1", payee, found.height - 1, now, {}, now)
        (new,), _ = payments.add(tx, payee, [found], now)
        payments.mark(tx, new.id, Orphan.OURS_LOST)
        ledger.post(tx, [book(Place("alpha-1", "stake"), Kind.ORPHAN, payment_ref(new.id), 1_118_750)], now)


def test_a_quote_of_somebody_elses_keys_is_not_imported(cli: Cli, shop: Rig, tmp_path: Path) -> None:
    shop.stuck()
    file = tmp_path / "quote.json"
    cli(*CREATE, "1", "-o", str(file))
    assert shop.shop is not None
    shop.sell(tmp_path / "elsewhere")
    said = cli("tokens", "import", str(file), "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "not_ours")
    KeyFiles(tmp_path / "elsewhere" / "keys").create(shop.clock.now())
    assert cli("tokens", "import", str(file), "--json").error["code"] == "not_ours"


# Leaked keys


def test_a_revoked_key_voids_its_open_quotes(cli: Cli, shop: Rig) -> None:
    shop.stuck(count=2)
    memo = memo_of(cli(*CREATE, "1", "--json"))
    cli("keys", "rotate")
    other = memo_of(cli(*CREATE, "2", "--json"))
    said = cli("keys", "revoke", "1", "--reason", "stolen", "--yes", "--json")
    assert said.document["voided"] == [memo]
    assert cli("tokens", "show", memo, "--json").document["state"] == "revoked"
    assert cli("tokens", "show", other, "--json").document["state"] == "open"
    assert cli("tokens", "list", "--state", "revoked", "--json").document["tokens"][0]["token"] == memo
    assert cli(*CREATE, "1", "--json").document["token"] != memo


def test_a_person_is_asked_before_a_key_is_revoked(cli: Cli, shop: Rig) -> None:
    cli("keys", "create")
    assert cli("keys", "revoke", "1", "--reason", "stolen", typed="n\n").code == Exit.REFUSED
    assert cli("keys", "list", "--json").document["keys"][0]["state"] == "current"
    assert cli("keys", "revoke", "1", "--reason", "stolen", typed="y\n").code == Exit.DONE
    assert shop.shop is not None
    assert shop.shop.keys.current() is None


def test_no_secret_leaves_through_any_page(cli: Cli, shop: Rig, tmp_path: Path) -> None:
    shop.stuck()
    cli(*CREATE, "1")
    assert shop.shop is not None
    key = shop.shop.keys.current()
    assert key is not None
    text = (tmp_path / "shop" / "keys" / "quote-001.json").read_text()
    secret_texts = {json.loads(text)[name] for name in ("memo_secret", "signing_key")}
    for argv in (("keys", "list"), ("keys", "publish"), ("tokens", "show", "rc1"), ("tokens", "list")):
        for form in ((), ("--json",)):
            said = cli(*argv, *form)
            assert not any(secret in said.text + said.err for secret in secret_texts)
            assert key.signing_key.hex() not in said.text
