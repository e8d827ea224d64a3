"""The error tree: what went wrong, what to try, and whether trying again can help.

Every error that a user can meet is a `RelayclearError`.  `code` is a stable word for programs
(the `error.code` of `--json`), `message` one sentence for people, `hint` one command or step: the
`try:` line.  A branch that has a `usual` step may be raised without one of its own; the others may
not, which a test holds every line of this program to.
Which exit code a branch of the tree gets is decided by the command line, not here.
"""

from __future__ import annotations


class RelayclearError(Exception):
    """Something that can be said in one sentence, with a next step."""

    code = "failed"
    usual = ""
    retryable = False

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        """Keep the sentence, the hint, and a code finer than the branch's own when given."""
        super().__init__(message)
        self.message = message
        self.hint = hint or self.usual
        if code is not None:
            self.code = code


class UsageError(RelayclearError):
    """The command line asks for something that can't be: an unknown channel, a bad range."""

    code = "usage"


class ConfigError(RelayclearError):
    """A config file is missing, unreadable or says something that can't be."""

    code = "config"


class UnreachableError(RelayclearError):
    """A chain, Hermes or the database gave no usable answer; the truth is unknown."""

    code = "unreachable"
    retryable = True


class NodeError(UnreachableError):
    """A node refused, hung, or answered something that is not an answer."""

    code = "node_unreachable"
    usual = "relayclear doctor tells which node answers"


class HeightError(UnreachableError):
    """The node can't serve the height asked for: pruned, in the future, or fallen back."""

    code = "height_unavailable"
    usual = "add an endpoint that keeps old blocks to [chains] rpc"


class IndexerError(UnreachableError):
    """The node can't search transactions: indexing is off, or its index lost them."""

    code = "indexer_off"
    usual = "add an endpoint whose node has its indexer on to [chains] rpc"
    retryable = False


class NotFoundError(RelayclearError):
    """The chain answered, and its answer is that the thing does not exist."""

    code = "not_found"
    usual = "check the name and the chain, then: relayclear doctor"


class HermesError(UnreachableError):
    """Hermes is missing, can't be started, or ended in a way that says nothing."""

    code = "hermes_unusable"
    usual = "relayclear doctor runs Hermes, and shows what it answers"


class AlertError(UnreachableError):
    """Whoever should be called can't be, or didn't take the call."""

    code = "alert_not_delivered"


class StoreError(UnreachableError):
    """The database can't be opened, is damaged, or is of a newer version than this program."""

    code = "store_unusable"
    usual = "relayclear db check"


class RefusedError(RelayclearError):
    """A limit, a rule or a missing key says no; nothing was started."""

    code = "refused"


class OpenBreakerError(RefusedError):
    """What it needs is left alone for a while: nothing was started, and it may be asked again then."""

    code = "breaker_open"
    retryable = True


class HeldError(RelayclearError):
    """Somebody else holds the work right now."""

    code = "held"
    retryable = True
