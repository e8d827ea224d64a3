"""Doctor finds what would keep a person from being called, before the night in which it counts."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from pathlib import Path

import pytest

from relayclear.bootstrap.examination import examined
from relayclear.rehearsal import folder
from relayclear.rehearsal.folder import Listening
from relayclear.rehearsal.staging import ALPHA, BETA
from relayclear.store.db import open_database
from relayclear.usecases.doctor_facts import Finding, Severity

HOOK = "https://hooks.example/T0/s3cr3ts3cr3ts3cr3t"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder in which everything is as it should be, with a good secret and a good program."""
    made = tmp_path / "my relayer"
    nowhere = {spec.chain_id: ["http://127.0.0.1:1"] for spec in (ALPHA, BETA)}
    folder.furnish(made, (ALPHA, BETA), Listening("http://127.0.0.1:1", nowhere), {})
    with open_database(made / "relayclear.db"):
        pass
    secret, program = made / "hook secret", made / "call me"
    secret.touch(0o600)
    secret.write_text("5" * 32, "utf-8")
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    return made


def found(home: Path, check: str = "alerts", **environ: str) -> list[Finding]:
    """What doctor says of calling a person."""
    findings = asyncio.run(examined(None, {**folder.environment(home), **environ}, {}, offline=True))
    return [one for one in findings if one.check == check]


def told(home: Path, *lines: str, **environ: str) -> list[Finding]:
    """The same with this said in the config."""
    config = home / "relayclear.toml"
    config.write_text(config.read_text("utf-8") + "\n[alerts]\n" + "\n".join(lines) + "\n", "utf-8")
    return found(home, **environ)


def signed(home: Path) -> str:
    return f'webhook_secret_file = "{home / "hook secret"}"'


def test_without_a_channel_it_says_that_nobody_is_called(home: Path) -> None:
    (finding,) = found(home)
    assert (finding.severity, finding.finding) == (
        Severity.OK,
        "no webhook, command or systemd is set: alerts are only listed",
    )


def test_channels_that_can_be_used_are_named_without_their_secrets(home: Path) -> None:
    hook, program = told(home, f'webhook = "{HOOK}"', signed(home), f'command = ["{home / "call me"}", "--now"]')
    assert [one.severity for one in (hook, program)] == [Severity.OK, Severity.OK]
    assert "hooks.example" in hook.finding
    assert "s3cr3t" not in hook.finding
    assert str(home / "call me") in program.finding


def test_a_webhook_over_a_line_that_anybody_can_read_is_told(home: Path) -> None:
    (finding,) = told(home, 'webhook = "http://hooks.example/x"', signed(home))
    assert finding.severity is Severity.WARN
    assert "unencrypted" in finding.finding


@pytest.mark.parametrize("host", ["127.0.0.1:9", "[::1]:9", "localhost"])
def test_a_webhook_on_this_machine_needs_no_encryption(home: Path, host: str) -> None:
    (finding,) = told(home, f'webhook = "http://{host}/x"', signed(home))
    assert finding.severity is Severity.OK


def test_a_webhook_without_a_secret_fails(home: Path) -> None:
    (finding,) = told(home, f'webhook = "{HOOK}"')
    assert finding.severity is Severity.FAIL
    assert "no secret to sign with" in finding.finding
    assert "webhook_secret_file" in (finding.next or "")


def test_a_secret_that_others_may_read_fails_with_the_command_that_shuts_it(home: Path) -> None:
    (home / "hook secret").chmod(0o640)
    (finding,) = told(home, f'webhook = "{HOOK}"', signed(home))
    assert finding.severity is Severity.FAIL
    subprocess.run(shlex.split(finding.next or ""), check=True)
    assert found(home)[0].severity is Severity.OK


def test_a_secret_that_systemd_keeps_is_found_where_it_keeps_it(home: Path, tmp_path: Path) -> None:
    (tmp_path / "relayclear-webhook-secret").write_text("5" * 32, "utf-8")
    (finding,) = told(home, f'webhook = "{HOOK}"', CREDENTIALS_DIRECTORY=str(tmp_path))
    assert finding.severity is Severity.OK


def test_an_address_that_is_none_is_told_of_the_config(home: Path) -> None:
    told(home, 'webhook = "hooks.example/x"')
    assert any("alerts.webhook" in one.finding for one in found(home, "config"))


@pytest.mark.parametrize("name", ["no such program", "hook secret", "."])
def test_a_command_that_cannot_be_started_fails(home: Path, name: str) -> None:
    (finding,) = told(home, f'command = ["{home / name}"]')
    assert finding.severity is Severity.FAIL
    assert str(home / name) in finding.finding
    assert finding.next


def test_a_command_without_a_folder_is_looked_for_where_the_daemon_would_look(home: Path) -> None:
    (finding,) = told(home, 'command = ["call me"]')
    assert finding.severity is Severity.FAIL
    (finding,) = found(home, PATH=str(home))
    assert finding.severity is Severity.OK


def test_a_command_that_others_can_change_is_told(home: Path) -> None:
    (home / "call me").chmod(0o777)
    told(home, f'command = ["{home / "call me"}"]')
    (finding,) = found(home, "permissions")
    assert finding.finding == f"others may write {home / 'call me'}"
