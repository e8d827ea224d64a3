"""The process behind `relayclear demo`: a folder that is ours, a world served out of it, and nothing left behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relayclear.cli.output import say
from relayclear.errors import HeldError, RelayclearError, UsageError

PREFIX = "relayclear-demo-"
VERSION = 1
_MARK = "demo.json"
_STATE = "world.json"
_LOG = "world.log"
# The world is there in a fraction of a second; a machine that is busy may take its time.
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
# A clear that is told to end waits for its Hermes and looks at the packets before it goes.
_CHILD_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """A world that runs: its folder, and what its process wrote about itself."""

    folder: Path
    state: dict[str, Any]
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait until somebody presses Ctrl-C.  Raises RelayclearError when the world ends by itself."""
        self.process.wait()
        raise RelayclearError(
            f"the demo's network ended: {_last_words(self.folder)}", hint="relayclear demo --serve starts a new one"
        )

    def relayclear(self, argv: Sequence[str], *, capture: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run a command line of relayclear on it, in a process that sees nothing of this shell's settings.

        Told to end meanwhile, we end it first: it ends its Hermes and looks at the packets, and then we go.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCLEAR_")}
        pipe = subprocess.PIPE if capture else None
        # A group of its own: Ctrl-C is for us alone, and the child hears of it once.
        child = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "relayclear", *argv],
            env={**kept, **self.environment, "TMPDIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            process_group=0,
        )
        try:
            out, err = child.communicate()
        except BaseException:
            _end_child(child)
            raise
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point relayclear at it."""
        return {str(name): str(value) for name, value in self.state["environment"].items()}


@contextmanager
def running(folder: Path | None, *, scale: bool, port: int = 0) -> Iterator[DemoWorld]:
    """Serve a world while the block runs: out of a folder that stays, or a temporary one that goes with it.

    `port` is the first of the wanted ports, 0 for any; one that is taken is said, with the one in its place.
    Raises UsageError for a folder that isn't a demo's or is an older version's, HeldError for one in use.
    """
    swept = _sweep()
    if swept:
        say(f"removed what {swept} killed demo{'s' if swept > 1 else ''} had left")
    with _terminable():
        chosen = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix=PREFIX))
        with _claimed(chosen):
            try:
                with _served(chosen, scale=scale, port=port) as world:
                    yield world
            finally:
                if folder is None:
                    shutil.rmtree(chosen, ignore_errors=True)


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Hold a folder's mark.  The lock goes with this process, however it ends; the file stays."""
    file = folder / _MARK
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="relayclear demo --dir DIR, with one that doesn't exist yet")
    if folder.is_dir() and not file.is_file() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not a demo's folder, and not empty", hint="name one that doesn't exist yet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(
            f"{folder} can't be used: {error.strerror}",
            hint="relayclear demo --dir DIR, with one that doesn't exist yet",
        ) from error
    try:
        if not _locked(descriptor):
            raise HeldError(f"a demo already runs in {folder}", hint="end it with Ctrl-C, or name another folder")
        made = _version(os.pread(descriptor, 4096, 0))
        if made not in {None, VERSION}:
            raise UsageError(
                f"{folder} was made by version {made} of the demo, and this is {VERSION}",
                hint=f"remove it, or name another folder: relayclear demo --dir {folder}-{VERSION}",
            )
        os.pwrite(descriptor, json.dumps({"version": VERSION}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _version(content: bytes) -> int | None:
    """The version a mark names, 0 for one that can't be read, None for a new folder."""
    if not content:
        return None
    try:
        return int(json.loads(content)["version"])
    except (ValueError, KeyError, TypeError):
        return 0


def _sweep() -> int:
    """Remove the temporary folders of demos that were killed; their worlds ended when their parent did."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder / _MARK, os.O_RDWR)
            try:
                ours = os.fstat(descriptor).st_uid == os.getuid()
                if ours and _locked(descriptor):
                    shutil.rmtree(folder)
                    swept += 1
            finally:
                os.close(descriptor)
    return swept


@contextmanager
def _served(folder: Path, *, scale: bool, port: int) -> Iterator[DemoWorld]:
    (folder / _STATE).unlink(missing_ok=True)
    _put_aside(folder / "relayclear.db")
    with suppress(FileNotFoundError):
        (folder / "signing" / "wallet.json").replace(folder / "previous-wallet.json")
    argv = [sys.executable, "-m", "relayclear.rehearsal", "--dir", str(folder), "--parent-pipe", "--port", str(port)]
    # A session of its own: Ctrl-C is for us, and the world ends when its pipe does, even if we are killed.
    with (folder / _LOG).open("wb") as log:
        world = subprocess.Popen(  # noqa: S603  our own program
            [*argv, *(["--scale"] if scale else [])],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        state = _wait(folder, world)
        for note in state["notes"]:
            say(note)
        yield DemoWorld(folder, state, world)
    finally:
        _end(world)


def _put_aside(database: Path) -> None:
    """A new world knows nothing of what relayclear remembers of the last one: its memory is kept, not used."""
    for file in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        if file.exists():
            file.replace(file.with_name("previous-" + file.name))


def _wait(folder: Path, world: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        # Written in one piece when everything listens.
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            return found
        if world.poll() is not None:
            break
        time.sleep(0.01)
    raise RelayclearError(
        f"the demo's network did not start: {_last_words(folder)}", hint="relayclear demo --dir DIR, in an empty folder"
    )


def _last_words(folder: Path) -> str:
    said = (folder / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return said[-1] if said else "it said nothing"


def _end_child(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        child.send_signal(number)
        # Who presses Ctrl-C again doesn't want to wait as long.
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.communicate(timeout=_CHILD_SECONDS)
            return


def _end(world: subprocess.Popen[bytes]) -> None:
    if world.stdin is not None:
        world.stdin.close()
    try:
        world.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        world.kill()
        world.wait()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a terminal that closes end things alike: with everything cleaned up.

    A shell without job control starts what is to run in the background with SIGINT ignored: `kill -INT`
    has to end that too.  SIGHUP stays ignored where it is (nohup).
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
