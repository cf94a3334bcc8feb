"""The pages of docs/ say what the code does, or the build fails."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mssante.app.cli import main as command_line
from mssante.model.decision import TEMPORARY, Kind
from mssante.model.mailbox import MailboxState, MailboxType
from mssante.model.message import CopyState
from mssante.rules.federation import RULES
from mssante.wire.smtp.replies import REPLIES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "mssante"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
ROW = re.compile(r"^\| *(.*?) *\|$")
CODE = re.compile(r"`([^`]+)`")


def rows(page: str, heading: str = "") -> list[list[str]]:
    """Return the cells of the tables of a page, or of one of its parts."""
    text = (DOCS / page).read_text("utf-8")
    if heading:
        text = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = [ROW.match(line) for line in text.splitlines()]
    return [re.split(r" *\| *", match[1]) for match in found if match]


@functools.cache
def names_of(file: Path) -> frozenset[str]:
    """Return what a file defines: ``function``, ``Class``, ``Class.method``, ``CONSTANT``."""
    found = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        for inner in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(f"{node.name}.{inner.name}")
    return frozenset(found)


def test_the_generated_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "script" / "docs"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not missing


FLOW_ROWS = [(row[-2], row[-1]) for row in rows("flows.md") if CODE.fullmatch(row[-2])]


@pytest.mark.parametrize(("file", "names"), FLOW_ROWS)
def test_every_name_of_the_flows_is_in_its_file(file: str, names: str) -> None:
    path = PACKAGE / CODE.findall(file)[0]
    assert path.is_file()
    missing = set(CODE.findall(names)) - names_of(path)
    assert not missing


def test_the_flows_have_all_their_steps() -> None:
    steps = {row[0] for row in rows("flows.md") if row[0]}
    assert {f"R{number}" for number in range(1, 11)} | {f"S{number}" for number in range(1, 11)} <= steps


def test_the_glossary_has_every_state_and_nothing_else() -> None:
    for enum, heading in ((CopyState, "States of a copy"), (MailboxState, "States of a mailbox")):
        written = [CODE.findall(row[0])[0] for row in rows("glossary.md", heading) if CODE.findall(row[0])]
        assert written == [state.value for state in enum]
    assert all(kind.value in (DOCS / "glossary.md").read_text("utf-8") for kind in MailboxType)


def test_the_glossary_has_the_rules_in_the_words_of_the_program() -> None:
    written = {row[0]: row[1] for row in rows("glossary.md", "Rules of the trust space")}
    assert {rule: written[rule] for rule in RULES} == RULES


def test_the_glossary_has_every_reason_with_its_reply() -> None:
    written = {
        CODE.findall(row[0])[0]: row[1] for row in rows("glossary.md", "Reasons of a refusal") if CODE.findall(row[0])
    }
    assert written == {kind.value: "{} {}".format(*REPLIES[kind]) for kind in Kind}
    assert {kind for kind in Kind if written[kind.value].startswith("4")} == TEMPORARY


def test_every_cited_text_has_its_title() -> None:
    untitled = [row[0] for row in rows("standards.md", "RFCs") if row[0].isdigit() and not row[1]]
    assert not untitled


def test_operators_find_every_event_of_the_audit() -> None:
    page = (DOCS / "operate.md").read_text("utf-8")
    events = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = {"AuditEvent": 0, "_audit": 1}.get(name, 9)
            if len(node.args) > place and isinstance(argument := node.args[place], ast.Constant):
                events.add(argument.value)
    assert len(events) > 10
    assert not [event for event in events if f"`{event}`" not in page]


def test_operators_find_every_exit_code() -> None:
    written = {int(row[0]) for row in rows("operate.md", "Exit codes") if row[0].isdigit()}
    module = command_line
    assert written == {
        module.OK,
        module.REFUSED,
        module.USAGE,
        module.STORE,
        module.OUTSIDE,
        module.BUG,
        module.INTERRUPTED,
    }


def test_every_decision_says_its_context_what_and_what_not() -> None:
    pages = sorted((DOCS / "decisions").glob("[0-9][0-9][0-9][0-9]-*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {page.name[:4]} ")
        assert "**Context.**" in text
        assert "**Decision.**" in text
        assert "**Refused.**" in text


def test_decisions_that_the_code_cites_exist() -> None:
    cited = {
        number
        for path in PACKAGE.rglob("*.py")
        for number in re.findall(r"decision ([0-9]{4})", path.read_text("utf-8"))
    }
    assert not [number for number in cited if not list((DOCS / "decisions").glob(f"{number}-*.md"))]
