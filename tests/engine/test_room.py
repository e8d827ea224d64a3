"""The engine stays small, and knows nothing of what its tasks are about."""

from __future__ import annotations

import re
from pathlib import Path

import relayclear.engine

FILES = sorted(Path(relayclear.engine.__file__).parent.glob("*.py"))
DOMAIN = re.compile(
    r"\b(acknowledg\w*|chains?|channels?|clear\w*|coins?|hermes|money|operations?|packets?|pay\w*|refunds?|relay\w*"
    r"|tokens?|wallets?)\b",
    re.IGNORECASE,
)


def test_the_room_is_no_longer_than_250_lines() -> None:
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES) <= 250


def test_no_word_of_the_domain_stands_in_it() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    own = re.sub(
        r"from relayclear\.[a-z.]+ import|RelayclearError|from secrets import token_hex|token_hex\(8\)", "", text
    )
    assert DOMAIN.findall(own.replace("wake.clear()", "")) == []
