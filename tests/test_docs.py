"""What the pages, the help topics and the gate say is checked against the code."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
import typer

from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState
from relayclear.cli.app import app_for
from relayclear.cli.documents import DOCUMENTS
from relayclear.cli.help_topics import topics
from relayclear.cli.output import Exit, worst
from relayclear.cli.typed import hoisted
from relayclear.cli.who import VARIABLE
from relayclear.config.loading import variables
from relayclear.config.reading import known_keys
from relayclear.dashboard.actions import ACTIONS, Danger, shown_key
from relayclear.ibc.fate import Fate
from relayclear.ibc.filter import Filter
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.money.earned import Reason, Result
from relayclear.money.refund_state import RefundState
from relayclear.money.settlement import Flaw
from relayclear.money.state import TokenState
from relayclear.usecases.metrics import METRICS
from relayclear.wording import FATES, OPERATIONS
from relayclear.wording import runbook_sales as sales
from relayclear.wording.breaking import BREAKERS
from relayclear.wording.glossary import GLOSSARY
from relayclear.wording.refunding import REFUNDS
from relayclear.wording.requesting import REQUESTS
from relayclear.wording.runbook import TODO_CLASS, TODO_FATE, TODO_REASON, lifts
from relayclear.wording.selling import RESULTS, TOKENS, VERDICT_REASONS
from tests.cli.fitting import fits
from tests.docs.makers import MAKERS, commands
from tests.docs.pages import PAGES, ROOT, blocks, everything, made_anew, text_of

README = text_of("README.md")
ALL = everything()
COMMAND = typer.main.get_command(app_for([]))


def command_lines() -> list[str]:
    """Every command line that is written in the pages; what is shown typed, and what is made, is tested elsewhere."""
    written = made_anew(ALL, dict.fromkeys(MAKERS, str))
    lines = [line.partition("  #")[0].strip() for block in blocks(written, "") for line in block.splitlines()]
    lines += re.findall(r"`(relayclear [^`]*)`", written)
    return sorted({line for line in lines if line.startswith("relayclear ") and not {*"|$"} & {*_unquoted(line)}})


def _unquoted(line: str) -> str:
    # A list of topics is written with bars, and no shell means it.
    return "" if line.startswith("relayclear help") else re.sub(r"'[^']*'", "", line)


def rows(title: str) -> list[str]:
    """The rows of the table whose header starts with `title`."""
    lines = ALL[ALL.index(f"\n| {title} |") + 1 :].splitlines()
    return [*itertools.takewhile(lambda line: line.startswith("|"), lines)][2:]


def first_column(title: str) -> list[str]:
    """The code words in the first column of the table whose header starts with `title`."""
    return [word for line in rows(title) for word in re.findall(r"[\w_]+", line.split("|")[1])]


def first_column_codes(title: str) -> list[str]:
    """What stands between backticks in the first column of the table whose header starts with `title`."""
    return [code for line in rows(title) for code in re.findall(r"`([^`]+)`", line.split("|")[1])]


def parsed(line: str) -> None:
    """Parse a command line as far as its options, running nothing.  Raises for what doesn't exist."""
    command: Any = COMMAND
    options, rest = hoisted(shlex.split(line)[1:])
    words = [*options, *rest]
    # These act while they are parsed: one prints, the other writes into the home folder.
    if words in (["--help"], ["--install-completion"]):
        assert words[0] in {name for option in command.params for name in option.opts} | {"--help"}
        return
    context = command.make_context("relayclear", words)
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        command = command.commands[rest[0]]
        context = command.make_context(rest[0], rest[1:], parent=context)


@pytest.mark.parametrize("line", command_lines())
def test_a_command_in_the_pages_can_be_typed(line: str) -> None:
    for alternative in line.split(" | ") if "COMMAND" not in line else []:
        parsed(alternative if alternative.startswith("relayclear") else f"relayclear help {alternative}")


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(KeyError, match="lst"):
        parsed("relayclear packets lst")
    with pytest.raises(Exception, match="o such option"):
        parsed("relayclear packets list --no-such-option")


def test_the_filters_in_the_pages_are_filters() -> None:
    filters = re.findall(r"--filter '([^']*)'", ALL)
    assert filters
    assert all(Filter.parse(text).terms for text in filters)


def test_every_exit_code_stands_in_the_pages_and_in_the_help() -> None:
    assert first_column("exit code") == [str(code.value) for code in Exit]
    said = " ".join(topics()["exit-codes"].split())
    assert all(f"{code.value} {code.meaning}" in said for code in Exit)


def test_which_of_several_codes_counts_is_told_as_it_is_done() -> None:
    said = re.search(r"Where several apply: ([^.]*)\.", topics()["exit-codes"])
    assert said is not None
    codes = {str(code.value): code for code in Exit}
    order = [codes[number] for number in re.findall(r"\d+", said[1])]
    assert f"Where several apply: {said[1]}." in ALL
    assert {*order} == {*Exit} - {Exit.DONE, Exit.INTERRUPTED}
    assert all(worst([better, worse]) is worse for worse, better in itertools.pairwise(order))


def test_every_class_fate_and_reason_stands_in_the_pages() -> None:
    assert set(first_column("class")) == {item.value for item in PacketClass}
    assert set(first_column("fate")) == {item.value for item in Fate}
    assert all(f"`{reason}`" in ALL for reason in BlockReason)


def test_every_metric_in_the_pages_is_told() -> None:
    named = set(re.findall(r"`(relayclear_\w+)`", ALL))
    assert len(named) > 10
    assert named <= METRICS.keys()


def test_every_page_of_the_listener_stands_in_the_pages() -> None:
    assert first_column_codes("page") == [
        "/health/live",
        "/health/ready",
        "/health",
        "/health/external",
        "/metrics",
    ]


def test_a_key_in_the_readme_does_something_and_every_one_that_acts_is_in_it() -> None:
    named = set(first_column_codes("key"))
    keys = {shown_key(key) for action in ACTIONS.values() for key in action.key.split(",") if key}
    assert named <= keys
    assert {shown_key(action.key) for action in ACTIONS.values() if action.danger is not Danger.LOOKS} <= named


def test_every_key_and_its_name_stand_in_the_help() -> None:
    told = re.findall(r"^  (\S+) .*?\((\w+)\)$", topics()["dashboard"], re.MULTILINE | re.DOTALL)
    assert set(told) >= {(shown_key(action.key), action.name) for action in ACTIONS.values()}


def test_the_pictures_in_the_readme_are_those_that_the_tests_hold_the_screen_to() -> None:
    shown = [file.removeprefix("../") for file in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", ALL)]
    assert len(shown) >= 2
    assert all(file.startswith("tests/dashboard/pictures/") and (ROOT / file).is_file() for file in shown)


def test_every_room_stands_in_the_pages() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(item["layers"] for item in contracts["contracts"] if item["type"] == "layers")
    rooms = {room.strip() for floor in floors for room in floor.split("|")} - {"__main__", "errors"}
    assert set(first_column("room")) == rooms


@pytest.mark.parametrize("shown", [*blocks(ALL, "toml")])
def test_the_settings_in_the_pages_are_settings(shown: str) -> None:
    known = {path for path, _ in known_keys()}
    named = {re.sub(r"(chains|denoms|rates)\.[^.]+", r"\1.*", path) for path in paths(tomllib.loads(shown))}
    assert named
    assert named <= known


def paths(table: dict[str, Any], above: str = "") -> Iterator[str]:
    """The full path of each key."""
    for name, value in table.items():
        tables = [value] if isinstance(value, dict) else value
        if isinstance(tables, list) and tables and isinstance(tables[0], dict):
            for one in tables:
                yield from paths(one, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_a_setting_that_the_text_names_is_one() -> None:
    sections = {path.rpartition(".")[0].replace(".*", "") for path, _ in known_keys()}
    named = re.findall(r"\[(\w+)\] (\w+)`", ALL)
    assert len(named) > 5
    assert {f"{section}.{key}" for section, key in named} <= {path.replace(".*", "") for path, _ in known_keys()}
    assert {section for section, _ in named} <= sections


def test_every_variable_in_the_pages_exists() -> None:
    named = set(re.findall(r"\bRELAYCLEAR_\w+", ALL))
    # What the tests themselves look at.
    assert named - {"RELAYCLEAR_LOCALNET", "RELAYCLEAR_WRITE_GOLDEN"} <= {*variables(), "RELAYCLEAR_CONFIG", VARIABLE}


def test_every_option_in_the_text_is_an_option() -> None:
    options = [*COMMAND.params, *(option for _, command in commands() for option in command.params)]
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    named = {word for text in re.findall(r"`([^`\n]+)`", ALL) for word in re.findall(r"(?<![\w-])--[a-z][\w-]*", text)}
    assert len(named) > 20
    assert named <= known | {"--now"}  # systemctl's


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", text_of(page))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = (PAGES[page].parent / file).resolve() if file else PAGES[page]
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_file_that_the_pages_name_is_there() -> None:
    named = set(re.findall(r"`((?:relayclear|tests|docs)/[\w./]+)`", ALL))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_page_of_the_docs_is_looked_at_here() -> None:
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").iterdir()} == {*PAGES} - {"README.md"}


def read_variables() -> set[str]:
    """The environment variables that the code asks for, by name or by a constant of its module."""
    found: set[str] = set()
    for file in (ROOT / "relayclear").rglob("*.py"):
        # The rehearsal network's own Hermes gets its variables from the script that starts it.
        if "rehearsal" in file.parts:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=asked, attr="get" | "pop"), args=[name, *_]):
                    pass
                case ast.Subscript(value=asked, slice=name) | ast.Compare(left=name, comparators=[asked]):
                    pass
                case _:
                    continue
            if not re.search(r"(^|[._])(env|environ)$", ast.unparse(asked)):
                continue
            value = constants.get(name.id) if isinstance(name, ast.Name) else getattr(name, "value", None)
            found |= {value} if isinstance(value, str) else set()
    return found


def test_a_variable_that_the_code_reads_is_not_told_or_one_is_told_that_nobody_reads() -> None:
    told = set(re.findall(r"^  (\w+)  ?", topics()["environment"], re.MULTILINE))
    read = read_variables()
    assert {"NO_COLOR", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"} <= read
    assert read <= told
    # The platform's own library and Python's read these.
    others = {"TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"}
    settings = {*variables(), "RELAYCLEAR_CONFIG", "RELAYCLEAR_HERMES_CONFIG", VARIABLE}
    assert told - settings - others <= read
    assert settings <= told


def test_the_runbook_leaves_somebody_alone_with_a_class_a_reason_or_a_fate() -> None:
    lines = topics()["runbook"].splitlines()
    words = {line.strip() for line in lines if line.startswith("    ") and not line.startswith("     ")}
    assert words >= {kind.value for kind in PacketClass} | {reason.value for reason in BlockReason}
    assert words >= {FATES[fate].word for fate in Fate}
    assert {*TODO_CLASS} == {*PacketClass}
    assert {*TODO_REASON} == {*BlockReason}
    assert {*TODO_FATE} == {*Fate}
    assert all(lifts(reason).endswith(".") and len(lifts(reason)) > 20 for reason in BlockReason)


@pytest.mark.parametrize(
    ("kind", "todos", "words"),
    [
        (OperationState, sales.TODO_OPERATION, OPERATIONS),
        (RequestState, sales.TODO_REQUEST, REQUESTS),
        (BreakerState, sales.TODO_BREAKER, BREAKERS),
        (TokenState, sales.TODO_TOKEN, TOKENS),
        (Flaw, sales.TODO_FLAW, {flaw: flaw.value for flaw in Flaw}),
        (Result, sales.TODO_RESULT, RESULTS),
        (Reason, sales.TODO_VERDICT, VERDICT_REASONS),
        (RefundState, sales.TODO_REFUND, REFUNDS),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_state_that_a_screen_names_is_not_in_the_runbook(
    kind: type[StrEnum], todos: dict[Any, Any], words: dict[Any, Any]
) -> None:
    assert [*todos] == [*kind], "in the order in which they follow each other"
    told = topics()["runbook"].splitlines()
    titles = [line.strip() for line in told if line.startswith("    ") and not line.startswith("     ")]
    assert {getattr(words[one], "word", words[one]) for one in kind} <= {*titles}
    assert "given up" in titles


def test_a_command_in_a_topic_cannot_be_typed() -> None:
    told = "\n".join(topics().values())
    named = re.findall(r"^ +relayclear ([a-z]+)", told, re.MULTILINE)
    nouns: Any = COMMAND
    assert len(named) > 20
    assert {*named} <= {*nouns.commands}


def test_the_glossary_is_another_one_than_the_screens() -> None:
    told = topics()["glossary"].splitlines()
    assert [line for line in told if not line.startswith(" ")] == [*GLOSSARY]


def test_every_variable_in_the_help_exists() -> None:
    named = set(re.findall(r"\bRELAYCLEAR_\w+", topics()["environment"])) - {"RELAYCLEAR_SECTION_KEY"}
    assert named <= {*variables(), "RELAYCLEAR_CONFIG", VARIABLE}


def test_the_gate_runs_the_readmes_own_test_command() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test -->" in gate
    assert "RELAYCLEAR_LOCALNET=require" in gate
    command = README.split("<!-- test -->\n```\n")[1].split("\n```")[0]
    assert "pytest" in command
    assert ".[test]" in command


def opts_of(command: Any) -> set[str]:
    """The options of a command."""
    return {name for one in command.params for name in one.opts}


def test_a_document_of_json_is_told_of_no_command_or_of_none_that_there_is() -> None:
    silent = {"dashboard"}  # it is a screen, and refuses --json
    named = {name.partition(" --")[0] for name in DOCUMENTS}
    known = {words.removeprefix("relayclear").strip() for words, _ in commands()}
    assert known - named == silent
    # Bare words that are nouns as well: they answer without a verb.
    assert named - known == {"", "payments gaps"} - known
    options = {words.removeprefix("relayclear ") + f" {name}" for words, one in commands() for name in opts_of(one)}
    assert {name for name in DOCUMENTS if " --" in name} <= options


def test_the_page_the_help_and_the_kept_documents_disagree_about_a_document() -> None:
    page = dict(line.strip("| ").split(" | ") for line in rows("document"))
    assert {*page} == {f"`{name or 'relayclear'}`" for name in DOCUMENTS}
    told = topics()["json"]
    for name, names in DOCUMENTS.items():
        fields = re.sub(r"\([^)]*\)", "", page[f"`{name or 'relayclear'}`"])
        shown = [word.removesuffix("[]") for word in re.findall(r"`([^`]+)`", fields)]
        assert shown == names.split(), name
        title = f"  relayclear {name}".rstrip()
        below = told[told.index(f"\n{title}\n") + len(title) + 2 :].split("\n  relayclear")[0].split("\n\n")[0]
        assert below.split() == names.split(), name


def test_a_document_that_nobody_was_promised_would_be_noticed() -> None:
    promised = {"schema_version": 1, "level": "healthy", "at": "", "findings": [], "works": []}
    assert fits("health", promised)
    assert not fits("health", {**promised, "more": 1})
    assert not fits("health", {name: value for name, value in promised.items() if name != "level"})
    assert not fits("health", {**promised, "schema_version": 2})
    assert not fits("doctor", promised)
    assert fits("refunds sweep", {"schema_version": 1, "chains": []})
    assert fits("refunds sweep", {"schema_version": 1, "dry_run": True, "chains": []})
    many = {"schema_version": 1, "operations": [], "failures": [], "left_out": []}
    assert fits("clear", many)
    assert fits("clear", {**many, "state": "done"})
    assert not fits("clear", {**many, "dry_run": True})
    assert fits("watch", {"schema_version": 1, "event": "", "level": "", "at": "", "pid": 1})
