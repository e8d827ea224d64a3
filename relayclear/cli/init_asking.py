"""The three questions of `init`, each put only where no flag has answered it; a wrong answer is asked again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeVar

from relayclear.cli.asking import agreed, typed
from relayclear.cli.init_answers import by_chain, read_coin
from relayclear.cli.init_pages import KEY
from relayclear.cli.lines import say_filled
from relayclear.cli.output import say
from relayclear.errors import UsageError
from relayclear.ibc.nearest import nearest_of
from relayclear.usecases.doctor_commands import SUGGESTED_KEY

if TYPE_CHECKING:
    from relayclear.ibc.coin import Coin
    from relayclear.usecases.starting import Answers, KnownChain

T = TypeVar("T")
DenomsOf = Callable[[Mapping[str, str]], Mapping[str, Collection[str]]]
SERVICE_FEE, PACKET_FEE, CAP = 1_000_000, 100_000, 5_000_000


def ask(answers: Answers, known: Mapping[str, KnownChain], denoms_of: DenomsOf) -> None:
    """Fill in what nobody has said.  Raises typer.Abort on Ctrl-C: nothing is written then.

    `denoms_of` tells which denoms are known on the chains of payees.
    """
    if answers.payees is None:
        answers.payees = _payees(known)
    denoms = denoms_of(answers.payees)
    for chain in answers.payees:
        if chain in known:
            _fees(answers, known[chain], denoms.get(chain, ()))
    if answers.payees and answers.mode is None:
        _refunds(answers)
    name = answers.clearing_key or SUGGESTED_KEY
    missing = [chain.chain for chain in known.values() if name not in chain.keys]
    if missing and not answers.make_keys:
        say("")
        say_filled(KEY, "")
        answers.make_keys = agreed(f"Make key {name!r} for {', '.join(missing)} now?")


def _payees(known: Mapping[str, KnownChain]) -> dict[str, str]:
    """Chain by chain until an empty line; all at once would be a page of questions for whoever relays thirty."""
    from relayclear.usecases.starting import check_payee

    say("")
    say_filled(
        "Where does money go?  An account on a chain where you take payments; it pays refunds too, so nothing else may"
        " sign with it.  Enter alone: no (more) payments, relayclear looks and clears.",
        "1. ",
    )
    found: dict[str, str] = {}

    def read(text: str) -> None:
        """One answer, or several with spaces between."""
        for chain, address in by_chain("--payee", text.split()).items():
            check_payee(known, chain, address)
            found[chain] = address

    while text := typed("   CHAIN=ADDRESS"):
        _tried(lambda text=text: read(text))  # type: ignore[misc]
    return found


def _fees(answers: Answers, chain: KnownChain, denoms: Collection[str]) -> None:
    from relayclear.usecases.starting import check_denom

    name = chain.chain
    if name in answers.service_fees and name in answers.packet_fees:
        return
    say("")
    say_filled(f"What does a clearing cost on {name}?  In base units of a denom that is paid in there.", "2. ")

    def fits(coin: Coin) -> None:
        """A slip in a denom is asked again: nobody could ever pay in it."""
        check_denom(denoms, name, coin, "--service-fee")

    if name not in answers.service_fees:
        usual = f"{SERVICE_FEE}{chain.gas_denom}"
        answers.service_fees[name] = _coin("--service-fee", f"   once per clearing token [{usual}]", usual, fits)
    if name not in answers.packet_fees:
        denom = answers.service_fees[name].denom
        usual = f"{PACKET_FEE}{denom}"
        question = f"   for each packet [{usual}]"
        answers.packet_fees[name] = _coin("--per-packet-fee", question, usual, lambda coin: _in_denom(coin, denom))


def _refunds(answers: Answers) -> None:
    say("")
    say_filled(
        "What happens with refunds?  What was not earned is owed back.  approve: each waits for your yes.  auto: those"
        " within a cap go by themselves, once two independent nodes agree.",
        "3. ",
    )
    answers.mode = _again(lambda: _mode(typed("   approve or auto [approve]") or "approve"))
    if answers.mode == "auto" and not answers.max_each:
        denoms = sorted({coin.denom for coin in answers.service_fees.values()})
        answers.max_each = tuple(_cap(denom) for denom in denoms)
        if not answers.max_per_day:
            days = [_again(lambda denom=denom: _day_cap(denom)) for denom in denoms]  # type: ignore[misc]
            answers.max_per_day = tuple(coin for cap in days for coin in cap)


def _cap(denom: str) -> Coin:
    usual = f"{CAP}{denom}"
    question = f"   one refund in {denom}, at most [{usual}]"
    return _coin("--refund-max-each", question, usual, lambda coin: _in_denom(coin, denom))


def _day_cap(denom: str) -> tuple[Coin, ...]:
    """What goes by itself in a day; nothing where only enter is pressed, which is no limit."""
    text = typed(f"   all refunds in {denom} of 24 hours, at most [no limit]")
    if not text:
        return ()
    coin = read_coin("--refund-max-per-day", text)
    _in_denom(coin, denom)
    return (coin,)


def _in_denom(coin: Coin, denom: str) -> None:
    if coin.denom != denom:
        raise UsageError(f"{coin.denom[:60]!r} is another denom than {denom}", hint=f"{coin.amount}{denom}")


def _mode(text: str) -> str:
    if text not in {"approve", "auto"}:
        raise UsageError(
            f"{text[:40]!r} is neither approve nor auto", hint=f"answer {nearest_of(text, ('approve', 'auto'))}"
        )
    return text


def _coin(flag: str, question: str, usual: str, check: Callable[[Coin], None]) -> Coin:
    def read() -> Coin:
        """One answer that can be used."""
        coin = read_coin(flag, typed(question) or usual)
        check(coin)
        return coin

    return _again(read)


def _again(question: Callable[[], T]) -> T:
    """Ask until an answer can be used."""
    while True:
        given = _tried(question)
        if given is not None:
            return given


def _tried(question: Callable[[], T]) -> T | None:
    """The answer, None for one that can't be used, once it was said why."""
    try:
        return question()
    except UsageError as error:
        say_filled(error.message, "   ")
        return None
