"""Sizes, captions, docstrings and laws that can be read from the sources.

Source: design.md sections 1, 3 (law 5) and 5.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mssante"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_MAX_LINES = 500
FUNCTION_MAX_LINES = 60
VAGUE_MODULES = {"helper", "helpers", "utils", "util", "common", "misc"}
VAGUE_ENDINGS = ("Manager", "Helper", "Utils", "Util")
# Law 5: only app reads configuration, environment and clock.
ONLY_APP = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("os", "environ"),
    ("os", "getenv"),
    ("secrets", "token_bytes"),
    ("secrets", "token_hex"),
    ("os", "urandom"),
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def classes_of(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]


def is_frozen_without_slots(node: ast.ClassDef) -> bool:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "dataclass":
            keywords = {word.arg: getattr(word.value, "value", None) for word in decorator.keywords}
            return bool(keywords.get("frozen")) and not keywords.get("slots")
    return False


def test_no_module_is_longer_than_the_house_allows() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > MODULE_MAX_LINES}


def test_most_modules_are_short() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in MODULES if path.name != "__init__.py")
    assert lengths[len(lengths) // 2] <= 200


def test_no_function_is_longer_than_the_house_allows() -> None:
    long = {
        f"{name_of(path)} {node.name}": length
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_MAX_LINES
    }
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    assert not [name_of(path) for path in MODULES if not ast.get_docstring(tree_of(path))]


def test_a_folder_file_holds_its_caption_and_nothing_else() -> None:
    captions = [path for path in MODULES if path.name == "__init__.py"]
    wrong = [
        name_of(path)
        for path in captions
        if len(tree_of(path).body) != 1 or len((ast.get_docstring(tree_of(path)) or "").splitlines()) != 1
    ]
    assert not wrong
    assert {path.parent for path in captions} == {path.parent for path in MODULES}


def test_no_name_hides_what_it_is() -> None:
    modules = [name_of(path) for path in MODULES if set(path.stem.split("_")) & VAGUE_MODULES]
    classes = [node.name for path in MODULES for node in classes_of(path) if node.name.endswith(VAGUE_ENDINGS)]
    assert not modules + classes


def test_frozen_values_have_slots() -> None:
    assert not [
        f"{name_of(path)} {node.name}" for path in MODULES for node in classes_of(path) if is_frozen_without_slots(node)
    ]


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError")
    assert not [f"{name_of(path)}: {word}" for path in MODULES for word in words if word in path.read_text()]


def test_only_app_reads_clock_environment_and_chance() -> None:
    found = [
        f"{name_of(path)}:{node.lineno} {node.value.id}.{node.attr}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] != "app"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in ONLY_APP
    ]
    assert not found


@pytest.mark.parametrize("script", ["setup", "demo", "test", "check", "lock", "bench"])
def test_every_script_can_be_run_and_says_what_it_does(script: str) -> None:
    path = ROOT / "script" / script
    assert path.stat().st_mode & 0o111
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#!")
    assert lines[1].startswith("# ")
