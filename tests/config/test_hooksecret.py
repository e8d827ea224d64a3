"""The webhook's secret: from a private file or a credential, never weak, never from where others read."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.config.hooksecret import CREDENTIAL, hook_secret
from relayclear.errors import ConfigError

GOOD = b"0123456789abcdef0123456789abcdef"


def written(path: Path, content: bytes = GOOD + b"\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_private_file_holds_it(tmp_path: Path) -> None:
    assert hook_secret(written(tmp_path / "secret"), None) == GOOD


def test_a_credential_stands_in_for_a_file_whatever_its_mode(tmp_path: Path) -> None:
    written(tmp_path / CREDENTIAL, mode=0o444)
    assert hook_secret(None, tmp_path) == GOOD
    assert hook_secret(tmp_path / CREDENTIAL, tmp_path) == GOOD


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="others may read") as caught:
        hook_secret(written(tmp_path / "secret", mode=mode), None)
    assert caught.value.hint
    assert GOOD.decode() not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"short", b"  \n", b"x" * 5000])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="expected 16 to 4096"):
        hook_secret(written(tmp_path / "secret", content), None)


def test_without_one_nothing_is_sent_unsigned(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no secret to sign with"):
        hook_secret(None, tmp_path)
    with pytest.raises(ConfigError, match="no secret to sign with"):
        hook_secret(None, None)
    with pytest.raises(ConfigError, match="can't be used"):
        hook_secret(tmp_path / "nowhere", None)
    with pytest.raises(ConfigError, match="can't be used"):
        hook_secret(tmp_path / "nowhere", tmp_path)
