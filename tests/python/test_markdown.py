"""Every .md file: its links lead somewhere, its commands exist, and they print what it shows of their output."""

from __future__ import annotations

import ast
import functools
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import click
import pytest
import yaml
from conftest import REPO, clean_environment
from dbt.cli.main import cli, dbtRunner
from dbt.contracts.graph.manifest import Manifest
from parsed_project import ParsedProject

import generate
from sandbox.processes import ports_of_its_own

TRACKED = subprocess.check_output(["git", "ls-files"], cwd=REPO, text=True).split()
PAGES = [name for name in TRACKED if name.endswith(".md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
# Figures that were measured once, on a machine that the page names.
MEASURED = "docs/benchmarks.md"
# Its commands are for the project that it changes; test_contributing runs them.
FOLLOWED = "CONTRIBUTING.md"
# Its SQL makes a log over shards; test_sharded_log runs it.
SHARDS = "docs/more-than-one-node.md"
# Its SQL is made for PostgreSQL; test_event_contract runs it.
CONTRACT = "docs/event-contract.md"
# Its SQL is for tables that nobody has made yet; test_plans runs it.
PLANS = "docs/plans/"
SCALE = "0.05"
ANY = "any_value"
ASSIGNED = re.compile(r"[A-Z_]+=").match


class Shown(NamedTuple):
    """A command of a console block, and the lines that the page shows below it."""

    page: str
    command: str
    output: list[str]


def read(page: str) -> str:
    return (REPO / page).read_text()


def consoles() -> list[Shown]:
    shown = []
    for page in PAGES:
        if page == FOLLOWED:
            continue
        for language, block in FENCE.findall(read(page)):
            for part in re.split(r"^\$ ", block, flags=re.M)[1:] if language == "console" else []:
                command, *output = [line.rstrip() for line in part.splitlines()]
                shown.append(Shown(page, command, [line for line in output if line]))
    return shown


def code_spans(page: str) -> list[str]:
    """What stands between single backticks; a span may run over the end of a line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", read(page)))]


def commands() -> Iterator[tuple[str, str]]:
    """Every command of every page."""
    yield from ((shown.page, shown.command) for shown in consoles())
    for page in PAGES:
        for span in code_spans(page):
            if re.match(r"([A-Z_]+=\S+ )*(dbt|scripts/\w+(\.py)?) .", span):
                yield page, span


@functools.cache
def elsewhere() -> str:
    """What the repository says outside of its pages."""
    files = [name for name in TRACKED if not name.endswith((".md", ".png")) and "/golden/" not in name]
    return "\n".join(map(read, files))


# Links and names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", read(page))):
        # What begins with #!/ is a page of the documentation site (test_docs).
        if link.startswith(("https://", "#!/")):
            continue
        path, _, anchor = link.partition("#")
        target = (REPO / page).parent / path if path else REPO / page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)", FENCE.sub("", target.read_text()), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], link


@pytest.mark.parametrize("page", PAGES)
def test_names_are_those_of_the_project(page: str) -> None:
    names = {span.removesuffix("()") for span in code_spans(page)}
    names = {name for name in names if re.fullmatch(r"\w+_\w*[a-zA-Z]", name)}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", elsewhere())] == []


# Commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest(parsed_once: ParsedProject) -> Iterator[Manifest]:
    """The project as dbt parses it."""
    folder = str(parsed_once.target)
    environment = {"DBT_PROJECT_DIR": str(REPO), "DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder}
    with mock.patch.dict(os.environ, parsed_once.environment() | environment):
        yield parsed_once.manifest


@functools.cache
def help_of(script: str, *subcommand: str) -> str:
    done = subprocess.run([REPO / script, *subcommand, "--help"], env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_script(script: str, *words: str) -> None:
    assert os.access(REPO / script, os.X_OK), script
    if not script.endswith(".py"):
        return
    # A group of commands lists them; what others are given first is a value.
    named = re.search(r"^Commands:\n(.*)", help_of(script), re.M | re.S)
    subcommand = [word for word in words[:1] if named and re.search(rf"^  {word} ", named[1], re.M)]
    assert subcommand or not named or words[0].startswith("--"), words
    for word in words:
        if word.startswith("--"):
            assert re.search(rf"(^|\s|/){word.split('=')[0]}\b", help_of(script, *subcommand)), word


def check_dbt(manifest: Manifest, *words: str) -> None:
    command: click.Command = cli
    given = iter(words)
    options = {name: option for option in cli.params for name in (*option.opts, *option.secondary_opts)}
    for word in given:
        if not word.startswith("-"):
            assert isinstance(command, click.Group), word
            command = command.commands[word]
            options |= {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
            if command.name == "run-operation":
                assert f"macro.entity_metrics.{next(given)}" in manifest.macros
            continue
        assert word in options, word
        value = "" if options[word].is_flag else next(given)
        if word == "--vars":
            assert yaml.safe_load(value).keys() <= yaml.safe_load(read("dbt_project.yml"))["vars"].keys(), value
        if word == "--target":
            assert value.removesuffix("_production") in ("sandbox", "production", "postgres", "postgres_owner")
        if word in ("--select", "--selector") and ANY not in value and not value.startswith("state:"):
            listed = dbtRunner(manifest=manifest).invoke(["--quiet", "--log-level-file", "none", "ls", word, value])
            assert listed.success, (value, listed.exception)


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_the_command_exists(manifest: Manifest, page: str, command: str) -> None:
    # <entity type> and … stand for any.
    program, *words = itertools.dropwhile(ASSIGNED, shlex.split(re.sub(r"<[^>]*>|…", ANY, command)))
    if program == "dbt":
        check_dbt(manifest, *words)
    elif program.startswith("scripts/"):
        check_script(program, *words)
    else:
        assert command == "source .venv/bin/activate"


def test_a_command_that_does_not_exist_is_found(manifest: Manifest) -> None:
    for wrong in (
        ("run", "--select", "tag:modell"),
        ("run", "--selectors", "marts"),
        ("build", "--selector", "mart"),
        ("build", "--vars", "{cutof: 1}"),
        ("run-operation", "remove_metrics"),
    ):
        with pytest.raises(AssertionError):
            check_dbt(manifest, *wrong)
    for wrong in (("scripts/demos",), ("scripts/sandbox.py", "upp"), ("scripts/push_metrics.py", "entities", "--tttl")):
        with pytest.raises(AssertionError):
            check_script(*wrong)


# What commands print ----------------------------------------------------------------------------------------------


def tidy(line: str) -> str:
    """A line without colours, and however wide its columns are."""
    return re.sub(r"([ ─])\1+", r"\1", re.sub(r"\x1b\[\d+m", "", line)).rstrip()


def pattern_of(line: str) -> str:
    """What matches a line that a page shows: … is anything, a number of three digits or with decimals any number."""
    escaped = re.escape(tidy(line)).replace("…", ".*")
    return re.sub(r"\d(?:[\d,]|\\\.)*", lambda n: n[0] if re.fullmatch(r"\d\d?", n[0]) else r"[\d,.]+", escaped)


def first_not_shown(shown: list[str], printed: str) -> str | None:
    """The first line that a page shows and the command does not print there, or the other way round."""
    lines, at, anywhere = [tidy(line) for line in printed.splitlines() if line.strip()], 0, False
    for line in shown:
        if line == "…":
            anywhere = True
            continue
        found = [n for n in range(at, len(lines)) if re.fullmatch(pattern_of(line), lines[n])]
        if not found or not (anywhere or found[0] == at):
            return line
        at, anywhere = found[0] + 1, False
    return None if anywhere or at == len(lines) else lines[at]


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[dict[str, str], str]]:
    """The servers of scripts/demo, as a reader has them after it, and what it printed."""
    folder = REPO / ".sandbox" / f"demo-{os.getpid()}"
    environment = clean_environment(**ports_of_its_own(), SANDBOX_DIR=str(folder))
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    try:
        yield environment, output_of(f"scripts/demo {SCALE}", environment)
    finally:
        output_of("scripts/sandbox.py down", environment)
        shutil.rmtree(folder)


def output_of(command: str, environment: dict[str, str]) -> str:
    """What a command prints on the demo's servers, once they are up."""
    reach = 'eval "$(scripts/sandbox.py env)"' if Path(environment["SANDBOX_DIR"]).exists() else "true"
    line = ["bash", "-c", f"{reach}; {command}"]
    done = subprocess.run(line, cwd=REPO, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


WITH_OUTPUT = [shown for shown in consoles() if shown.output and shown.page != MEASURED]


@pytest.mark.parametrize("shown", WITH_OUTPUT, ids=lambda shown: f"{shown.page}: {shown.command}")
def test_the_output_is_what_the_command_prints(demo: tuple[dict[str, str], str], shown: Shown) -> None:
    environment, printed = demo
    if shown.command == "scripts/test":
        # It runs this test.
        assert [line for line in shown.output if line != "…" and line not in elsewhere()] == []
        return
    if shown.command != "scripts/demo":
        printed = output_of(shown.command, environment)
    wrong = first_not_shown(shown.output, printed)
    assert not wrong, f"Only the page or only the command says: {wrong}"


@pytest.mark.parametrize(
    ("shown", "printed", "wrong"),
    [
        (["3 keys in 1.5 s", "…", "done"], "3 keys in 12.25 s\nand\nmore\ndone\n", None),
        (["3 keys"], "4 keys\n", "3 keys"),
        (["180,996 keys"], "\x1b[32m7 keys\x1b[0m\n", None),
        (["keys", "done"], "keys\nmore\ndone\n", "done"),
        (["keys"], "keys\nmore\n", "more"),
        (["…", "keys"], "more\n", "keys"),
    ],
)
def test_output_that_is_out_of_date_is_found(shown: list[str], printed: str, wrong: str | None) -> None:
    assert first_not_shown(shown, printed) == wrong


# Compiled SQL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_sql_is_what_dbt_compiles(page: str) -> None:
    golden = [path.read_text() for path in (REPO / generate.GOLDEN).rglob("*.sql")]
    for language, block in FENCE.findall(read(page)):
        if language == "sql" and page not in (CONTRACT, SHARDS) and not page.startswith(PLANS):
            assert any(block in sql for sql in golden), block
        if language == "diff":
            header, *hunks = re.split(r"^@@.*\n", block, flags=re.M)
            for hunk in hunks:
                before = "".join(f"{line[1:]}\n" for line in hunk.splitlines() if not line.startswith("+"))
                assert before in read(re.match("--- a/(.*)", header)[1])


# Messages ---------------------------------------------------------------------------------------------------------

RAISED = re.compile(r"exceptions\.(?:raise_compiler_error|warn)\(|\bdo stop\(")
LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def literals(text: str) -> str:
    """The strings in a piece of Jinja, with … where a run fills something in."""
    return "…".join(re.sub(r"\\(.)", r"\1", single or double) for single, double in LITERAL.findall(text))


def messages_of_macros() -> Iterator[str]:
    """Every error and warning that a macro raises in its own words."""
    for name in TRACKED:
        if not name.startswith(("macros/", "tests/generic/")):
            continue
        text = read(name)
        for call in RAISED.finditer(text):
            end, depth = call.end(), 1
            while depth:
                literal = LITERAL.match(text, end)
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end = literal.end() if literal else end + 1
            yield literals(text[call.end() : end])


def messages_of_scripts() -> Iterator[str]:
    """Every error that ends a script, in its own words."""
    for path in (REPO / "scripts").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "ClickException",
                "Stopped",
                "BadParameter",
            ):
                yield "…".join(str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant))


def words_of(message: str) -> list[str]:
    """A message's own words, between what a run fills in."""
    return [part for part in re.split(r"…|\n", message) if re.search(r"\w{3}", part)]


def says(text: str, quoted: str) -> bool:
    return all(part.strip(" .,:;'()") in text for part in words_of(quoted))


def quoted_in_the_runbook() -> list[str]:
    rows = re.findall(r"^\| (.*?) \|", read("docs/runbook.md"), re.M)
    return [
        " ".join(span.split()) for row in rows for span in re.findall(r"`([^`]+)`", row) if "…" in span or " " in span
    ]


def test_every_message_is_in_the_runbook() -> None:
    quoted = [words for words in quoted_in_the_runbook() if words_of(words)]
    # What consists of another macro's text is found by that.
    own = [
        message for message in (*messages_of_macros(), *messages_of_scripts()) if len("".join(words_of(message))) > 20
    ]
    assert len(own) > 50
    missing = [message for message in own if not any(says(message, words) for words in quoted)]
    assert not missing, "\n".join(missing)


def test_every_message_in_the_runbook_is_the_projects() -> None:
    said = "".join(read(name) for name in TRACKED if name.startswith(("macros/", "scripts/")))
    assert [words for words in quoted_in_the_runbook() if not says(said, words)] == []
