"""Sizes, captions and docstrings: what makes the house readable.

Source: design.md sections 1 and 5.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mssante"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_MAX_LINES = 500
FUNCTION_MAX_LINES = 60
FORBIDDEN_WORDS = {"manager", "helper", "utils", "util", "common", "misc"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions_of(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_longer_than_the_house_allows(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_function_is_longer_than_the_house_allows(path: Path) -> None:
    long = {
        node.name: length
        for node in functions_of(ast.parse(path.read_text()))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_MAX_LINES
    }
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_a_folder_file_holds_its_caption_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(tree.body) == 1
    assert len((ast.get_docstring(tree) or "").splitlines()) == 1


def test_every_folder_of_the_package_has_its_caption() -> None:
    folders = {path.parent for path in MODULES}
    assert not [name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_name_hides_what_it_is(path: Path) -> None:
    words = set(path.stem.lower().split("_"))
    # "manager" as a folder is the national role (gestionnaire de l'espace de confiance), never a suffix.
    classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    vague = [name for name in classes if name.endswith(("Manager", "Helper", "Utils", "Util"))]
    assert not vague
    assert not words & (FORBIDDEN_WORDS - {"manager"})


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_frozen_values_have_slots(path: Path) -> None:
    bad = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "dataclass":
                keywords = {word.arg: getattr(word.value, "value", None) for word in decorator.keywords}
                if keywords.get("frozen") and not keywords.get("slots"):
                    bad.append(node.name)
    assert not bad


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text()
    assert not [word for word in ("TODO", "FIXME", "XXX", "NotImplementedError") if word in text]
