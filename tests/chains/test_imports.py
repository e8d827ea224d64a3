"""What a listing loads: no more than it needs, because every process pays for it."""

from __future__ import annotations

import subprocess
import sys


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_package_alone_loads_neither_http_nor_protobufs() -> None:
    assert not {"httpx", "httpcore", "cosmpy", "google.protobuf"} & loaded_by("import relayclear.chains")


def test_a_listing_loads_no_transactions_no_grpc_and_no_command_line_of_a_library() -> None:
    modules = loaded_by("import relayclear.chains.chain")
    assert {"httpx", "google.protobuf"} <= modules
    assert not {"rich", "click", "pygments", "grpc", "requests", "cosmpy.aerial"} & modules
    assert not {"relayclear.chains.wire_tx", "relayclear.chains.wire_cosmos", "cosmpy.protos.cosmos.tx"} & modules
    assert not [name for name in modules if name.endswith("_pb2_grpc")]


def test_httpx_still_works_without_its_command_line() -> None:
    assert "httpx" in loaded_by("import relayclear.chains, httpx\nhttpx.Client().close()")
