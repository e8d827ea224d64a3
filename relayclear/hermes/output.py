"""What Hermes prints with ``--json``: log lines and, last, one result, all on standard output.

Nothing here is proof: Hermes says success when every phase failed, and only the log tells why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from relayclear.ibc.text import clean, clean_lines

KEPT = 64 * 1024
# A result holds the data of every packet in hex: a hundred memos of 32 KiB are 6.4 MB.
LONGEST_LINE = 32 * 1024 * 1024
MOST_COMPLAINTS = 50
COMPLAINT_LENGTH = 500


class Lines:
    """Cuts a stream of chunks into lines; one beyond `LONGEST_LINE` is dropped and counted."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        *ends, rest = chunk.split(b"\n")
        lines = [line for end in ends if (line := self._finish(end)) is not None]
        self._keep(rest)
        return lines

    def close(self) -> list[bytes]:
        """What stands after the last line break."""
        line = self._finish(b"")
        return [line] if line else []

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > LONGEST_LINE:
            self._parts = []
        else:
            self._parts.append(part)

    def _finish(self, end: bytes) -> bytes | None:
        self._keep(end)
        line = b"".join(self._parts) if self._size <= LONGEST_LINE else None
        self.dropped += line is None
        self._parts, self._size = [], 0
        return line


class Transcript:
    """Reads a run's output as it comes, in bounded memory: the result, the complaints, the tail.

    `on_message` hears the message of every log line.  `hide` takes secrets out of whatever is kept to be shown.
    """

    def __init__(
        self, on_message: Callable[[str], None] = lambda _: None, hide: Callable[[str], str] = lambda text: text
    ) -> None:
        self._on_message = on_message
        self._hide = hide
        self._lines = Lines()
        self._out, self._err = bytearray(), bytearray()
        self._complaints: deque[str] = deque(maxlen=MOST_COMPLAINTS)
        self.status: str | None = None
        self.result: Any = None

    def feed_stdout(self, chunk: bytes) -> None:
        """Take a chunk of standard output."""
        _append(self._out, chunk)
        for line in self._lines.feed(chunk):
            self._read(line)

    def feed_stderr(self, chunk: bytes) -> None:
        """Take a chunk of standard error: panics, and errors from before the log was set up."""
        _append(self._err, chunk)

    def close(self) -> None:
        """Take the end of the output: what stands on a last line without a line break counts too."""
        for line in self._lines.close():
            self._read(line)
        if self._lines.dropped:
            self.complain(f"lines of Hermes' output that were too long to be read: {self._lines.dropped}")

    def complain(self, text: str) -> None:
        """Add a complaint on one line, cleaned and cut, without the place in Hermes' source that raised it."""
        text = text.partition("\n\nLocation:\n")[0]
        # Hidden before it is cut: half a secret would be found by nobody.
        self._complaints.append(clean(self._hide(" ".join(text.split())), COMPLAINT_LENGTH))

    @property
    def complaints(self) -> tuple[str, ...]:
        """Warnings and errors of the log, newest last."""
        return tuple(self._complaints)

    @property
    def output(self) -> str:
        """The tail of all output, cleaned: standard output, then standard error."""
        parts = (clean_lines(self._hide(_whole_lines(part))) for part in (self._out, self._err))
        return "\n".join(part for part in parts if part)[-KEPT:]

    @property
    def error_text(self) -> str:
        """The last words on standard error on one line, empty when it was silent."""
        return clean(self._hide(" ".join(_whole_lines(self._err).split())))[-COMPLAINT_LENGTH:]

    def _read(self, line: bytes) -> None:
        # Most of a long log is neither: don't parse it twice, don't stumble over garbage.
        if not line.lstrip().startswith(b"{"):
            return
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if "status" in record and "result" in record:
            self.status, self.result = str(record["status"]), record["result"]
            if self.status != "success":
                self.complain(str(self.result))
            return
        message = _message(record)
        self._on_message(message)
        # No set: a level may be anything, also what no set can hold.
        if record.get("level") in ("ERROR", "WARN"):
            self.complain(message)


def _message(record: Mapping[str, Any]) -> str:
    fields = record.get("fields")
    message = fields.get("message") if isinstance(fields, dict) else None
    return str(message if message is not None else record)


def _whole_lines(tail: bytearray) -> str:
    """The text of a tail.  Where its beginning was cut off, the line that the cut went through is left out.

    A URL cut behind its scheme is no longer known as one, and would show its password.
    """
    text = bytes(tail).decode("utf-8", "replace")
    return text.partition("\n")[2] if len(tail) == KEPT and "\n" in text else text


def _append(tail: bytearray, chunk: bytes) -> None:
    tail += chunk
    del tail[:-KEPT]
