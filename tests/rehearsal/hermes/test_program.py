"""The program as a process: exit codes, streams, start-up time, and the faults that a control port sets."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from relayclear.rehearsal.hermes import faults
from tests.rehearsal.hermes.playing import Playground

ROOT = Path(__file__).parents[3]
PROGRAM = (sys.executable, "-m", "relayclear.rehearsal.hermes")


def environment(control: str = "", **more: str) -> dict[str, str]:
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", **more}
    return {**known, "RELAYCLEAR_REHEARSAL_CONTROL": control} if control else known


def run(*words: str, control: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        env=environment(control, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        errors="replace",
    )


@contextmanager
def controlled(**told: Any) -> Iterator[str]:
    """A control port that tells these faults."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told).encode() if self.path == "/relayer/faults" else b"{}"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def config(ground: Playground) -> Path:
    """A config whose nodes nobody serves."""
    for table in ground.tables["chains"]:
        table["rpc_addr"] = "http://127.0.0.1:1"
    path = ground.folder / "config.toml"
    path.write_text(tomli_w.dumps(ground.tables), encoding="utf-8")
    return path


def test_the_version_is_plain_text_with_the_log_beside_it() -> None:
    done = run("version")
    assert (done.returncode, done.stdout) == (0, "hermes 1.10.5\n")
    assert done.stderr.endswith(" INFO ThreadId(01) running Hermes v1.10.5\n")
    assert run("--version").stdout == "hermes 1.10.5\n"
    log, version = run("--json", "version").stdout.splitlines()
    assert json.loads(log)["fields"] == {"message": "running Hermes v1.10.5"}
    assert version == "hermes 1.10.5"


def test_the_version_loads_neither_protobufs_nor_cryptography_nor_http() -> None:
    code = (
        "import runpy, sys\nsys.argv = ['hermes', 'version']\n"
        "try: runpy.run_module('relayclear.rehearsal.hermes', run_name='__main__')\nexcept SystemExit: pass\n"
        "print({'google', 'cosmpy', 'cryptography', 'http.client'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_bad_config_is_two_lines_of_complaint_and_nothing_else(config: Path) -> None:
    config.write_text("foo = 1\n", encoding="utf-8")
    done = run("--config", str(config), "--json", "config", "validate")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 2)
    assert done.stderr.startswith(f"The Hermes configuration file at path '{config}' is invalid, reason: parse error: ")
    assert run("--config", str(config), "version").returncode == 0


def test_a_config_that_makes_no_sense_is_fatal(config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("beta-1", "alpha-1"), encoding="utf-8")
    done = run("--config", str(config), "--json", "config", "validate")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: hermes fatal error: config error: config file has duplicate entry")


def test_a_valid_an_empty_and_a_missing_config_are_told_apart(config: Path) -> None:
    assert run("--config", str(config), "config", "validate").stdout == "SUCCESS configuration is valid\n"
    missing = run("--json", "config", "validate")
    assert missing.returncode == 1
    assert json.loads(missing.stdout.splitlines()[-1])["result"] == "no configuration file found"
    config.write_text("", encoding="utf-8")
    assert run("--config", str(config), "config", "validate").stdout == "ERROR the configuration file is empty\n"


def test_usage_errors_are_two_and_on_standard_error() -> None:
    done = run("clear", "packets", "--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: Found argument '--nonsense'")


def test_help_is_on_standard_output() -> None:
    assert run().stdout.startswith("hermes 1.10.5\n")
    assert run("clear", "packets", "--help").returncode == 0


def test_a_refused_connection_is_told_as_hermes_tells_it(config: Path) -> None:
    done = run("--config", str(config), "--json", "keys", "balance", "--chain", "alpha-1")
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    assert done.returncode == 1
    assert "HTTP error: error sending request for url (http://127.0.0.1:1/): error trying to connect" in result


def test_a_quiet_level_hides_the_log_and_rust_log_brings_it_back(config: Path) -> None:
    tables = config.read_text(encoding="utf-8") + '\n[global]\nlog_level = "error"\n'
    config.write_text(tables, encoding="utf-8")
    words = ("--config", str(config), "--json", "config", "validate")
    assert len(run(*words).stdout.splitlines()) == 1
    assert len(run(*words, RUST_LOG="ibc_relayer=debug,error").stdout.splitlines()) == 2


def test_it_says_another_version_when_it_was_told_so() -> None:
    with controlled(version="1.8.1", unknown=1) as control:
        assert run("version", control=control).stdout == "hermes 1.8.1\n"


def test_it_prints_garbage_when_it_was_told_so(config: Path) -> None:
    with controlled(garbage=True) as control:
        done = run("--config", str(config), "--json", "config", "validate", control=control)
    assert done.returncode == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.stdout.splitlines()[-1])


def test_it_hangs_until_it_is_ended_when_it_was_told_so(config: Path) -> None:
    words = ("--config", str(config), "--json", "config", "validate")
    with controlled(hang=True) as control:
        process = subprocess.Popen([*PROGRAM, *words], env=environment(control), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout:
            assert "running Hermes" in process.stdout.readline()
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == -signal.SIGTERM


def test_without_an_answer_from_the_control_port_nothing_fails() -> None:
    assert run("version", control="http://127.0.0.1:1").stdout == "hermes 1.10.5\n"


def test_faults_that_are_no_object_are_none() -> None:
    with controlled() as control:
        assert faults.ask(control) == faults.ask("http://127.0.0.1:1")
