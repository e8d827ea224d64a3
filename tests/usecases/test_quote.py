"""Quotes: what is sold is clearable, priced once, signed, kept and said the same each time; the rest is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import ConfigError, NodeError, RefusedError, RelayclearError, StoreError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import ChannelEnd, Ordering, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.relayer import DaemonHabit
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.units import Unit
from relayclear.money.document import read_document
from relayclear.money.fees import GasSource
from relayclear.money.memo import verify
from relayclear.money.state import TokenState
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.store import history, tasks, token_states, tokens
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.paid import paid_task
from relayclear.usecases.quote import make_quote
from relayclear.usecases.quote_values import Issued, NoteCode, QuoteRequest
from relayclear.usecases.shop import SellRules
from relayclear.usecases.tokens_view import view_token
from tests.fakes.rig import Rig
from tests.fakes.world import address

PAYER = address("payer", "alpha-1")
ONE = QuoteRequest("alpha-1", "channel-0", "transfer", SequenceRanges.parse("1"), "ada")


@pytest.fixture(autouse=True)
def folder(rig: Rig, tmp_path: Path) -> Path:
    rig.sell(tmp_path / "shop")
    return tmp_path / "shop"


def sell(rig: Rig, sequences: str = "1", end: ChannelEnd | None = None, **wanted: Any) -> Issued:
    chain, port, channel = end or rig.source
    request = QuoteRequest(chain, channel, port, SequenceRanges.parse(sequences), "ada", **wanted)
    return asyncio.run(make_quote(rig.desk, request))


def refused(
    rig: Rig, error: type[RelayclearError], sequences: str = "1", end: ChannelEnd | None = None, **wanted: Any
) -> RelayclearError:
    with pytest.raises(error) as caught:
        sell(rig, sequences, end, **wanted)
    assert tokens.page(rig.journal.database, 10) == []
    assert rig.shop is not None
    assert not rig.shop.quotes_file.exists()
    return caught.value


def codes(issued: Issued) -> set[NoteCode]:
    return {note.code for note in issued.notes} - {NoteCode.FIRST_KEY}


# What is sold


def test_a_quote_binds_exact_packets_to_a_price_a_payee_and_a_memo(rig: Rig) -> None:
    rig.stuck(count=3)
    issued = sell(rig, "1,3")
    token = issued.token
    assert [term.key.sequence for term in token.quote.packets] == [1, 3]
    assert {(term.expected, term.otherwise) for term in token.quote.packets} == {
        (Fate.DELIVERED, Fate.RETURNED_TO_SENDER)
    }
    assert token.payee == address("payee", "alpha-1")
    # 1,000,000 + 2 x 100,000 + gas: 500,000 x 0.01 x 1.5 at home, and as much at 3/2 on the far chain.
    assert token.price == Coin("stake", 1_200_000 + 7_500 + 11_250)
    assert token.expires_at - token.issued_at == timedelta(seconds=3600)
    key = rig.desk.shop.keys.current() if rig.desk.shop else None
    assert key is not None
    assert verify(token.ref, token.place, key.memo_key)
    assert read_document(issued.document, key.public_key).token == token
    assert view_token(rig.desk, token.memo).state is TokenState.OPEN


def test_a_token_lives_by_the_paying_chains_clock_and_not_by_ours(rig: Rig) -> None:
    rig.stuck()
    rig.clock.step(-3600)
    assert sell(rig, expires=600).token.issued_at == asyncio.run(rig.alpha.head()).at.replace(microsecond=0)


def test_the_signed_quote_is_in_the_file_before_anybody_sees_it(rig: Rig, folder: Path) -> None:
    rig.stuck(count=2)
    one, two = sell(rig, "1"), sell(rig, "2")
    assert (folder / "quotes.jsonl").read_text().splitlines(keepends=True) == [one.document, two.document]
    assert oct((folder / "quotes.jsonl").stat().st_mode & 0o777) == "0o600"


def test_no_quote_is_made_that_cannot_be_written_to_the_file(rig: Rig, folder: Path) -> None:
    rig.stuck()
    (folder / "quotes.jsonl").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"quotes\.jsonl can't be written"):
        sell(rig)
    assert tokens.page(rig.journal.database, 10) == []


def test_the_first_quote_makes_the_first_key_and_says_so(rig: Rig) -> None:
    rig.stuck(count=2)
    assert NoteCode.FIRST_KEY in {note.code for note in sell(rig, "1").notes}
    assert NoteCode.FIRST_KEY not in {note.code for note in sell(rig, "2").notes}


def test_no_key_is_made_again_where_one_was_revoked_or_lost(rig: Rig, folder: Path) -> None:
    rig.stuck(count=2)
    sell(rig, "1")
    assert rig.shop is not None
    rig.shop.keys.revoke(1, rig.clock.now())
    with pytest.raises(RefusedError, match="no signing key is in force"):
        sell(rig, "2")
    (folder / "keys" / "quote-001.json").unlink()
    with pytest.raises(RefusedError, match="no signing key is in force"):
        sell(rig, "2")


def test_keys_that_others_may_read_sell_nothing(rig: Rig, folder: Path) -> None:
    rig.stuck()
    assert rig.shop is not None
    rig.shop.keys.create(rig.clock.now())
    (folder / "keys").chmod(0o755)
    assert refused(rig, ConfigError).code == "keys_open"


def test_who_made_a_quote_is_remembered(rig: Rig) -> None:
    rig.stuck(sender=PAYER)
    issued = sell(rig)
    event, _began = history.page(rig.journal.database, 10)
    assert (event.who, event.what, event.wallet) == ("ada", "token_created", PAYER)
    assert event.order_id == issued.token.ref.order_id.hex()


def test_the_gas_of_our_own_relays_prices_the_next(rig: Rig) -> None:
    rig.stuck(count=4)

    async def clear() -> None:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.parse("1..3")))
        await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    asyncio.run(clear())
    charges = sell(rig, "4").token.quote.gas
    assert [(charge.estimate.chain, charge.estimate.basis.source) for charge in charges] == [
        ("alpha-1", GasSource.MEDIAN),
        ("beta-1", GasSource.MEDIAN),
    ]
    assert all(charge.estimate.basis.relays == 3 for charge in charges)
    assert all(0 < charge.estimate.units < 250_000 for charge in charges)


def test_gas_without_a_rate_is_given_away_and_said(rig: Rig) -> None:
    rig.stuck()
    issued = sell(rig, pay_denom="token")
    assert issued.token.price == Coin("token", 2_000_000)
    free = [note.detail for note in issued.notes if note.code is NoteCode.GAS_NOT_CHARGED]
    assert free == ["stake on alpha-1", "ubeta on beta-1"]


def test_a_packet_past_its_timeout_is_sold_as_coming_back(rig: Rig) -> None:
    rig.stuck(timeout_seconds=60)
    (term,) = sell(rig).token.quote.packets
    assert (term.expected, term.otherwise) == (Fate.RETURNED_TO_SENDER, None)
    (charge,) = sell(rig).token.quote.gas
    assert charge.estimate.chain == "alpha-1"


def test_a_packet_that_may_arrive_by_itself_is_sold_with_a_word(rig: Rig) -> None:
    rig.world.send(rig.source)
    assert codes(sell(rig)) == {NoteCode.IN_FLIGHT}


@pytest.mark.parametrize(
    ("habit", "code"),
    [
        (DaemonHabit.NEVER, set()),
        (DaemonHabit.ONLY_NEW, set()),
        (DaemonHabit.AS_THEY_COME, {NoteCode.DAEMON_AS_THEY_COME}),
        (DaemonHabit.CLEARS_TOO, {NoteCode.DAEMON_MAY_CLEAR}),
    ],
)
def test_what_our_own_daemon_would_clear_for_nothing_is_said(rig: Rig, habit: DaemonHabit, code: set[NoteCode]) -> None:
    rig.stuck()
    rig.relayer.habit = habit
    assert codes(sell(rig)) == code


def test_an_ordered_channel_is_cleared_at_a_start_whatever_the_daemons_config_says(rig: Rig) -> None:
    rig.relayer.habit = DaemonHabit.ONLY_NEW
    end, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.stuck(end)
    assert codes(sell(rig, end=end)) == {NoteCode.DAEMON_AS_THEY_COME}


def test_a_forwarded_packet_is_said_to_be_one_hop_of_several(rig: Rig) -> None:
    inner = {"receiver": "x", "port": "transfer", "channel": "channel-9"}
    rig.stuck(memo=json.dumps({"forward": {**inner, "next": {"forward": inner}}}))
    issued = sell(rig)
    assert issued.sold.hops == {1: 3}
    assert (issued.sold.program, issued.sold.gas_price) == ("simd", "0.001stake")
    assert [(note.sequences, note.detail) for note in issued.notes if note.code is NoteCode.FORWARDED] == [((1,), "3")]
    assert view_token(rig.desk, issued.token.memo).sold == issued.sold


def test_an_error_on_its_way_back_is_sold(rig: Rig) -> None:
    (key,) = rig.stuck(receiver="nobody")
    rig.world.deliver(key)
    (term,) = sell(rig).token.quote.packets
    assert term.expected is Fate.ACKNOWLEDGED


def test_units_come_from_the_chain_before_the_config(rig: Rig) -> None:
    rig.stuck(count=2)
    assert rig.shop is not None
    rig.shop = replace(rig.shop, units={"stake": Unit("STK", 3)})
    assert sell(rig, "1").sold.unit == Unit("STK", 3)
    rig.alpha.units["stake"] = Unit("STAKE", 6)
    assert sell(rig, "2").sold.unit == Unit("STAKE", 6)


# All packets of a wallet


def of_wallet(rig: Rig, wallet: str, **wanted: Any) -> Issued:
    request = QuoteRequest(None, None, "transfer", None, "ada", wallet=wallet, **wanted)
    return asyncio.run(make_quote(rig.desk, request))


def test_a_wallets_clearable_packets_are_sold_and_nobody_elses(rig: Rig) -> None:
    for sender in (PAYER, address("other", "alpha-1"), PAYER):
        rig.world.send(rig.source, sender=sender)
    arrived = rig.world.send(rig.source, sender=PAYER)
    rig.world.deliver(arrived)
    rig.world.deliver(rig.world.send(rig.source, sender=PAYER, memo=HOLD_MEMO))
    rig.clock.step(600)
    rig.world.send(rig.source, sender=PAYER)
    assert [term.key.sequence for term in of_wallet(rig, PAYER).token.quote.packets] == [1, 3]


def test_a_wallet_without_clearable_packets_is_told_so(rig: Rig) -> None:
    rig.stuck(sender=address("other", "alpha-1"))
    with pytest.raises(RefusedError, match=r"no packet of \S+ can be cleared now"):
        of_wallet(rig, PAYER)
    rig.beta.down = NodeError("connection refused")
    with pytest.raises(NodeError, match="could not be read"):
        of_wallet(rig, PAYER)


def test_a_wallet_on_two_channels_must_choose_one(rig: Rig) -> None:
    second, _ = rig.world.connect("alpha-1", "beta-1")
    for end in (rig.source, second):
        rig.stuck(end, sender=PAYER)
    with pytest.raises(RefusedError, match="packets on 2 channels") as caught:
        of_wallet(rig, PAYER)
    assert caught.value.hint == "add --chain alpha-1 --channel channel-0"


@pytest.mark.parametrize("wallet", ["*", "someone", "", "alpha1" + "q" * 38, "\x1b[2J"])
def test_a_wallet_that_is_no_address_is_refused(rig: Rig, wallet: str) -> None:
    rig.stuck()
    with pytest.raises(UsageError, match="is no address"):
        of_wallet(rig, wallet)


def test_neither_packets_nor_a_wallet_is_no_request(rig: Rig) -> None:
    with pytest.raises(UsageError, match="needs --chain, --channel and --packet-sequences, or --wallet"):
        asyncio.run(make_quote(rig.desk, replace(ONE, channel=None)))


# What can't be cleared is refused, and nothing is kept


def test_a_packet_already_cleared_is_not_sold(rig: Rig) -> None:
    first, _ = rig.stuck(count=2)
    rig.world.relay(first)
    assert refused(rig, RefusedError, "1,2").code == "already_cleared"
    assert refused(rig, RefusedError).code == "already_cleared"


def test_a_packet_never_sent_is_not_sold(rig: Rig) -> None:
    rig.stuck()
    assert refused(rig, RefusedError, "1,77").code == "never_sent"


def test_a_packet_whose_coins_have_arrived_is_sold_only_anyway(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.deliver(key)
    error = refused(rig, RefusedError)
    assert (error.code, "the receiver has the coins" in error.message) == ("arrived_already", True)
    issued = sell(rig, anyway=True)
    assert NoteCode.ARRIVED_ALREADY in codes(issued)
    assert issued.token.quote.packets[0].expected is Fate.ACKNOWLEDGED


def test_a_packet_that_waits_for_the_receiving_application_is_not_sold(rig: Rig) -> None:
    (key,) = rig.stuck(memo=HOLD_MEMO)
    rig.world.deliver(key)
    assert "nothing to relay" in refused(rig, RefusedError, anyway=True).message


def client_expired(rig: Rig) -> None:
    rig.world.set_client(rig.far, ClientStatus.EXPIRED)


def client_frozen(rig: Rig) -> None:
    rig.world.set_client(rig.far, ClientStatus.FROZEN)


def excluded(rig: Rig) -> None:
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.parse("1")}, 32768, 2048)


def too_large(rig: Rig) -> None:
    rig.relayer.rules_of["alpha-1"] = RelayRules({}, 0, 2048)


def client_of_a_lost_chain(rig: Rig) -> None:
    rig.world.set_client(rig.far, ClientStatus.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (client_expired, "client_expired"),
        (client_frozen, "client_frozen"),
        (client_of_a_lost_chain, "client_not_active"),
        (excluded, "excluded"),
        (too_large, "too_large"),
    ],
)
def test_a_blocked_packet_is_refused_with_its_reason(rig: Rig, trouble: Callable[[Rig], None], reason: str) -> None:
    rig.stuck(count=2, memo="hello")
    trouble(rig)
    error = refused(rig, RefusedError, "1,2")
    assert (error.code, reason in error.message) == ("not_clearable", True)


def test_one_packet_that_cannot_be_cleared_refuses_the_others_too(rig: Rig) -> None:
    rig.stuck(count=2)
    excluded(rig)
    assert "#1: excluded" in refused(rig, RefusedError, "1,2").message
    assert sell(rig, "2").token.quote.packets[0].key.sequence == 2


def test_a_later_packet_of_an_ordered_channel_names_those_before_it(rig: Rig) -> None:
    end, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.stuck(end, count=3)
    error = refused(rig, RefusedError, "3", end)
    assert (error.code, "#1, #2 must go first" in error.message) == ("not_clearable", True)
    assert error.hint is not None
    assert error.hint.endswith("--packet-sequences 1..3")


def test_a_timeout_that_would_close_its_channel_is_not_sold(rig: Rig) -> None:
    end, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.world.send(end, timeout_seconds=60)
    rig.clock.step(600)
    error = refused(rig, RefusedError, "1", end)
    assert error.code == "would_close_channel"
    assert "--close-channel" not in (error.hint or "")


def test_a_packet_whose_data_nobody_has_is_not_sold(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.alpha.lost.add(1)
    assert refused(rig, RefusedError).code == "no_packet_data"
    rig.alpha.lies.add(2)
    assert "doesn't fit the commitment" in refused(rig, RefusedError, "2").message


def test_a_client_that_cannot_be_read_may_have_expired(rig: Rig) -> None:
    rig.stuck()
    rig.beta.fails["client_health"] = NodeError("hung up")
    assert "could not be read" in refused(rig, NodeError).message


def test_a_node_that_does_not_answer_sells_nothing(rig: Rig) -> None:
    rig.stuck()
    for chain in (rig.alpha, rig.beta):
        chain.down = NodeError("connection refused")
        refused(rig, NodeError)
        chain.down = None


@pytest.mark.parametrize("question", ["memo_limit", "unit", "balance"])
def test_half_an_answer_sells_nothing(rig: Rig, question: str) -> None:
    rig.stuck()
    rig.alpha.fails[question] = NodeError("hung up")
    refused(rig, NodeError)


# Three accounts, gas, limits


def test_a_payee_that_is_the_clearing_key_is_a_config_error(rig: Rig) -> None:
    rig.stuck()
    assert rig.shop is not None
    rig.shop = replace(rig.shop, payees={"alpha-1": address("clearing", "alpha-1")})
    error = refused(rig, ConfigError)
    assert (error.code, "clearing key and payee" in error.message) == ("shared_account", True)


def test_a_payee_that_is_the_daemons_key_is_a_config_error(rig: Rig) -> None:
    rig.stuck()
    assert rig.shop is not None
    rig.shop = replace(rig.shop, payees={"alpha-1": address("daemon", "alpha-1")})
    assert "daemon key and payee" in refused(rig, ConfigError).message


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_a_clearing_key_that_is_the_daemons_is_a_config_error_on_either_end(rig: Rig, chain: str) -> None:
    rig.stuck()
    rig.relayer.addresses[chain, "clearing"] = address("daemon", chain)
    assert f"clearing key and daemon key on {chain}" in refused(rig, ConfigError).message


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_an_end_without_a_clearing_key_takes_no_money(rig: Rig, chain: str) -> None:
    rig.stuck()
    del rig.clearing_keys[chain]
    assert refused(rig, ConfigError).code == "no_clearing_key"


def test_a_clearing_key_whose_address_is_hidden_proves_nothing(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.addresses["beta-1", "clearing"] = None
    assert refused(rig, ConfigError).code == "clearing_key_hidden"


def test_a_key_without_gas_sells_nothing(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_account("beta-1", address("clearing", "beta-1"), amount=2_499)
    error = refused(rig, RefusedError)
    assert (error.code, "holds 2499ubeta, and this takes 2500ubeta" in error.message) == ("no_gas", True)
    rig.world.set_account("beta-1", address("clearing", "beta-1"), amount=0)
    assert refused(rig, RefusedError).code == "no_gas"


def test_nothing_is_sold_without_a_shop_a_payee_or_a_price(rig: Rig) -> None:
    rig.stuck()
    shop = rig.shop
    assert shop is not None
    rig.shop = None
    with pytest.raises(ConfigError, match="nothing is sold here"):
        sell(rig)
    rig.shop = replace(shop, payees={})
    assert refused(rig, ConfigError).code == "no_payee"
    rig.shop = replace(shop, prices={})
    assert refused(rig, ConfigError).code == "no_price"
    rig.shop = replace(shop, payees={"alpha-1": address("payee", "beta-1")})
    assert refused(rig, ConfigError).code == "bad_payee"
    rig.shop = shop
    assert refused(rig, ConfigError, pay_on="beta-1").code == "no_payee"
    assert refused(rig, UsageError, pay_denom="stakes").message.endswith("did you mean stake?")


def test_another_chain_may_be_paid_on_and_excludes_the_first(rig: Rig) -> None:
    rig.stuck()
    shop = rig.shop
    assert shop is not None
    payees = {**shop.payees, "beta-1": address("payee", "beta-1")}
    prices = {**shop.prices, "beta-1": replace(shop.prices["alpha-1"], chain="beta-1")}
    rig.shop = replace(shop, payees=payees, prices=prices)
    token = sell(rig, pay_on="beta-1").token
    assert (token.place.chain, token.payee) == ("beta-1", payees["beta-1"])
    with pytest.raises(RefusedError, match=token.memo):
        sell(rig)


def test_a_chain_whose_memos_are_too_short_is_not_paid_on(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.state.spec = replace(rig.alpha.state.spec, max_memo_characters=33)
    assert refused(rig, RefusedError).code == "memo_too_long"
    rig.alpha.state.spec = replace(rig.alpha.state.spec, max_memo_characters=34)
    sell(rig)


def test_open_quotes_of_a_wallet_are_limited(rig: Rig, folder: Path) -> None:
    rig.sell(folder, SellRules(max_open_per_wallet=1))
    rig.stuck(count=2, sender=PAYER)
    rig.stuck(sender=address("other", "alpha-1"))
    sell(rig, "1")
    with pytest.raises(RefusedError, match="has 1 open quotes") as caught:
        sell(rig, "2")
    assert caught.value.code == "too_many_open"
    sell(rig, "3")


def test_quotes_within_an_hour_are_limited(rig: Rig, folder: Path) -> None:
    rig.sell(folder, SellRules(max_per_hour=1))
    rig.stuck(count=2)
    sell(rig, "1")
    with pytest.raises(RefusedError, match="within the last hour"):
        sell(rig, "2")
    rig.clock.step(3601)
    sell(rig, "2")


# The same again, and the same packet elsewhere


def test_the_same_again_gives_the_first_while_it_is_open(rig: Rig, folder: Path) -> None:
    rig.stuck(count=2)
    first, again = sell(rig, "1,2"), sell(rig, "1..2")
    assert (again.token, again.document) == (first.token, first.document)
    assert NoteCode.REPEATED in codes(again)
    assert len((folder / "quotes.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "other", [{"sequences": "1,2"}, {"pay_denom": "token"}, {"refund_to": PAYER}, {"expires": 600}]
)
def test_a_packet_in_an_open_token_is_not_sold_on_other_terms(rig: Rig, other: dict[str, Any]) -> None:
    rig.stuck(count=2)
    first = sell(rig)
    with pytest.raises(RefusedError, match=f"is in token {first.token.memo}, which may still be paid") as caught:
        sell(rig, **{"sequences": "1", **other})
    assert caught.value.code == "in_another_token"
    assert f"revoke {first.token.memo}" in (caught.value.hint or "")


def test_an_expired_token_keeps_its_packet_until_its_chain_was_read_past_it(rig: Rig) -> None:
    rig.stuck()
    first = sell(rig, expires=60)
    rig.clock.step(120)
    with pytest.raises(RefusedError, match="hasn't been read past that"):
        sell(rig)
    with rig.journal.database.atomic() as tx:
        token_states.move(tx, first.token.ref.order_id.hex(), "expired", rig.clock.now())
    assert sell(rig).token.memo != first.token.memo


def test_a_revoked_token_gives_its_packet_free(rig: Rig) -> None:
    rig.stuck()
    first = sell(rig)
    with rig.journal.database.atomic() as tx:
        tokens.revoke(tx, first.token.ref.order_id.hex(), "ada", "too cheap", rig.clock.now())
    assert sell(rig).token.memo != first.token.memo


def test_an_idempotency_key_gets_the_same_answer_for_ever(rig: Rig) -> None:
    (key,) = rig.stuck()
    first = sell(rig, idempotency_key="k1", payer=PAYER)
    rig.world.relay(key)
    rig.alpha.down = NodeError("connection refused")
    assert sell(rig, idempotency_key="k1", payer=PAYER) == first


def test_an_idempotency_key_with_other_words_is_refused(rig: Rig) -> None:
    rig.stuck(count=2)
    sell(rig, idempotency_key="k1")
    with pytest.raises(RefusedError, match="used for another request"):
        sell(rig, "2", idempotency_key="k1")


# Addresses, expiry, payer, waivers


@pytest.mark.parametrize("option", ["refund_to", "payer"])
@pytest.mark.parametrize("text", ["", "alpha1x", address("payer", "beta-1"), PAYER.upper(), "\x1b[2J", "https://x"])
def test_an_address_of_another_chain_is_refused(rig: Rig, option: str, text: str) -> None:
    rig.stuck()
    wanted: dict[str, Any] = {option: text}
    assert "is no address of alpha-1" in refused(rig, UsageError, **wanted).message


def test_coins_are_never_refunded_to_ourselves(rig: Rig) -> None:
    rig.stuck()
    for ours in ("payee", "clearing", "daemon"):
        assert "our own" in refused(rig, UsageError, refund_to=address(ours, "alpha-1")).message


def test_an_exchange_needs_an_address_to_refund_to(rig: Rig) -> None:
    rig.stuck()
    assert "--refund-to" in refused(rig, UsageError, from_exchange=True).message
    token = sell(rig, from_exchange=True, refund_to=PAYER).token
    assert (token.from_exchange, token.refund_to) == (True, PAYER)


@pytest.mark.parametrize("seconds", [0, 59, 30 * 86_400 + 1])
def test_a_token_that_nobody_could_pay_in_time_is_refused(rig: Rig, seconds: int) -> None:
    rig.stuck()
    assert "1 minute to 30 days" in refused(rig, UsageError, expires=seconds).message


def test_a_payer_is_told_what_it_lacks(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_account("alpha-1", PAYER, amount=1_000_000)
    check = sell(rig, payer=PAYER).payer
    assert check is not None
    # 1,109,375 to pay and 1,200 for its gas.
    assert check.missing == (Coin("stake", 109_375 + 1_200),)
    rig.world.set_account("alpha-1", PAYER)
    check = sell(rig, payer=PAYER).payer
    assert check is not None
    assert check.missing == ()


def test_a_clearing_for_nothing_has_its_reason_and_counts_against_the_budget(rig: Rig, folder: Path) -> None:
    rig.sell(folder, SellRules(waiver_budget=(Coin("stake", 2_000_000),)))
    rig.stuck(count=3)
    token = sell(rig, "1", waive="our own mistake").token
    assert (token.price, token.quote.waived) == (Coin("stake", 0), "our own mistake")
    assert view_token(rig.desk, token.memo).state is TokenState.PAID
    assert tasks.find(rig.journal.database, paid_task(token.ref.order_id.hex()).key) is not None
    with pytest.raises(RefusedError, match="890625stake of the budget is left") as caught:
        sell(rig, "2", waive="another")
    assert caught.value.code == "waiver_budget"
    rig.clock.step(86_401)
    sell(rig, "2", waive="another")


def test_nothing_is_given_away_without_a_budget_or_a_reason(rig: Rig) -> None:
    rig.stuck()
    assert refused(rig, RefusedError, waive="please").code == "waiver_budget"
    assert "needs a reason" in refused(rig, UsageError, waive="  ").message
