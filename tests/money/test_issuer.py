"""The keys behind quotes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relayclear.money.document import is_fingerprint_of
from relayclear.money.issuer import IssuerKey, KeyState
from relayclear.money.memo import MemoKey
from tests.money.build import KEY, NOW, SIGNING_KEY

ISSUER = IssuerKey(KEY, SIGNING_KEY, NOW)


def test_a_key_says_what_it_is_good_for() -> None:
    assert ISSUER.state is KeyState.CURRENT
    assert replace(ISSUER, rotated_at=NOW).state is KeyState.ROTATED
    assert replace(ISSUER, rotated_at=NOW, revoked_at=NOW).state is KeyState.REVOKED


def test_its_fingerprint_names_its_public_key() -> None:
    assert (ISSUER.kid, len(ISSUER.public_key)) == (7, 32)
    assert is_fingerprint_of(ISSUER.fingerprint, ISSUER.public_key)


@pytest.mark.parametrize(("kid", "size"), [(0, 32), (1, 31), (1, 33)])
def test_a_key_of_another_id_or_size_is_refused(kid: int, size: int) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        IssuerKey(MemoKey(kid, bytes(32)), bytes(size), NOW)


def test_no_secret_is_in_its_repr() -> None:
    assert "sss" not in repr(ISSUER)
    assert "secret" not in repr(ISSUER)
