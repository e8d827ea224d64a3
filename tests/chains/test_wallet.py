"""Signing: the bytes of other wallets and of chains themselves, from published vectors (`wallet_vectors.json`)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cosmpy.mnemonic.words import ENGLISH_MNEMONIC_WORDS_LIST
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer

from relayclear.chains.wallet.keys import public_key_of, sign
from relayclear.chains.wallet.mnemonic import derive, read_path, read_phrase, secret_of, usual_path
from relayclear.chains.wallet.transactions import signed_tx, unsigned_tx
from relayclear.errors import UsageError
from relayclear.ibc.accounts import AccountKind, AccountType
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.signing import address_of
from relayclear.ibc.spending import BankSend, Draft, IbcSend

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("wallet_vectors.json").read_text(encoding="utf-8"))
COSMOS = AccountType("cosmos", AccountKind.SECP256K1, "/cosmos.crypto.secp256k1.PubKey")
SENDS = VECTORS["sends"]
AT = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


def bank_draft(vector: dict[str, Any], sequence: int) -> Draft:
    sending = BankSend(vector["to"], Coin.parse(vector["coin"]))
    place = (vector["chain"], vector["address"], vector["number"], sequence)
    return Draft(*place, sending, Coin.parse(vector["fee"]), vector["gas"], "", 0)


def document_of(raw: bytes, vector: dict[str, Any]) -> bytes:
    """What was signed under somebody's transaction."""
    whole = tx_pb2.TxRaw.FromString(raw)
    made = tx_pb2.SignDoc(
        body_bytes=whole.body_bytes,
        auth_info_bytes=whole.auth_info_bytes,
        chain_id=vector["chain"],
        account_number=vector["number"],
    )
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("sequence", [0, 1, 2])
def test_a_send_has_other_bytes_than_the_sdk_and_cosmjs_give_it(sequence: int) -> None:
    secret = secret_of(SENDS["mnemonic"], usual_path(AccountKind.SECP256K1))
    signed = signed_tx(bank_draft(SENDS, sequence), secret, COSMOS)
    assert signed.raw.hex() == SENDS["signed"][sequence]
    assert signed.hash == sha256(signed.raw).hexdigest().upper()


def test_a_send_has_other_bytes_than_trust_wallet_gives_it() -> None:
    vector = VECTORS["send_of_a_secret"]
    signed = signed_tx(bank_draft(vector, vector["sequence"]), bytes.fromhex(vector["secret"]), COSMOS)
    assert signed.raw.hex() == vector["signed"]


def test_a_transfer_has_other_bytes_than_one_that_stands_on_the_hub() -> None:
    vector = VECTORS["transfer"]
    secret, raw = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["signed"])
    over = ChannelEnd(vector["chain"], "transfer", vector["channel"])
    sending = IbcSend(over, vector["to"], Coin.parse(vector["coin"]), AT)
    draft = replace(bank_draft(vector, vector["sequence"]), sending=sending)
    theirs, ours = tx_pb2.TxRaw.FromString(raw), tx_pb2.TxRaw.FromString(signed_tx(draft, secret, COSMOS).raw)
    # The only difference is how the packet times out.
    body = tx_pb2.TxBody.FromString(ours.body_bytes)
    message = transfer.MsgTransfer.FromString(body.messages[0].value)
    assert message.timeout_timestamp == int(AT.replace(microsecond=0).timestamp()) * 10**9 + 123_456_000
    message.timeout_timestamp = 0
    message.timeout_height.revision_number, message.timeout_height.revision_height = vector["timeout_height"]
    body.messages[0].value = message.SerializeToString()
    assert body.SerializeToString() == theirs.body_bytes
    assert ours.auth_info_bytes == theirs.auth_info_bytes
    assert sign(secret, document_of(raw, vector), AccountKind.SECP256K1) == theirs.signatures[0]


def test_an_ethereum_key_signs_otherwise_than_one_that_stands_on_injective() -> None:
    vector = VECTORS["eth_send"]
    secret, raw = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["signed"])
    account = AccountType("inj", AccountKind.ETH_SECP256K1, vector["pub_key_type"])
    assert address_of(public_key_of(secret), account.kind, account.prefix) == vector["address"]
    theirs = tx_pb2.TxRaw.FromString(raw)
    assert sign(secret, document_of(raw, vector), account.kind) == theirs.signatures[0]
    ours = tx_pb2.TxRaw.FromString(signed_tx(bank_draft(vector, 1), secret, account).raw)
    assert ours.body_bytes == theirs.body_bytes
    info, other = (tx_pb2.AuthInfo.FromString(one.auth_info_bytes) for one in (ours, theirs))
    assert info.fee == other.fee
    assert info.signer_infos[0].public_key.type_url == other.signer_infos[0].public_key.type_url
    # Theirs is the whole point, ours its compressed form: the x of both.
    assert info.signer_infos[0].public_key.value[3:] == other.signer_infos[0].public_key.value[3:35]


def test_the_same_draft_gives_two_different_transactions() -> None:
    secret = bytes.fromhex(VECTORS["transfer"]["secret"])
    drafts = [bank_draft(SENDS, 1)] * 5
    assert len({signed_tx(draft, secret, COSMOS) for draft in drafts}) == 1


def test_memo_timeout_and_granter_get_lost() -> None:
    draft = replace(bank_draft(SENDS, 7), memo="rc1r:1 late", timeout_height=99, granter="cosmos1granter")
    whole = tx_pb2.TxRaw.FromString(unsigned_tx(draft))
    body, info = tx_pb2.TxBody.FromString(whole.body_bytes), tx_pb2.AuthInfo.FromString(whole.auth_info_bytes)
    assert (body.memo, body.timeout_height, info.fee.granter) == ("rc1r:1 late", 99, "cosmos1granter")
    sending = IbcSend(ChannelEnd("simd-testing", "transfer", "channel-0"), "osmo1x", Coin("ucosm", 1), AT)
    body = tx_pb2.TxBody.FromString(tx_pb2.TxRaw.FromString(unsigned_tx(replace(draft, sending=sending))).body_bytes)
    message = transfer.MsgTransfer.FromString(body.messages[0].value)
    assert (message.memo, message.HasField("timeout_height")) == ("rc1r:1 late", False)


def test_an_unsigned_transaction_names_a_key_or_a_signature() -> None:
    whole = tx_pb2.TxRaw.FromString(unsigned_tx(replace(bank_draft(SENDS, 3), fee=Coin("ucosm", 0))))
    info = tx_pb2.AuthInfo.FromString(whole.auth_info_bytes)
    assert [*whole.signatures] == [b""]
    assert [(one.HasField("public_key"), one.sequence) for one in info.signer_infos] == [(False, 3)]
    assert [*info.fee.amount] == []


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\xff" * 32, bytes(31) + b"\1\1"])
def test_a_number_off_the_curve_is_taken_for_a_key(secret: bytes) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|private_value|scalar|Invalid|range"):
        public_key_of(secret)


# Mnemonics


@pytest.mark.parametrize(("phrase", "kind", "path", "prefix", "address"), VECTORS["accounts"]["of"])
def test_a_mnemonic_leads_to_another_account_than_in_other_wallets(
    phrase: str, kind: str, path: str, prefix: str, address: str
) -> None:
    secret = secret_of(phrase, path)
    assert address_of(public_key_of(secret), AccountKind(kind), prefix) == address


def test_the_usual_paths_are_not_those_of_hermes() -> None:
    assert usual_path(AccountKind.SECP256K1) == "m/44'/118'/0'/0/0"
    assert usual_path(AccountKind.ETH_SECP256K1) == "m/44'/60'/0'/0/0"


@pytest.mark.parametrize(("seed", "path", "secret"), VECTORS["derivations"]["of"])
def test_a_derivation_leaves_bip_32(seed: str, path: str, secret: str) -> None:
    assert derive(bytes.fromhex(seed), read_path(path)).hex() == secret


def test_the_word_list_is_not_that_of_bip_39() -> None:
    # The file bip-0039/english.txt of github.com/bitcoin/bips.
    text = "".join(f"{word}\n" for word in ENGLISH_MNEMONIC_WORDS_LIST)
    assert sha256(text.encode()).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"


@pytest.mark.parametrize("phrase", VECTORS["phrases"]["of"])
def test_a_right_phrase_is_refused_or_a_wrong_one_taken(phrase: str) -> None:
    words = phrase.split()
    assert read_phrase(f"  {phrase.upper()}\n") == words
    with pytest.raises(UsageError, match="checksum"):
        read_phrase(" ".join([*words[:-1], "zoo" if words[-1] != "zoo" else "able"]))


def test_a_bad_word_is_told() -> None:
    words = VECTORS["phrases"]["of"][1].split()
    words[4] = "hunter2"
    with pytest.raises(UsageError, match="word 5 of the mnemonic") as caught:
        read_phrase(" ".join(words))
    assert "hunter2" not in f"{caught.value!r} {caught.value.hint} {caught.value.__context__!r}"


@pytest.mark.parametrize("phrase", ["", "abandon", " ".join(["abandon"] * 13)])
def test_a_phrase_of_another_length_is_taken(phrase: str) -> None:
    with pytest.raises(UsageError, match="12, 15, 18, 21 or 24 words"):
        read_phrase(phrase)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "m",
        "m/",
        "44'/118'",
        "m/44'/118'/0'/0/x",
        "m/2147483648",
        "m/-1",
        "m/4\N{ARABIC-INDIC DIGIT ONE}",
        "m/1h",
        "m/1''",
    ],
)
def test_a_path_that_is_none_is_taken(path: str) -> None:
    with pytest.raises(UsageError, match="no derivation path"):
        read_path(path)


def test_a_time_before_1970_or_with_a_fraction_is_rounded() -> None:
    sending = IbcSend(ChannelEnd("c", "transfer", "channel-0"), "osmo1x", Coin("ucosm", 1), AT + timedelta(days=36500))
    draft = replace(bank_draft(SENDS, 1), sending=sending)
    body = tx_pb2.TxBody.FromString(tx_pb2.TxRaw.FromString(unsigned_tx(draft)).body_bytes)
    found = transfer.MsgTransfer.FromString(body.messages[0].value).timeout_timestamp
    assert found % 10**9 == 123_456_000
